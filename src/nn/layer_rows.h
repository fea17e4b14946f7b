// LayerRows: which rows a layer computes. Every layer computes keys and values of all rows of the
// batch; all else it computes of all rows too, but the last layer of the wanted rows only.
#pragma once

#include <vector>

#include "ops/ops.h"
#include "tensor/batch.h"

namespace vecton::nn {

class LayerRows {
 public:
  // `batch` must outlive it.
  explicit LayerRows(const Batch& batch) : rows_(batch.rows) {}
  static LayerRows of_layer(const Batch& batch, int64_t layer, int64_t layers) {
    return layer + 1 == layers && !batch.all_wanted() ? LayerRows(batch, batch.wanted)
                                                      : LayerRows(batch);
  }

  const Rows& rows() const { return rows_; }
  // These rows of `x`, which has a row for every token.
  Tensor of(Ops& ops, const Tensor& x) const { return all_ ? x : ops.gather_rows(x, at_); }

 private:
  LayerRows(const Batch& batch, const Rows& wanted)
      : rows_(wanted), all_(false), at_(wanted_positions(batch)) {}

  const Rows& rows_;
  bool all_ = true;
  std::vector<int32_t> at_;
};

}  // namespace vecton::nn
