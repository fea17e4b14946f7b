#include "nn/mlp.h"

namespace vecton::nn {

Tensor Mlp::forward(Ops& ops, const Tensor& x, const Tensor* residual) const {
  const auto* gated = std::get_if<ops::GatedWeight>(&up);
  const Tensor h = gated ? ops.gated_linear(x, *gated, activation)
                         : ops.linear(x, std::get<ops::LinearWeight>(up), activation);
  return ops.linear(h, down, ops::Activation::kIdentity, residual);
}

}  // namespace vecton::nn
