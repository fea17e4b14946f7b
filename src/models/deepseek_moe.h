// DeepSeek-V3's mixture of experts (arXiv:2412.19437), which GLM-4.5 took over: a router of
// sigmoids whose choice is corrected, groups of experts, and an MLP that all rows go through.
#pragma once

#include <cstdint>
#include <vector>

#include "models/experts.h"
#include "models/family.h"

namespace vecton::models {

struct DeepseekMoe {
  ExpertSizes sizes;
  ops::Router routing;
  int64_t shared_width = 0;
  ops::Activation activation = ops::Activation::kSilu;
  std::vector<bool> sparse;  // by layer: has a mixture
};

DeepseekMoe deepseek_moe(const checkpoint::Config& config, int64_t layers, int64_t hidden,
                         ops::Activation activation);
// The mixture of a layer, `w` the path of its MLP.
nn::MixtureOfExperts mixture(const DeepseekMoe& settings, const checkpoint::Weights& w);

// Routers are no layers in mlx-lm, and what corrects their choice keeps its type.
inline constexpr MlxRules kDeepseekMlx{
    .experts = MlxExperts(), .floats = {"mlp.gate"}, .uncast = {"e_score_correction_bias"}};

}  // namespace vecton::models
