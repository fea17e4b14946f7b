// The halves of a pre-norm layer, x += f(norm(x)): Llama, ModernBERT and their relatives.
#pragma once

#include <optional>

#include "nn/feed_forward.h"
#include "nn/self_attention.h"

namespace vecton::nn {

struct PreNormAttention {
  std::optional<ops::NormWeight> norm;  // absent: attention reads x as it is
  SelfAttention attention;
  // `x` holds every row of the batch; returns those of `rows`.
  Tensor forward(const ForwardPass& pass, const Tensor& x, const LayerRows& rows,
                 const Rotation* rope = nullptr) const;
};

struct PreNormMlp {
  ops::NormWeight norm;
  FeedForward mlp;
  Tensor forward(Ops& ops, const Tensor& x) const;
};

}  // namespace vecton::nn
