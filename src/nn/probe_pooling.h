// ProbePooling: one row of the rows of a sequence, which a learned query attends to; then an MLP.
// Of vision towers: Zhai et al. 2021, arXiv:2106.04560. Immutable after load.
#pragma once

#include "nn/pre_norm.h"
#include "ops/ops.h"

namespace vecton::nn {

struct ProbePooling {
  ops::Vector probe;  // before its projection
  ops::LinearWeight q, kv, out;
  ops::AttentionShape shape;
  PreNormMlp mlp;

  // A row of each sequence.
  Tensor forward(Ops& ops, const Tensor& x, const tensor::SequenceRows& rows) const;
};

}  // namespace vecton::nn
