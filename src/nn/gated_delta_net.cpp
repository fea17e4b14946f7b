#include "nn/gated_delta_net.h"

#include <utility>

#include "nn/recurrent.h"

namespace vecton::nn {

Tensor GatedDeltaNet::forward(const ForwardPass& pass, Tensor x, const LayerRows& rows,
                              const Tensor& residual) const {
  Ops& ops = pass.ops;
  const Tensor h = attended_rows(pass, std::move(x));
  const int64_t keys = shape.key_heads * shape.key_dim,
                values = shape.value_heads * shape.value_dim;
  const Tensor mixed =
      ops.activate(causal_conv(pass, layer, ops.linear(h, qkv), taps, {}), ops::Activation::kSilu);
  const Tensor steps = ops.activate(ops.linear(h, step), ops::Activation::kSoftplus);
  const Tensor y = gated_delta(pass, layer,
                               {.q = mixed.slice_columns(0, keys),
                                .k = mixed.slice_columns(keys, keys),
                                .v = mixed.slice_columns(2 * keys, values),
                                .step = steps,
                                .beta = ops.linear(h, beta, ops::Activation::kSigmoid),
                                .rate = rate},
                               shape);
  const Tensor z = ops.linear(rows.of(ops, h), gate, ops::Activation::kSilu);
  Tensor gated = ops.multiply(ops.norm(rows.of(ops, y), norm), z);
  return ops.linear(gated, out, ops::Activation::kIdentity, &residual);
}

}  // namespace vecton::nn
