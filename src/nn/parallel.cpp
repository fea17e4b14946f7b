#include "nn/parallel.h"

namespace vecton::nn {

Tensor ParallelLayer::forward(const ForwardPass& pass, const Tensor& x, const LayerRows& rows,
                              const Rotation* rope) const {
  Ops& ops = pass.ops;
  const Tensor h = ops.norm(x, norm), q = rows.of(ops, h), along = rows.of(ops, x);
  const Tensor attended = attention.forward(pass, h, q, rows, &along, rope);
  return mlp.forward(ops, mlp_norm ? ops.norm(along, *mlp_norm) : q, &attended);
}

}  // namespace vecton::nn
