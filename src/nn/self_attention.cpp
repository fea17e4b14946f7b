#include "nn/self_attention.h"

#include <utility>

namespace vecton::nn {

Tensor SelfAttention::forward(const ForwardPass& pass, const Tensor& x, const Tensor& x_query,
                              const LayerRows& queries, const Tensor* residual,
                              const Rotation* rope, const ops::AttentionBias& bias) const {
  Ops& ops = pass.ops;
  const int64_t key_columns = shape.kv_heads * shape.head_dim;
  Tensor q_rows = ops.linear(x_query, q);
  const Tensor kv_rows = ops.linear(x, kv);
  Tensor k_rows = kv_rows.slice_columns(0, key_columns);
  Tensor v_rows = kv_rows.slice_columns(key_columns, key_columns);
  if (q_norm) q_rows = ops.norm(std::move(q_rows), *q_norm);
  if (k_norm) k_rows = ops.norm(std::move(k_rows), *k_norm);
  if (rope) {
    q_rows = ops.rope(std::move(q_rows), shape.head_dim, rope->positions(queries), *rope->table);
    k_rows = ops.rope(std::move(k_rows), shape.head_dim, rope->all, *rope->table);
  }
  const ops::KeyPages before = pass.exchange(layer, k_rows, v_rows);
  ops::AttentionBias added = bias;
  if (!sinks.empty()) added.sinks = sinks;
  Tensor context = pass.attend(q_rows, k_rows, v_rows, shape, queries, added, before);
  if (gate) {
    context =
        ops.multiply(std::move(context), ops.linear(x_query, *gate, ops::Activation::kSigmoid));
  }
  return ops.linear(context, out, ops::Activation::kIdentity, residual);
}

}  // namespace vecton::nn
