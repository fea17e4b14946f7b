// PreNormLayer: the block of Llama, ModernBERT and their relatives: x += attention(norm(x)), then
// x += down(act(gate(h)) * up(h)) with h = norm(x).
#pragma once

#include <optional>

#include "nn/self_attention.h"
#include "ops/ops.h"

namespace vecton::nn {

struct PreNormLayer {
  std::optional<NormWeight> attention_norm;  // absent: attention reads x as it is
  SelfAttention attention;
  NormWeight mlp_norm;
  GatedWeight gate_up;
  LinearWeight down;
  Activation activation = Activation::kSilu;

  // `x` holds every row of the batch; returns those of `rows`.
  Tensor forward(Ops& ops, Tensor x, const LayerRows& rows, const Batch& batch,
                 const PositionTable* rope) const;
};

}  // namespace vecton::nn
