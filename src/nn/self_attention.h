// SelfAttention: projections, optional per-head norms and rotary positions, attention and the
// output projection.
#pragma once

#include <optional>

#include "nn/forward_pass.h"
#include "nn/rope.h"
#include "ops/ops.h"

namespace vecton::nn {

struct SelfAttention {
  int64_t layer = 0;      // which layer of the cache is this one's
  ops::LinearWeight q;    // [heads*head_dim, hidden]
  ops::LinearWeight kv;   // keys, then values: [2*kv_heads*head_dim, hidden]
  ops::LinearWeight out;  // [hidden, heads*head_dim]
  std::optional<ops::NormWeight> q_norm, k_norm;  // over head_dim
  ops::AttentionShape shape;
  ops::Vector sinks;  // AttentionBias::sinks
  // What attention gives is multiplied by sigmoid(gate x) (arXiv:2505.06708), where there is one.
  std::optional<ops::LinearWeight> gate;

  // `x` holds every row of the batch, `x_query` the rows that attend (`queries`). Returns the
  // output projection, plus `residual` where there is one: a row per query.
  Tensor forward(const ForwardPass& pass, const Tensor& x, const Tensor& x_query,
                 const LayerRows& queries, const Tensor* residual, const Rotation* rope = nullptr,
                 const ops::AttentionBias& bias = {}) const;
};

}  // namespace vecton::nn
