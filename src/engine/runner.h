// Runner: computes a batch of sequences on one worker's Ops and fills in their results.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/weights.h"
#include "engine/heads.h"
#include "engine/plan.h"
#include "engine/routes.h"
#include "engine/sequence.h"
#include "heads/weighted_layers.h"
#include "models/model.h"

namespace vecton::engine {

class Runner {
 public:
  // Reads the weights of all routes, those of one transformer once; errors name the tensor. `ops`
  // prepares them, and `kept` hears of the bytes of each; what it throws ends the loading.
  Runner(const Routes& routes, const EngineOptions& options, Ops& ops,
         const std::function<void(int64_t bytes)>& kept);

  // Computes the sequences, of any tasks. Every value is checked to be finite; a failure is that
  // result's error. Thread-safe, with an Ops per thread.
  void run(Ops& ops, const std::vector<Sequence>& sequences);

  // Nothing is computed: memory that is not needed until something is goes back.
  void rest() const;

  // What a text without tokens comes to, whose vector is zero before the modules.
  Result of_nothing(Ops& ops, const Sequence& sequence) const;

  // Model::pair_logits() of texts without a role.
  std::optional<models::PairLogits> pair_logits() const {
    return routes_.front().model ? routes_.front().model->pair_logits() : std::nullopt;
  }

  // Whether a prefix cache may be used for it: its answer is taken of the last row alone. Of those
  // that generate it always is.
  bool cacheable(const Sequence& sequence) const;
  // Pages of the cache that `bytes` are enough for. 0 where the model can't use one.
  int64_t cache_pages(int64_t bytes) const;
  std::vector<int64_t> cache_windows() const;  // of each group of layers
  int64_t page_bytes() const;
  // Bytes of what the layers of a model that generates keep of each sequence beside pages.
  int64_t state_bytes() const;
  // Makes room for the keys and values of so many pages, and for so many sequences' states; before
  // the first run().
  void make_cache(int64_t pages, int64_t state_slots, Ops& ops);

  int64_t parameters() const { return parameters_; }
  int64_t file_bytes() const { return file_bytes_; }
  int64_t weight_bytes() const { return weight_bytes_; }
  int64_t linear_parameters() const { return linear_parameters_; }
  // Those among them that logits of the next token are computed with.
  int64_t lm_head_parameters() const { return lm_head_parameters_; }
  int64_t linear_bytes() const { return linear_bytes_; }
  const std::string& dtype() const { return dtype_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  checkpoint::Weights open_weights(const Plan& plan, const EngineOptions& options, Ops& ops);
  void count(const Plan& plan, const EngineOptions& options, checkpoint::Weights weights);
  void note_left_over(const Plan& plan, const checkpoint::Weights& weights);
  tensor::Batch make_batch(const std::vector<Sequence>& sequences) const;
  // What a head has to do in a batch: its sequences, by their number, and the rows that it wants
  // of each.
  struct HeadWork {
    Task task = Task::kEmbed;
    std::vector<size_t> sequences;
    std::vector<heads::HeadInput> inputs;  // of each
    tensor::Rows wanted;
  };
  std::vector<HeadWork> head_work(const std::vector<Sequence>& sequences) const;
  // What one of the model's plans computes with.
  struct Route {
    const Plan& plan;
    const models::Model* model;
    std::optional<heads::WeightedLayers> layers;  // none = the last one's rows are read
    Heads heads;
    std::optional<heads::CausalLmHead> lm_head;  // of a plan that generates
    const Tokenizer* tokenizer = nullptr;
  };

  // Of a sequence that generates: its last row with those of its draft, and those of its prompt
  // that are asked for.
  static void want_logits(const Sequence& sequence, tensor::Rows& wanted);
  void take_logits(Ops& ops, const Route& route, const Tensor& rows, const HeadWork& work,
                   const std::vector<Sequence>& sequences) const;
  // Of one route.
  void run_route(Ops& ops, const std::vector<Sequence>& sequences);

  void add_pages(const Sequence& sequence, tensor::Batch& batch) const;

  // What a head makes of a row of zeros.
  Answer answer_of_nothing(Ops& ops, size_t route, const heads::HeadInput& input) const;

  // The wanted rows, as heads read them.
  Tensor hidden(Ops& ops, const Route& route, tensor::Batch& batch);

  std::vector<std::unique_ptr<models::Model>> models_;  // of the routes: one per transformer
  std::vector<Route> routes_;
  std::vector<std::function<void()>> table_releases_;  // Weights::table_releases
  tensor::Cache cache_;                                // no groups = none
  bool keeps_states_ = false;
  int64_t parameters_ = 0, file_bytes_ = 0, weight_bytes_ = 0, linear_parameters_ = 0,
          lm_head_parameters_ = 0, linear_bytes_ = 0;
  std::string dtype_;
  std::vector<std::string> warnings_;
};

}  // namespace vecton::engine
