// A layer whose halves read the same input, x += attention(norm(x)) + mlp(norm(x)): GPT-J, Cohere,
// Phi; with a norm of its own for the MLP: GPT-NeoX, arXiv:2204.06745.
#pragma once

#include <optional>

#include "nn/mlp.h"
#include "nn/self_attention.h"

namespace vecton::nn {

struct ParallelLayer {
  ops::NormWeight norm;
  SelfAttention attention;
  std::optional<ops::NormWeight> mlp_norm;  // absent: both read norm(x)
  Mlp mlp;
  // `x` holds every row of the batch; returns those of `rows`.
  Tensor forward(const ForwardPass& pass, const Tensor& x, const LayerRows& rows,
                 const Rotation* rope = nullptr) const;
};

}  // namespace vecton::nn
