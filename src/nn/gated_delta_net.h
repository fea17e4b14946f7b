// GatedDeltaNet: linear attention whose state forgets and is corrected. Yang et al. 2024,
// arXiv:2412.06464.
#pragma once

#include "nn/forward_pass.h"

namespace vecton::nn {

struct GatedDeltaNet {
  int64_t layer = 0;       // which layer of the cache is this one's
  ops::LinearWeight qkv;   // all queries, all keys, all values
  ops::LinearWeight gate;  // [value_heads * value_dim, hidden]
  ops::LinearWeight step;  // [value_heads, hidden], with bias
  ops::LinearWeight beta;  // [value_heads, hidden]
  Tensor taps;             // of the convolution over queries, keys and values
  ops::Vector rate;        // [value_heads]
  ops::NormWeight norm;    // over value_dim
  ops::LinearWeight out;   // [hidden, value_heads * value_dim]
  ops::DeltaShape shape;

  // `x` holds every row of the batch; returns those of `rows`, plus `residual`.
  Tensor forward(const ForwardPass& pass, Tensor x, const LayerRows& rows,
                 const Tensor& residual) const;
};

}  // namespace vecton::nn
