#include "nn/mlp.h"

#include <utility>

namespace vecton::nn {

Tensor Mlp::forward(Ops& ops, const Tensor& x, const Tensor* residual) const {
  const auto* gated = std::get_if<ops::GatedWeight>(&up);
  Tensor h;
  if (gated) {
    h = ops.gated_linear(x, *gated, activation);
  } else if (slope == 1) {
    h = ops.linear(x, std::get<ops::LinearWeight>(up), activation);
  } else {
    h = ops.scale(ops.linear(x, std::get<ops::LinearWeight>(up)), slope);
    h = ops.scale(ops.activate(std::move(h), activation), 1 / slope);
  }
  return ops.linear(h, down, ops::Activation::kIdentity, residual);
}

}  // namespace vecton::nn
