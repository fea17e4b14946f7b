#include "nn/post_norm.h"

namespace vecton::nn {

Tensor PostNormAttention::forward(Ops& ops, const Tensor& x, const LayerRows& rows,
                                  const Batch& batch, const PositionTable* rope,
                                  const AttentionBias& bias) const {
  const Tensor q = rows.of(ops, x);
  return ops.norm(attention.forward(ops, x, q, rows, batch, &q, rope, bias), norm);
}

Tensor PostNormMlp::forward(Ops& ops, const Tensor& x) const {
  const Tensor h = ops.linear(x, up, activation);
  return ops.norm(ops.linear(h, down, Activation::kIdentity, &x), norm);
}

Tensor PostNormGatedMlp::forward(Ops& ops, const Tensor& x) const {
  const Tensor h = ops.gated_linear(x, gate_up, activation);
  return ops.norm(ops.linear(h, down, Activation::kIdentity, &x), norm);
}

}  // namespace vecton::nn
