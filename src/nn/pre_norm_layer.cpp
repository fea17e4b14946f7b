#include "nn/pre_norm_layer.h"

namespace vecton::nn {

Tensor PreNormLayer::forward(Ops& ops, Tensor x, const LayerRows& rows, const Batch& batch,
                             const PositionTable* rope) const {
  const Tensor h = attention_norm ? ops.norm(x, *attention_norm) : x, q = rows.of(ops, h);
  x = rows.of(ops, x);
  x = attention.forward(ops, h, q, rows, batch, &x, rope);
  const Tensor m = ops.gated_linear(ops.norm(x, mlp_norm), gate_up, activation);
  return ops.linear(m, down, Activation::kIdentity, &x);
}

}  // namespace vecton::nn
