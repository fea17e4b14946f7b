// Runner: computes a batch of sequences on one worker's Ops and fills in their results.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/heads.h"
#include "engine/plan.h"
#include "engine/sequence.h"
#include "models/model.h"
#include "vecton/tokenizer.h"

namespace vecton {

class Runner {
 public:
  // Reads the weights; errors name the tensor. `ops` prepares them.
  Runner(const Plan& plan, const Tokenizer& tokenizer, const EngineOptions& options, Ops& ops);

  // Computes the sequences, all of the same tasks. Every value is checked to be finite; a failure
  // is that result's error. Thread-safe, with an Ops per thread.
  void run(Ops& ops, const std::vector<Sequence>& sequences) const;

  int64_t parameters() const { return parameters_; }
  int64_t file_bytes() const { return file_bytes_; }
  int64_t weight_bytes() const { return weight_bytes_; }
  int64_t linear_parameters() const { return linear_parameters_; }
  int64_t linear_bytes() const { return linear_bytes_; }
  const std::string& dtype() const { return dtype_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  Batch make_batch(const std::vector<Sequence>& sequences) const;
  // What the heads of `task` know of the sequences.
  std::vector<HeadInput> inputs_of(Task task, const std::vector<Sequence>& sequences) const;
  bool activates(Task task) const;

  const Plan& plan_;
  std::unique_ptr<Model> model_;
  Heads heads_;
  int64_t parameters_ = 0, file_bytes_ = 0, weight_bytes_ = 0, linear_parameters_ = 0,
          linear_bytes_ = 0;
  std::string dtype_;
  std::vector<std::string> warnings_;
};

}  // namespace vecton
