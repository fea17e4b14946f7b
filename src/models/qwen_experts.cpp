#include "models/qwen_experts.h"

#include <algorithm>

namespace vecton::models {

std::vector<bool> qwen_sparse_layers(const checkpoint::Config& config, int64_t layers) {
  const int64_t step = config.integer_or("decoder_sparse_step", 1);
  const std::vector<int64_t> dense = config.integers_or_empty("mlp_only_layers");
  std::vector<bool> result;
  for (int64_t i = 0; i < layers; ++i)
    result.push_back((i + 1) % step == 0 && std::ranges::count(dense, i) == 0);
  return result;
}

QwenExperts qwen_experts(const checkpoint::Config& config, int64_t hidden, bool shared,
                         bool normalize) {
  const int64_t count = count_experts(config);
  QwenExperts s{
      .sizes = {.count = count, .width = config.integer("moe_intermediate_size"), .hidden = hidden},
      .routing = {.k = experts_per_token(config, count), .normalize = normalize}};
  if (shared) s.shared_width = config.integer("shared_expert_intermediate_size");
  return s;
}

nn::MixtureOfExperts mixture(const QwenExperts& s, const checkpoint::Weights& w,
                             ops::Activation activation) {
  constexpr auto kNoBias = checkpoint::Weights::Bias::kNone;
  nn::MixtureOfExperts made{
      .router = (w / "gate").in_float32().linear(s.sizes.count, s.sizes.hidden, kNoBias),
      .routing = s.routing,
      .experts = load_experts(w, s.sizes, activation)};
  if (s.shared_width > 0) {
    made.shared = dense_mlp(w / "shared_expert", s.shared_width, s.sizes.hidden, activation);
    made.shared_gate = (w / "shared_expert_gate").in_float32().linear(1, s.sizes.hidden, kNoBias);
  }
  return made;
}

}  // namespace vecton::models
