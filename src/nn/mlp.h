// Mlp: down(act(up(x))), or gated: down(act(gate(x)) * up(x)).
#pragma once

#include <variant>

#include "ops/ops.h"

namespace vecton::nn {

struct Mlp {
  std::variant<ops::LinearWeight, ops::GatedWeight> up;
  ops::LinearWeight down;
  ops::Activation activation = ops::Activation::kGelu;

  // Plus `residual` where there is one.
  Tensor forward(Ops& ops, const Tensor& x, const Tensor* residual = nullptr) const;
};

}  // namespace vecton::nn
