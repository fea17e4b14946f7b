// Rope: rotary position embedding as config.json describes it. Su et al. 2021, arXiv:2104.09864.
//
// The cos/sin table grows with the longest sequence seen, so that a model of 32k positions costs
// nothing for short texts. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "checkpoint/config.h"
#include "ops/ops.h"

namespace vecton::nn {

class Rope {
 public:
  // Reads rope_parameters (transformers 5), or rope_theta and rope_scaling. Frequency i of
  // rotary_dim/2 is theta^(-2i/rotary_dim). A scaling that is not supported is refused by name.
  Rope(const Config& config, int64_t rotary_dim, double default_theta);

  // A table of at least `positions` positions.
  std::shared_ptr<const RopeTable> table(int64_t positions) const;

 private:
  int64_t rotary_dim_;
  std::vector<float> inv_freq_;  // [rotary_dim / 2]
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const RopeTable> table_;
};

}  // namespace vecton::nn
