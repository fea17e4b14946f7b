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
#include "nn/rope_frequencies.h"
#include "ops/ops.h"
#include "tensor/batch.h"

namespace vecton::nn {

// Of models that turn long sequences otherwise, the rows from long_after on are those of sequences
// of more than long_after positions.
struct PositionTable : RopeTable {
  int64_t long_after = 0;  // 0 = all sequences turn alike

  // The table's rows for `rows`, some rows of the sequences of `all`.
  std::vector<int32_t> rows_of(const Rows& rows, const Rows& all) const;
};

class Rope {
 public:
  Rope(const Config& config, int64_t head_dim, const RopeOptions& options)
      : Rope(rope_frequencies(config, head_dim, options)) {}
  Rope(const Config& config, int64_t head_dim, double default_theta)
      : Rope(config, head_dim, RopeOptions{.theta = default_theta}) {}
  explicit Rope(RopeFrequencies frequencies) : frequencies_(std::move(frequencies)) {}

  // A table of at least `positions` positions of a sequence.
  std::shared_ptr<const PositionTable> table(int64_t positions) const;

  // Whether a token's rotation depends on how long its sequence is, so that no prefix of it can be
  // shared with another.
  bool depends_on_length() const { return frequencies_.long_after > 0; }

 private:
  RopeFrequencies frequencies_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const PositionTable> table_;
  mutable int64_t positions_ = 0;  // that table_ is good for
};

}  // namespace vecton::nn
