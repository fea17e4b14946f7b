// The halves of a post-norm encoder layer, x = norm(x + f(x)): Vaswani et al. 2017,
// arXiv:1706.03762.
#pragma once

#include "nn/layer_rows.h"
#include "nn/self_attention.h"
#include "ops/ops.h"

namespace vecton::nn {

struct PostNormAttention {
  SelfAttention attention;
  NormWeight norm;

  // `x` holds every row of the batch; returns those of `rows`.
  Tensor forward(Ops& ops, const Tensor& x, const LayerRows& rows, const Batch& batch,
                 const PositionTable* rope = nullptr, const AttentionBias& bias = {}) const;
};

// f(x) = down(act(up(x)))
struct PostNormMlp {
  LinearWeight up, down;
  Activation activation = Activation::kGelu;
  NormWeight norm;

  Tensor forward(Ops& ops, const Tensor& x) const;
};

// f(x) = down(act(gate(x)) * up(x))
struct PostNormGatedMlp {
  GatedWeight gate_up;
  LinearWeight down;
  Activation activation = Activation::kSilu;
  NormWeight norm;

  Tensor forward(Ops& ops, const Tensor& x) const;
};

}  // namespace vecton::nn
