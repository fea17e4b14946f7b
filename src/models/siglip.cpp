// SigLIP (arXiv:2303.15343) and SigLIP 2 (arXiv:2502.14786): a text tower that reads every text
// with padding and gives the row of its last place, and a vision tower whose patches a learned
// query makes one row of; both, or one of them alone. SigLIP 2 of one picture size is SigLIP under
// another name.

#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "models/composite.h"
#include "models/dual_encoder.h"
#include "models/family.h"
#include "models/siglip_vision.h"
#include "vecton/error.h"

namespace vecton::models::siglip {

namespace {

// The text's part; everything where the checkpoint is a text tower alone.
checkpoint::Config texts_of(const checkpoint::Config& config) {
  config.ignore({"text_config", "vision_config"});
  return config.child("text_config").value_or(config);
}

bool has_vision(const checkpoint::Config& config) { return config.has("vision_config"); }

void check_head(const checkpoint::Config& vision) {
  if (vision.boolean_or("vision_use_head", true)) return;
  throw Error(ErrorCode::kUnsupported, vision.file() +
                                           ": vision_use_head is false: an image has no vector; "
                                           "expected true");
}

ModelShape shape(const checkpoint::Config& config) {
  if (is_vision_alone(config)) {
    check_head(config);
    const SiglipSizes sizes = siglip_sizes(config);
    return vision_shape(sizes, sizes.hidden);
  }
  const checkpoint::Config text = texts_of(config);
  const SiglipSizes sizes = siglip_sizes(text);
  const int64_t positions = text.integer_or("max_position_embeddings", 64);
  ModelShape shape{.layers = sizes.layers,
                   .hidden = text.integer_or("projection_size", sizes.hidden),
                   .vocab = text.integer_or("vocab_size", 32000),
                   .max_positions = positions,
                   .heads = sizes.heads,
                   .kv_heads = sizes.heads,
                   .head_dim = sizes.hidden / sizes.heads,
                   .pooled = true,
                   .padded_to = positions};
  const std::optional<checkpoint::Config> vision = config.child("vision_config");
  if (!vision) return shape;
  const int64_t width = siglip_sizes(*vision).hidden;
  if (width != shape.hidden) {
    throw Error(ErrorCode::kCorrupt, config.file() + ": text_config gives vectors of " +
                                         std::to_string(shape.hidden) +
                                         " numbers (projection_size) and vision_config of " +
                                         std::to_string(width) + " (hidden_size)");
  }
  check_head(*vision);
  return shape;
}

using ReadTower = nn::VisionTower (*)(const checkpoint::Config&, const checkpoint::Weights&);

// MLX has each tower's name twice.
void rename(checkpoint::Weights& weights) {
  const checkpoint::Weights::Rename parts[] = {
      {"attention.in_proj_weight", "attention.in_proj.weight"},
      {"attention.in_proj_bias", "attention.in_proj.bias"},
      {"text_model.text_model.", "text_model."},
      {"vision_model.vision_model.", "vision_model."}};
  weights.rename_parts(parts);
}

nn::VisionTower vision_tower(const checkpoint::Config& vision, const checkpoint::Weights& w,
                             ReadTower read_tower) {
  nn::VisionTower tower = read_tower(vision, w);
  tower.probe = siglip_probe(vision, w / "head");
  return tower;
}

std::unique_ptr<Model> load_with(const checkpoint::Config& config, checkpoint::Weights weights,
                                 ReadTower read_tower) {
  rename(weights);
  if (is_vision_alone(config)) {
    const bool inner = weights.has("vision_model.embeddings.patch_embedding.weight");
    return std::make_unique<VisionEncoder>(
        vision_tower(config, inner ? weights / "vision_model" : weights, read_tower));
  }
  const checkpoint::Config config_of_text = texts_of(config);
  const SiglipSizes sizes = siglip_sizes(config_of_text);
  const ModelShape all = shape(config);
  const bool inner = weights.has("text_model.embeddings.token_embedding.weight");
  const checkpoint::Weights w = inner ? weights / "text_model" : weights;
  TextTower text = text_tower(sizes, all, w);
  text.projection = (w / "head").in_float32().linear(all.hidden, sizes.hidden);
  if (!has_vision(config))
    return std::make_unique<DualEncoder>(std::move(text), std::nullopt, std::nullopt);
  nn::VisionTower tower =
      vision_tower(*config.child("vision_config"), weights / "vision_model", read_tower);
  const PairLogits logits{.scale = std::exp(static_cast<double>(weights.number("logit_scale"))),
                          .bias = weights.number("logit_bias"),
                          .sigmoid = true};
  return std::make_unique<DualEncoder>(std::move(text), std::move(tower), logits);
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  return load_with(config, std::move(weights), siglip_tower);
}

std::unique_ptr<Model> load_naflex(const checkpoint::Config& config, checkpoint::Weights weights) {
  return load_with(config, std::move(weights), siglip2_tower);
}

std::optional<ImageInput> images(const checkpoint::Config& config) {
  if (!has_vision(config) && !is_vision_alone(config)) return std::nullopt;
  return ImageInput{.pooled = true};
}

}  // namespace

extern constinit const Family kFamily{
    .name = "siglip",
    .model_types = {"siglip", "siglip_text_model", "siglip_vision_model"},
    .architectures = {{"SiglipModel"}, {"SiglipTextModel"}, {"SiglipVisionModel"}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embeddings.token_embedding.weight",
                .prefixes = {"text_model.", "text_model.text_model."}},
    .shape = shape,
    .load = load,
    .images = images,
};

}  // namespace vecton::models::siglip

namespace vecton::models::siglip2 {

extern constinit const Family kFamily{
    .name = "siglip2",
    .model_types = {"siglip2", "siglip2_text_model", "siglip2_vision_model"},
    .architectures = {{"Siglip2Model"}, {"Siglip2TextModel"}, {"Siglip2VisionModel"}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embeddings.token_embedding.weight",
                .prefixes = {"text_model.", "text_model.text_model."}},
    .shape = siglip::shape,
    .load = siglip::load_naflex,
    .images = siglip::images,
};

}  // namespace vecton::models::siglip2
