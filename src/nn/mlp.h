// Mlp: down(act(up(x))), or gated: down(act(gate(x)) * up(x)). With a slope s (not gated):
// down(act(s up(x)) / s).
#pragma once

#include <variant>

#include "ops/ops.h"

namespace vecton::nn {

struct Mlp {
  std::variant<ops::LinearWeight, ops::GatedWeight> up;
  ops::LinearWeight down;
  ops::Activation activation = ops::Activation::kGelu;
  float slope = 1;  // CLIP's quick_gelu, x sigmoid(1.702 x), is SiLU with 1.702

  // Plus `residual` where there is one.
  Tensor forward(Ops& ops, const Tensor& x, const Tensor* residual = nullptr) const;
};

}  // namespace vecton::nn
