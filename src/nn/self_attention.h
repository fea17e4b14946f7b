// SelfAttention: projections, optional per-head norms and rotary positions, attention and the
// output projection.
#pragma once

#include <optional>

#include "nn/rope.h"
#include "ops/ops.h"

namespace vecton::nn {

struct SelfAttention {
  LinearWeight q;                            // [heads*head_dim, hidden]
  LinearWeight kv;                           // keys, then values: [2*kv_heads*head_dim, hidden]
  LinearWeight out;                          // [hidden, heads*head_dim]
  std::optional<NormWeight> q_norm, k_norm;  // over head_dim
  AttentionShape shape;

  // `x` holds every row of the batch, `x_query` the rows that attend: all of them, or the wanted
  // ones (`queries` says which). Returns the output projection plus `residual`, a row per query.
  Tensor forward(Ops& ops, const Tensor& x, const Tensor& x_query, const Rows& queries,
                 const Rows& rows, const Tensor& residual, const RopeTable* rope = nullptr) const;
};

}  // namespace vecton::nn
