// The halves of a layer with norms before and after, x += after(f(norm(x))): Gemma 2
// (arXiv:2408.00118) and 3; without those before, x += after(f(x)): OLMo 2 (arXiv:2501.00656).
#pragma once

#include <optional>

#include "nn/mlp.h"
#include "nn/self_attention.h"

namespace vecton::nn {

struct SandwichNormAttention {
  std::optional<ops::NormWeight> norm;  // absent: f reads x as it is
  SelfAttention attention;
  ops::NormWeight after;
  // `x` holds every row of the batch; returns those of `rows`.
  Tensor forward(const ForwardPass& pass, const Tensor& x, const LayerRows& rows,
                 const Rotation* rope = nullptr) const;
};

struct SandwichNormMlp {
  std::optional<ops::NormWeight> norm;  // absent: f reads x as it is
  Mlp mlp;
  ops::NormWeight after;
  Tensor forward(Ops& ops, const Tensor& x) const;
};

}  // namespace vecton::nn
