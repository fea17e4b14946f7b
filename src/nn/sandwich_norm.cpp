#include "nn/sandwich_norm.h"

namespace vecton::nn {

Tensor SandwichNormAttention::forward(const ForwardPass& pass, const Tensor& x,
                                      const LayerRows& rows, const Rotation* rope) const {
  Ops& ops = pass.ops;
  const Tensor h = norm ? ops.norm(x, *norm) : x, q = rows.of(ops, h), along = rows.of(ops, x);
  return ops.add(ops.norm(attention.forward(pass, h, q, rows, nullptr, rope), after), along);
}

Tensor SandwichNormMlp::forward(Ops& ops, const Tensor& x) const {
  return ops.add(ops.norm(mlp.forward(ops, norm ? ops.norm(x, *norm) : x), after), x);
}

}  // namespace vecton::nn
