// The halves of a post-norm layer, x = norm(x + f(x)): Vaswani et al. 2017, arXiv:1706.03762.
#pragma once

#include "nn/feed_forward.h"
#include "nn/self_attention.h"

namespace vecton::nn {

struct PostNormAttention {
  SelfAttention attention;
  ops::NormWeight norm;
  // `x` holds every row of the batch; returns those of `rows`.
  Tensor forward(const ForwardPass& pass, const Tensor& x, const LayerRows& rows,
                 const Rotation* rope = nullptr, const ops::AttentionBias& bias = {}) const;
};

struct PostNormMlp {
  FeedForward mlp;
  ops::NormWeight norm;
  Tensor forward(Ops& ops, const Tensor& x) const;
};

}  // namespace vecton::nn
