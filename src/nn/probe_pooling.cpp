#include "nn/probe_pooling.h"

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace vecton::nn {

Tensor ProbePooling::forward(Ops& ops, const Tensor& x, const tensor::SequenceRows& rows) const {
  tensor::Rows queries;  // one of each sequence
  queries.index.resize(static_cast<size_t>(rows.sequences));
  queries.offsets.resize(queries.index.size() + 1);
  std::iota(queries.offsets.begin(), queries.offsets.end(), 0);
  const Tensor query = ops.gather_rows(ops.linear(probe, q), ops.upload_indices(queries.index));
  const Tensor keys = ops.linear(x, kv);
  const int64_t width = keys.columns() / 2;
  const Tensor context =
      ops.attention(query, keys.slice_columns(0, width), keys.slice_columns(width, width), shape,
                    ops.upload_rows(std::move(queries)), rows.offsets);
  return mlp.forward(ops, ops.linear(context, out));
}

}  // namespace vecton::nn
