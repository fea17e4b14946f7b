// CLIP (arXiv:2103.00020): a causal text tower, whose end-of-text token has the text's row, and a
// vision tower with a row of its own before the patches; both are projected to one size. Either may
// be alone, projected or not.

#include <cmath>
#include <memory>
#include <string_view>
#include <utility>

#include "models/dual_encoder.h"
#include "models/family.h"
#include "vecton/error.h"

namespace vecton::models::clip {

namespace {

constexpr SiglipDefaults kText{.hidden = 512,
                               .layers = 12,
                               .heads = 8,
                               .intermediate = 2048,
                               .activation = "quick_gelu",
                               .eps = 1e-5},
    kVision{.activation = "quick_gelu", .eps = 1e-5};

bool has_vision(const checkpoint::Config& config) { return config.has("vision_config"); }

// A tower's part, or `config` itself, where the checkpoint is that tower alone. The oldest files
// have it twice, and <key>_dict is the one that counts, with the defaults for what it leaves out.
checkpoint::Config tower_config(const checkpoint::Config& config, std::string_view key,
                                std::string_view dictionary) {
  config.ignore({key, dictionary});
  if (std::optional<checkpoint::Config> own = config.child(dictionary)) return *own;
  return config.child(key).value_or(config);
}

checkpoint::Config text_of(const checkpoint::Config& config) {
  checkpoint::Config text = tower_config(config, "text_config", "text_config_dict");
  if (config.has("text_config")) text.ignore({"projection_dim"});  // the model's own counts
  return text;
}

checkpoint::Config vision_of(const checkpoint::Config& config) {
  checkpoint::Config vision = tower_config(config, "vision_config", "vision_config_dict");
  vision.ignore({"projection_dim"});
  return vision;
}

SiglipSizes text_sizes(const checkpoint::Config& text) {
  SiglipSizes sizes = siglip_sizes(text, kText);
  sizes.causal = true;
  return sizes;
}

bool is_projected(const checkpoint::Config& config) {
  const std::vector<std::string> architectures = config.strings_or_empty("architectures");
  if (is_vision_alone(config))
    return !architectures.empty() && architectures.front() == "CLIPVisionModelWithProjection";
  return architectures.empty() || architectures.front() != "CLIPTextModel";
}

ModelShape shape(const checkpoint::Config& config) {
  const int64_t projected = config.integer_or("projection_dim", 512);
  if (is_vision_alone(config)) {
    const SiglipSizes sizes = siglip_sizes(config, kVision);
    return vision_shape(sizes, is_projected(config) ? projected : sizes.hidden);
  }
  const checkpoint::Config text = text_of(config);
  const SiglipSizes sizes = text_sizes(text);
  return {.layers = sizes.layers,
          .hidden = is_projected(config) ? projected : sizes.hidden,
          .vocab = text.integer_or("vocab_size", 49408),
          .max_positions = text.integer_or("max_position_embeddings", 77),
          .heads = sizes.heads,
          .kv_heads = sizes.heads,
          .head_dim = sizes.hidden / sizes.heads,
          .pooled = true};
}

// Files with eos_token_id 2 are older than that key's use.
void set_row(const checkpoint::Config& text, TextTower& tower) {
  tower.end = static_cast<int32_t>(text.integer_or("eos_token_id", 49407, 0));
  tower.row = tower.end == 2 ? TextTower::Row::kLargest : TextTower::Row::kFirstEnd;
}

nn::VisionTower vision_tower(const checkpoint::Config& vision, const checkpoint::Weights& w) {
  constexpr int64_t kMost = checkpoint::Config::kMostCounted;
  const SiglipSizes sizes = siglip_sizes(vision, kVision);
  const int64_t n = sizes.hidden, patch = vision.integer_or("patch_size", 32, 1, kMost),
                side = vision.integer_or("image_size", 224, patch, kMost) / patch;
  const checkpoint::Weights embeddings = w / "embeddings";
  const std::vector<float> places =
      (embeddings / "position_embedding").values("weight", side * side + 1, n);
  const auto patches = places.begin() + n;
  std::vector<float> class_row = embeddings.values("class_embedding", n);
  for (size_t i = 0; i < class_row.size(); ++i) class_row[i] += places[i];
  nn::VisionTower tower{
      .embedding = (embeddings / "patch_embedding")
                       .patches(n, vision.integer_or("num_channels", 3, 1, 64), 1, patch,
                                checkpoint::Weights::Bias::kNone),
      .positions = nn::PatchPositions{.table = {patches, places.end()},
                                      .side = side,
                                      .width = n,
                                      .resize = nn::PatchPositions::Resize::kNever},
      .class_row = std::move(class_row),
      .first_norm = (w / "pre_layrnorm").layer_norm(n, sizes.eps),  // as the files spell it
      .last_norm = (w / "post_layernorm").layer_norm(n, sizes.eps)};
  for (SiglipLayer& layer : siglip_layers(sizes, w / "encoder" / "layers")) {
    tower.layers.push_back(
        {.attention = std::move(layer.attention), .mlp = std::move(layer.mlp), .branch = {}});
  }
  return tower;
}

void project(const checkpoint::Weights& weights, int64_t hidden, nn::VisionTower& tower) {
  tower.projection = (weights / "visual_projection")
                         .in_float32()
                         .linear(hidden, tower.embedding.w->n, checkpoint::Weights::Bias::kNone);
}

std::unique_ptr<Model> load_vision(const checkpoint::Config& config,
                                   const checkpoint::Weights& weights) {
  const bool inner = weights.has("vision_model.embeddings.patch_embedding.weight");
  nn::VisionTower tower = vision_tower(config, inner ? weights / "vision_model" : weights);
  if (is_projected(config)) project(weights, shape(config).hidden, tower);
  return std::make_unique<VisionEncoder>(std::move(tower));
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  constexpr auto kNoBias = checkpoint::Weights::Bias::kNone;
  if (is_vision_alone(config)) return load_vision(config, weights);
  const ModelShape all = shape(config);
  const checkpoint::Config text_config = text_of(config);
  const SiglipSizes sizes = text_sizes(text_config);
  const bool inner = weights.has("text_model.embeddings.token_embedding.weight");
  TextTower text = text_tower(sizes, all, inner ? weights / "text_model" : weights);
  set_row(text_config, text);
  if (is_projected(config))
    text.projection =
        (weights / "text_projection").in_float32().linear(all.hidden, sizes.hidden, kNoBias);
  if (!has_vision(config))
    return std::make_unique<DualEncoder>(std::move(text), std::nullopt, std::nullopt);
  nn::VisionTower tower = vision_tower(vision_of(config), weights / "vision_model");
  project(weights, all.hidden, tower);
  const PairLogits logits{.scale = std::exp(static_cast<double>(weights.number("logit_scale")))};
  return std::make_unique<DualEncoder>(std::move(text), std::move(tower), logits);
}

std::optional<ImageInput> images(const checkpoint::Config& config) {
  if (!has_vision(config) && !is_vision_alone(config)) return std::nullopt;
  return ImageInput{.pooled = true};
}

}  // namespace

extern constinit const Family kFamily{
    .name = "clip",
    .model_types = {"clip", "clip_text_model", "clip_vision_model"},
    .architectures = {{"CLIPModel"},
                      {"CLIPTextModel"},
                      {"CLIPTextModelWithProjection"},
                      {"CLIPVisionModel"},
                      {"CLIPVisionModelWithProjection"}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embeddings.token_embedding.weight", .prefixes = {"text_model."}},
    .shape = shape,
    .load = load,
    .images = images,
};

}  // namespace vecton::models::clip
