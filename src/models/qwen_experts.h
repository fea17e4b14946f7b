// Qwen's mixtures of experts, some beside an MLP that all rows go through, weighed by a gate.
// Called by the families; functions of their arguments.
#pragma once

#include <cstdint>
#include <vector>

#include "models/experts.h"

namespace vecton::models {

struct QwenExperts {
  ExpertSizes sizes;
  ops::Router routing;
  int64_t shared_width = 0;  // 0 = no MLP beside them
};

// Which layers are mixtures: every decoder_sparse_step-th, without those of mlp_only_layers.
std::vector<bool> qwen_sparse_layers(const checkpoint::Config& config, int64_t layers);

// `shared`: there is an MLP beside them. `normalize`: Router::normalize.
QwenExperts qwen_experts(const checkpoint::Config& config, int64_t hidden, bool shared,
                         bool normalize);

// `w` is the path of the layer's MLP.
nn::MixtureOfExperts mixture(const QwenExperts& settings, const checkpoint::Weights& w,
                             ops::Activation activation);

}  // namespace vecton::models
