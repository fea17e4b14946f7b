#include "models/siglip_layers.h"

#include <cmath>
#include <string>
#include <utility>

#include "models/equal_heads.h"
#include "nn/activation.h"

namespace vecton::models {

ops::AttentionShape SiglipSizes::attention() const {
  const int64_t head_dim = hidden / heads;
  return {.heads = heads,
          .kv_heads = heads,
          .head_dim = head_dim,
          .scale = 1.0f / std::sqrt(static_cast<float>(head_dim)),
          .causal = causal};
}

SiglipSizes siglip_sizes(const checkpoint::Config& config, const SiglipDefaults& defaults) {
  constexpr int64_t kMost = checkpoint::Config::kMostCounted;
  const bool quick = config.string_or("hidden_act", defaults.activation) == "quick_gelu";
  const SiglipSizes sizes{
      .hidden = config.integer_or("hidden_size", defaults.hidden, 1, kMost),
      .layers = config.integer_or("num_hidden_layers", defaults.layers, 1, kMost),
      .heads = config.integer_or("num_attention_heads", defaults.heads, 1, kMost),
      .intermediate = config.integer_or("intermediate_size", defaults.intermediate, 1),
      .activation = quick ? ops::Activation::kSilu
                          : nn::activation(config, "hidden_act", defaults.activation),
      .slope = quick ? 1.702f : 1.0f,
      .eps = config.number_or("layer_norm_eps", defaults.eps)};
  check_multiple(config, "hidden_size", sizes.hidden, "num_attention_heads", sizes.heads);
  return sizes;
}

nn::Mlp siglip_mlp(const SiglipSizes& sizes, const checkpoint::Weights& w) {
  return {.up = (w / "fc1").linear(sizes.intermediate, sizes.hidden),
          .down = (w / "fc2").linear(sizes.hidden, sizes.intermediate),
          .activation = sizes.activation,
          .slope = sizes.slope};
}

std::vector<SiglipLayer> siglip_layers(const SiglipSizes& sizes,
                                       const checkpoint::Weights& layers) {
  const int64_t n = sizes.hidden;
  const std::pair<std::string, int64_t> kv[] = {{"k_proj", n}, {"v_proj", n}};
  std::vector<SiglipLayer> result;
  for (int64_t i = 0; i < sizes.layers; ++i) {
    const checkpoint::Weights w = layers / i, attention = w / "self_attn";
    result.emplace_back();
    result.back().attention = {
        .norm = (w / "layer_norm1").layer_norm(n, sizes.eps),
        .attention = {.q = (attention / "q_proj").linear(n, n),
                      .kv = attention.stacked(kv, n, checkpoint::Weights::Bias::kRequired),
                      .out = (attention / "out_proj").linear(n, n),
                      .shape = sizes.attention()}};
    result.back().mlp.norm = (w / "layer_norm2").layer_norm(n, sizes.eps);
    result.back().mlp.mlp = siglip_mlp(sizes, w / "mlp");
  }
  return result;
}

}  // namespace vecton::models
