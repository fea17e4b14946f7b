#include "models/pixtral_vision.h"

#include <cmath>
#include <string>
#include <utility>

#include "base/json.h"
#include "models/equal_heads.h"
#include "models/image_text_model.h"
#include "nn/activation.h"
#include "vecton/error.h"

namespace vecton::models {

namespace {

constexpr double kPixtralEps = 1e-5;  // of the tower's norms

checkpoint::Weights::Bias if_set(bool bias) {
  return bias ? checkpoint::Weights::Bias::kRequired : checkpoint::Weights::Bias::kNone;
}

struct PixtralSizes {
  int64_t hidden = 0, layers = 0, heads = 0, intermediate = 0, patch = 0, channels = 0;
  int64_t head_dim() const { return hidden / heads; }
  ops::Activation activation = ops::Activation::kGelu;
};

PixtralSizes sizes(const checkpoint::Config& vision) {
  vision.require("model_type", "pixtral");
  const PixtralSizes s{
      .hidden = vision.integer_or("hidden_size", 1024, 1, checkpoint::Config::kMostCounted),
      .layers = vision.integer_or("num_hidden_layers", 24, 1, checkpoint::Config::kMostCounted),
      .heads = vision.integer_or("num_attention_heads", 16, 1, checkpoint::Config::kMostCounted),
      .intermediate = vision.integer_or("intermediate_size", 4096, 1),
      .patch = vision.integer_or("patch_size", 16, 1, 4096),
      .channels = vision.integer_or("num_channels", 3, 1, 64),
      .activation = nn::activation(vision, "hidden_act", "gelu")};
  check_multiple(vision, "hidden_size", s.hidden, "num_attention_heads", s.heads);
  vision.require("head_dim", s.head_dim());
  // The sides of a picture, which the processor bounds.
  vision.ignore({"image_size"});
  return s;
}

nn::VisionTower::Layer layer(const PixtralSizes& s, const checkpoint::Weights& w) {
  constexpr auto kNone = checkpoint::Weights::Bias::kNone;
  const int64_t n = s.hidden;
  const checkpoint::Weights attention = w / "attention", mlp = w / "feed_forward";
  const std::pair<std::string, int64_t> kv[] = {{"k_proj", n}, {"v_proj", n}};
  return {.attention =
              nn::PreNormAttention{
                  .norm = (w / "attention_norm").rms_norm(n, kPixtralEps),
                  .attention =
                      nn::SelfAttention{
                          .q = (attention / "q_proj").linear(n, n, kNone),
                          .kv = attention.stacked(kv, n, kNone),
                          .out = (attention / "o_proj").linear(n, n, kNone),
                          .shape = {.heads = s.heads,
                                    .kv_heads = s.heads,
                                    .head_dim = s.head_dim(),
                                    .scale = 1.0f / std::sqrt(static_cast<float>(s.head_dim()))}}},
          .mlp =
              nn::PreNormMlp{
                  .norm = (w / "ffn_norm").rms_norm(n, kPixtralEps),
                  .mlp = nn::Mlp{.up = mlp.gated("gate_proj", "up_proj", s.intermediate, n),
                                 .down = (mlp / "down_proj").linear(n, s.intermediate, kNone),
                                 .activation = s.activation}},
          .branch = {}};
}

int64_t merge_of(const checkpoint::Config& config, const PixtralTower& kind) {
  return kind.merges ? config.integer_or("spatial_merge_size", kind.merge, 1, 64) : 1;
}

nn::PatchMerger projector(const PixtralSizes& s, const checkpoint::Config& config,
                          const checkpoint::Weights& w, int64_t text, double eps,
                          const PixtralTower& kind) {
  const int64_t n = s.hidden, merge = merge_of(config, kind);
  const auto bias = if_set(config.boolean_or("multimodal_projector_bias", kind.bias));
  nn::PatchMerger made{
      .mlp = nn::Mlp{.up = (w / "linear_1").linear(text, n, bias),
                     .down = (w / "linear_2").linear(text, text, bias),
                     .activation = nn::activation(config, "projector_hidden_act", "gelu")}};
  if (kind.merges) {
    made.norm = (w / "norm").rms_norm(n, eps);
    made.reduction = (w / "patch_merger" / "merging_layer")
                         .linear(n, merge * merge * n, checkpoint::Weights::Bias::kNone);
  }
  return made;
}

// The last layer's rows: what others give is not supported, several side by side neither.
void check_features(const checkpoint::Config& config, const PixtralTower& kind) {
  if (kind.feature_layer != -1 && !config.has("vision_feature_layer")) {
    throw Error(ErrorCode::kUnsupported,
                config.file() + ": vision_feature_layer is missing, which means " +
                    std::to_string(kind.feature_layer) + "; only -1 is supported");
  }
  config.require("vision_feature_layer", int64_t{-1});
}

// Of checkpoints that were saved for their text.
void ignore_tower(const checkpoint::Config& config) {
  config.ignore({"multimodal_projector_bias", "projector_hidden_act", "spatial_merge_size",
                 "vision_feature_layer"});
  const std::optional<checkpoint::Config> vision = config.child("vision_config");
  if (!vision) return;
  for (const auto& [key, value] : vision->values()) vision->ignore({std::string_view(key)});
}

}  // namespace

std::unique_ptr<Model> with_pixtral_tower(std::unique_ptr<Model> text, int64_t hidden, double eps,
                                          const checkpoint::Config& config,
                                          checkpoint::Weights weights, const PixtralTower& kind) {
  const checkpoint::Weights::Rename mlx[] = {{"vision_tower.vision_model.", "vision_tower."}};
  weights.rename_prefixes(mlx);
  const std::optional<checkpoint::Config> vision = config.child("vision_config");
  const checkpoint::Weights tower = weights / "vision_tower";
  if (!vision || !tower.has("patch_conv.weight")) {
    const std::string_view skipped[] = {"vision_tower", "multi_modal_projector"};
    weights.skip(skipped);
    ignore_tower(config);
    return text;
  }
  const PixtralSizes s = sizes(*vision);
  check_features(config, kind);
  nn::VisionTower made{
      .embedding = (tower / "patch_conv")
                       .patches(s.hidden, s.channels, 1, s.patch, checkpoint::Weights::Bias::kNone),
      .row_by_row = true,
      .rope = nn::patch_rope(*vision, s.head_dim()),
      .first_norm = (tower / "ln_pre").rms_norm(s.hidden, kPixtralEps),
      .merge = merge_of(config, kind),
      .merger = projector(s, config, weights / "multi_modal_projector", hidden, eps, kind)};
  made.rope->alternating = true;
  for (int64_t i = 0; i < s.layers; ++i)
    made.layers.push_back(layer(s, tower / "transformer" / "layers" / i));
  return with_tower(std::move(text), std::move(made));
}

std::optional<ImageInput> pixtral_images(const checkpoint::Config& config,
                                         const PixtralTower& kind) {
  if (!config.has("vision_config")) return std::nullopt;
  const std::string_view key =
      config.has("image_token_id") ? "image_token_id" : "image_token_index";
  return ImageInput{.token = static_cast<int32_t>(config.integer(key, 0)),
                    .markup = "[IMG]",
                    .merge = merge_of(config, kind),
                    .row_break = "[IMG_BREAK]",
                    .tiles = [](int64_t, int64_t) { return std::string("[IMG][IMG_END]"); }};
}

}  // namespace vecton::models
