// PaddleOCR-VL (arXiv:2510.14528): Ernie 4.5 whose rotary positions have three axes, and a SigLIP
// tower whose patches turn by row and column beside the positions of its table, which is drawn to
// the image's size.

#include <optional>
#include <string>
#include <utility>

#include "models/composite.h"
#include "models/family.h"
#include "models/image_text_model.h"
#include "models/llama.h"
#include "models/siglip_layers.h"
#include "vecton/error.h"

namespace vecton::models::paddleocr_vl {

namespace {

checkpoint::Config text_of(const checkpoint::Config& config) {
  const checkpoint::Config text = text_config(config);
  if (config.has("text_config")) check_alike(config, text);
  return text;
}

llama::Settings settings(const checkpoint::Config& config) {
  const checkpoint::Config text = text_of(config);
  llama::Settings s = llama::settings(text, {.head_dim = 128},
                                      {.theta = 5e5, .axes = nn::RopeOptions::Axes::kInRuns});
  s.eps = text.number_or("rms_norm_eps", 1e-5);
  s.qkv_bias = s.out_bias = s.mlp_bias = text.boolean_or("use_bias", false);
  text.require("rope_is_neox_style", true);
  text.require("use_3d_rope", true);
  text.require("compression_ratio", 1.0);  // of positions
  return s;
}

nn::PatchPositions positions(const checkpoint::Config& vision, const checkpoint::Weights& w,
                             int64_t width, int64_t patch) {
  const int64_t image = vision.integer_or("image_size", 384), side = image / patch;
  if (side < 1) {
    throw Error(ErrorCode::kCorrupt,
                vision.file() + ": vision_config: image_size is " + std::to_string(image) +
                    "; expected at least patch_size, " + std::to_string(patch));
  }
  return {.table = w.values("weight", side * side, width),
          .side = side,
          .width = width,
          .resize = nn::PatchPositions::Resize::kEdges};
}

struct Sizes : SiglipSizes {
  int64_t patch = 0, merge = 0;
};

Sizes sizes(const checkpoint::Config& vision) {
  // An image is one frame here.
  vision.ignore({"temporal_patch_size", "tokens_per_second"});
  return {siglip_sizes(vision, {.hidden = 1152, .layers = 27, .heads = 16, .intermediate = 4304}),
          vision.integer_or("patch_size", 14, 1, 4096),
          vision.integer_or("spatial_merge_size", 2, 1, 64)};
}

nn::PatchMerger projector(const Sizes& s, const checkpoint::Weights& w, int64_t text) {
  const int64_t block = s.merge * s.merge * s.hidden;
  return {.norm = (w / "pre_norm").layer_norm(s.hidden, 1e-5),
          .mlp = nn::Mlp{.up = (w / "linear_1").linear(block, block),
                         .down = (w / "linear_2").linear(text, block)}};
}

nn::VisionTower tower(const checkpoint::Config& vision, const checkpoint::Weights& w,
                      nn::PatchMerger merger) {
  const Sizes s = sizes(vision);
  const checkpoint::Weights embeddings = w / "embeddings";
  nn::VisionTower made{
      .embedding = (embeddings / "patch_embedding")
                       .patches(s.hidden, vision.integer_or("num_channels", 3, 1, 64), 1, s.patch),
      .row_by_row = true,
      .positions = positions(vision, embeddings / "position_embedding", s.hidden, s.patch),
      .rope = nn::patch_rope(vision, s.hidden / s.heads),
      .last_norm = (w / "post_layernorm").layer_norm(s.hidden, s.eps),
      .merge = s.merge,
      .merger = std::move(merger)};
  for (SiglipLayer& layer : siglip_layers(s, w / "encoder" / "layers")) {
    made.layers.push_back(
        {.attention = std::move(layer.attention), .mlp = std::move(layer.mlp), .branch = {}});
  }
  return made;
}

void rename(checkpoint::Weights& weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"mlp_AR.", "projector."},
                                                  {"model.projector.", "projector."},
                                                  {"model.visual.", "visual."},
                                                  {"model.language_model.", ""},
                                                  {"model.", ""}};
  weights.rename_prefixes(prefixes);
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const llama::Settings s = settings(config);
  rename(weights);
  std::unique_ptr<Model> text = llama::build(s, text_of(config), weights);
  const std::optional<checkpoint::Config> vision = config.child("vision_config");
  const checkpoint::Weights visual = weights / "visual" / "vision_model";
  if (!vision || !visual.has("embeddings.patch_embedding.weight")) {
    const std::string_view skipped[] = {"visual", "projector"};
    weights.skip(skipped);
    return text;
  }
  // The head that SigLIP's images have, and a table for pictures in one sequence: trained and not
  // read.
  const std::string_view unused[] = {"visual.vision_model.head",
                                     "visual.vision_model.embeddings.packing_position_embedding",
                                     "visual.vision_model.embeddings.position_ids"};
  weights.skip(unused);
  nn::PatchMerger merger = projector(sizes(*vision), weights / "projector", s.shape.hidden);
  return with_tower(std::move(text), tower(*vision, visual, std::move(merger)));
}

std::optional<ImageInput> images(const checkpoint::Config& config) {
  const std::optional<checkpoint::Config> vision = config.child("vision_config");
  if (!vision) return std::nullopt;
  return ImageInput{.token = static_cast<int32_t>(config.integer("image_token_id", 0)),
                    .markup = "<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>",
                    .merge = vision->integer_or("spatial_merge_size", 2, 1, 64),
                    .axis_positions = config.boolean_or("use_mrope", true)};
}

}  // namespace

extern constinit const Family kFamily{
    .name = "paddleocr_vl",
    .model_types = {"paddleocr_vl", "paddleocr_vl_text"},
    .architectures = {{"PaddleOCRVLModel"},
                      {"PaddleOCRTextModel"},
                      {"PaddleOCRVLForConditionalGeneration", checkpoint::HeadKind::kCausalLm}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight", .prefixes = {"model.", "model.language_model."}},
    .shape = llama::shape_of<settings>,
    .load = load,
    .head = text_head<text_of>,
    .images = images,
};

}  // namespace vecton::models::paddleocr_vl
