#include "nn/sandwich_norm.h"

namespace vecton::nn {

Tensor SandwichNormAttention::forward(const ForwardPass& pass, const Tensor& x,
                                      const LayerRows& rows, const Rotation* rope) const {
  Ops& ops = pass.ops;
  const Tensor h = ops.norm(x, norm), q = rows.of(ops, h), along = rows.of(ops, x);
  return ops.add(ops.norm(attention.forward(pass, h, q, rows, nullptr, rope), after), along);
}

Tensor SandwichNormMlp::forward(Ops& ops, const Tensor& x) const {
  return ops.add(ops.norm(mlp.forward(ops, ops.norm(x, norm)), after), x);
}

}  // namespace vecton::nn
