// The layers that both towers of CLIP (arXiv:2103.00020) and of SigLIP (arXiv:2303.15343) are made
// of: pre-norm, LayerNorms, biases everywhere. Called by the families.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "nn/pre_norm.h"
#include "ops/ops.h"

namespace vecton::models {

// What holds where a tower's config says nothing: published ones leave out what is as in the
// first.
struct SiglipDefaults {
  int64_t hidden = 768, layers = 12, heads = 12, intermediate = 3072;
  std::string_view activation = "gelu_pytorch_tanh";
  double eps = 1e-6;
};

struct SiglipSizes {
  int64_t hidden = 0, layers = 0, heads = 0, intermediate = 0;
  ops::Activation activation = ops::Activation::kGeluTanh;
  float slope = 1;  // nn::Mlp::slope
  double eps = 0;
  bool causal = false;

  ops::AttentionShape attention() const;
};

// Of a tower's config; heads have equal parts. Errors name the key.
SiglipSizes siglip_sizes(const checkpoint::Config& config, const SiglipDefaults& defaults = {});

struct SiglipLayer {
  nn::PreNormAttention attention;
  nn::PreNormMlp mlp;
};

// fc1 and fc2.
nn::Mlp siglip_mlp(const SiglipSizes& sizes, const checkpoint::Weights& w);
// layers / 0, layers / 1 and so on.
std::vector<SiglipLayer> siglip_layers(const SiglipSizes& sizes, const checkpoint::Weights& layers);

}  // namespace vecton::models
