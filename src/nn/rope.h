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
#include "nn/forward_pass.h"
#include "nn/rope_frequencies.h"

namespace vecton::nn {

// How the rows of a forward pass turn: the table, and its row for each of them.
struct Rotation {
  std::shared_ptr<const ops::RopeTable> table;
  tensor::Indices all, wanted;
  const tensor::Indices& positions(const LayerRows& rows) const {
    return rows.all() ? all : wanted;
  }
};

// The rows of a table for `rows`, some rows of the sequences of `batch`. Of models that turn long
// sequences otherwise (long_after > 0), the rows from long_after on are those of sequences of more
// than long_after positions.
std::vector<int32_t> table_rows(const tensor::Rows& rows, const tensor::Batch& batch,
                                int64_t long_after);

class Rope {
 public:
  Rope(const checkpoint::Config& config, int64_t head_dim, const RopeOptions& options)
      : Rope(rope_frequencies(config, head_dim, options)) {}
  Rope(const checkpoint::Config& config, int64_t head_dim, double default_theta)
      : Rope(config, head_dim, RopeOptions{.theta = default_theta}) {}
  explicit Rope(RopeFrequencies frequencies) : frequencies_(std::move(frequencies)) {}

  // Of all rows of the pass.
  Rotation rotation(const ForwardPass& pass) const;
  // A table of at least `positions` positions of a sequence; `ops` prepares it.
  std::shared_ptr<const ops::RopeTable> table(Ops& ops, int64_t positions) const;

  // RopeFrequencies::long_after.
  int64_t long_after() const { return frequencies_.long_after; }

 private:
  // Of Batch::axis_positions: the table has a row for each of the pass.
  Rotation by_axes(const ForwardPass& pass) const;

  RopeFrequencies frequencies_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const ops::RopeTable> table_;
  mutable int64_t positions_ = 0;  // that table_ is good for
};

}  // namespace vecton::nn
