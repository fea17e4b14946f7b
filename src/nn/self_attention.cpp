#include "nn/self_attention.h"

#include <utility>

namespace vecton::nn {

Tensor SelfAttention::forward(Ops& ops, const Tensor& x, const Tensor& x_query,
                              const LayerRows& queries, const Batch& batch, const Tensor* residual,
                              const PositionTable* rope, const AttentionBias& bias) const {
  const int64_t key_columns = shape.kv_heads * shape.head_dim;
  Tensor q_rows = ops.linear(x_query, q);
  const Tensor kv_rows = ops.linear(x, kv);
  Tensor k_rows = kv_rows.slice_columns(0, key_columns);
  const Tensor v_rows = kv_rows.slice_columns(key_columns, key_columns);
  if (q_norm) q_rows = ops.norm(std::move(q_rows), *q_norm);
  if (k_norm) k_rows = ops.norm(std::move(k_rows), *k_norm);
  if (rope) {
    const auto query_positions = rope->rows_of(queries.rows(), batch.rows),
               key_positions = rope->rows_of(batch.rows, batch.rows);
    q_rows = ops.rope(std::move(q_rows), shape.head_dim, query_positions, *rope);
    k_rows = ops.rope(std::move(k_rows), shape.head_dim, key_positions, *rope);
  }
  KeyPages before;
  if (batch.cache) {
    const KvCache::Layer& cached = batch.cache->layers[static_cast<size_t>(layer)];
    ops.store_rows(k_rows, batch.store_from, cached.k, batch.store_to);
    ops.store_rows(v_rows, batch.store_from, cached.v, batch.store_to);
    before = {cached.k, cached.v, batch.cache->page_rows, batch.pages, batch.page_offsets};
  }
  const Tensor context = ops.attention(q_rows, k_rows, v_rows, shape, queries.rows(),
                                       batch.rows.offsets, bias, before, batch.attended);
  return ops.linear(context, out, Activation::kIdentity, residual);
}

}  // namespace vecton::nn
