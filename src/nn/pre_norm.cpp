#include "nn/pre_norm.h"

namespace vecton::nn {

Tensor PreNormAttention::forward(const ForwardPass& pass, const Tensor& x, const LayerRows& rows,
                                 const Rotation* rope) const {
  Ops& ops = pass.ops;
  const Tensor h = norm ? ops.norm(x, *norm) : x, q = rows.of(ops, h), along = rows.of(ops, x);
  return attention.forward(pass, h, q, rows, &along, rope);
}

Tensor PreNormMlp::forward(Ops& ops, const Tensor& x) const {
  return feed_forward(mlp, ops, ops.norm(x, norm), &x);
}

}  // namespace vecton::nn
