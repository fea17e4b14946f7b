#include "nn/latent_attention.h"

#include <utility>

namespace vecton::nn {

// A head's columns are [turning part | what rows are multiplied with].
Tensor LatentAttention::queries_of(const ForwardPass& pass, const Tensor& x,
                                   const LayerRows& queries, const Rotation& rope) const {
  Ops& ops = pass.ops;
  Tensor h = x;
  if (q_down) h = ops.linear(x, *q_down);
  if (q_norm) h = ops.norm(std::move(h), *q_norm);
  const Tensor turned =
      ops.rope(ops.linear(h, q_turning), rope_dim, rope.positions(queries), *rope.table);
  const Tensor still = ops.linear(h, q_still);
  const int64_t still_dim = still.columns() / shape.heads;
  std::vector<Tensor> parts;
  for (int64_t head = 0; head < shape.heads; ++head) {
    parts.push_back(turned.slice_columns(head * rope_dim, rope_dim));
    parts.push_back(ops.linear(still.slice_columns(head * still_dim, still_dim),
                               key[static_cast<size_t>(head)]));
  }
  return ops.concat_columns(parts);
}

Tensor LatentAttention::forward(const ForwardPass& pass, const Tensor& x, const Tensor& x_query,
                                const LayerRows& queries, const Tensor* residual,
                                const Rotation& rope) const {
  Ops& ops = pass.ops;
  const Tensor kept[] = {ops.rope(ops.linear(x, k_turning), rope_dim, rope.all, *rope.table),
                         ops.norm(ops.linear(x, down), norm)};
  Tensor rows = ops.concat_columns(kept);
  const ops::KeyPages before = pass.exchange(layer, rows);
  const Tensor context =
      ops.attention(queries_of(pass, x_query, queries, rope), rows, rows, shape, queries.rows(),
                    pass.rows.offsets, {}, before, pass.attended);
  std::vector<Tensor> values;
  for (int64_t head = 0; head < shape.heads; ++head) {
    values.push_back(ops.linear(context.slice_columns(head * shape.head_dim + rope_dim, rank),
                                value[static_cast<size_t>(head)]));
  }
  return ops.linear(ops.concat_columns(values), out, ops::Activation::kIdentity, residual);
}

}  // namespace vecton::nn
