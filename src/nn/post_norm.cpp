#include "nn/post_norm.h"

namespace vecton::nn {

Tensor PostNormAttention::forward(const ForwardPass& pass, const Tensor& x, const LayerRows& rows,
                                  const Rotation* rope, const ops::AttentionBias& bias) const {
  const Tensor q = rows.of(pass.ops, x);
  return pass.ops.norm(attention.forward(pass, x, q, rows, &q, rope, bias), norm);
}

Tensor PostNormMlp::forward(Ops& ops, const Tensor& x) const {
  return ops.norm(feed_forward(mlp, ops, x, &x), norm);
}

}  // namespace vecton::nn
