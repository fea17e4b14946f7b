// Gemma 3 (arXiv:2503.19786) that reads images: the patches of a SigLIP tower, several averaged to
// a row, among its words; those of one image see each other both ways.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/family.h"
#include "models/gemma.h"
#include "models/image_text_model.h"
#include "models/siglip_vision.h"
#include "vecton/error.h"

namespace vecton::models::gemma3 {

namespace {

checkpoint::Config text_of(const checkpoint::Config& config) {
  const std::optional<checkpoint::Config> text = config.child("text_config");
  if (!text) {
    throw Error(ErrorCode::kCorrupt, config.file() + ": text_config is missing: expected the " +
                                         "settings of the text model");
  }
  text->require("model_type", "gemma3_text");
  config.ignore({"vocab_size"});  // see text_config()
  return *text;
}

struct Vision {
  checkpoint::Config config;
  int64_t tokens = 0;  // of an image
  int64_t merge = 0;   // patches on a side of one of them
};

// Nothing where config.json has no tower.
std::optional<Vision> vision_of(const checkpoint::Config& config) {
  const int64_t tokens = config.integer_or("mm_tokens_per_image", 256, 1, 1 << 20);
  const std::optional<checkpoint::Config> vision = config.child("vision_config");
  if (!vision) return std::nullopt;
  vision->require("model_type", "siglip_vision_model");
  vision->ignore({"vision_use_head"});
  const int64_t patch = vision->integer_or("patch_size", 16, 1, 4096),
                patches = vision->integer_or("image_size", 224, patch, 1 << 20) / patch;
  const auto side = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(tokens))));
  if (side * side != tokens || patches % side != 0) {
    throw Error(ErrorCode::kUnsupported,
                config.file() + ": mm_tokens_per_image is " + std::to_string(tokens) +
                    ": expected the square of a number that divides the " +
                    std::to_string(patches) + " patches on a side of an image");
  }
  return Vision{.config = *vision, .tokens = tokens, .merge = patches / side};
}

ModelShape shape(const checkpoint::Config& config) {
  ModelShape shape = gemma::inner_shape3(text_of(config));
  const std::optional<Vision> vision = vision_of(config);
  for (const int64_t window : shape.windows) {
    if (vision && window > 0 && window < vision->tokens) {
      throw Error(ErrorCode::kUnsupported,
                  config.file() + ": text_config: sliding_window is " + std::to_string(window) +
                      ": expected no less than the " + std::to_string(vision->tokens) +
                      " tokens of an image (mm_tokens_per_image), which see each other");
    }
  }
  return shape;
}

// [text, vision] of a file's [vision, text].
ops::LinearWeight projection(const checkpoint::Weights& w, int64_t text, int64_t vision) {
  const std::vector<float> given = w.values("mm_input_projection_weight", vision, text);
  std::vector<float> turned(given.size());
  for (int64_t from = 0; from < vision; ++from) {
    for (int64_t to = 0; to < text; ++to)
      turned[static_cast<size_t>(to * vision + from)] =
          given[static_cast<size_t>(from * text + to)];
  }
  return {.w = w.computed(std::move(turned), text, vision), .bias = {}};
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const checkpoint::Config text_config = text_of(config);
  gemma::rename_parts(weights);
  std::unique_ptr<Model> text = gemma::build3(text_config, weights);
  const std::optional<Vision> vision = vision_of(config);
  const checkpoint::Weights w = weights / "vision_tower", joint = weights / "multi_modal_projector";
  if (!vision || !w.has("embeddings.patch_embedding.weight")) {
    const std::string_view skipped[] = {"vision_tower", "multi_modal_projector"};
    weights.skip(skipped);
    return text;
  }
  nn::VisionTower tower = siglip_tower(vision->config, w);
  const int64_t width = tower.embedding.w->n;
  tower.row_by_row = true;
  tower.merge = vision->merge;
  tower.merger = nn::PatchMerger{
      .averaged = true,
      .norm = (joint / "mm_soft_emb_norm")
                  .rms_norm(width, vision->config.number_or("layer_norm_eps", 1e-6), 1)};
  tower.projection = projection(joint, gemma::inner_shape3(text_config).hidden, width);
  return with_tower(std::move(text), std::move(tower));
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& weights) {
  return gemma::inner_head3(text_of(config), kind, labels, weights);
}

// Gemma3Processor, which cuts nothing (do_pan_and_scan).
std::string whole(int64_t, int64_t) {
  return "\n\n<start_of_image><image_soft_token><end_of_image>\n\n";
}

std::optional<ImageInput> images(const checkpoint::Config& config) {
  const std::optional<Vision> vision = vision_of(config);
  if (!vision) return std::nullopt;
  const int64_t index = config.integer_or("image_token_index", 262144, 0);
  return ImageInput{.token = static_cast<int32_t>(config.integer_or("image_token_id", index, 0)),
                    .markup = "<start_of_image>",
                    .placeholder = "<start_of_image>",
                    .merge = vision->merge,
                    .both_ways = true,
                    .tiles = whole};
}

}  // namespace

extern constinit const Family kFamily{
    .name = "gemma3",
    .model_types = {"gemma3"},
    .architectures = {{"Gemma3Model"},
                      {"Gemma3ForConditionalGeneration", checkpoint::HeadKind::kCausalLm},
                      {"Gemma3ForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = {.words = "embed_tokens.weight",
                .prefixes = {"language_model.model.", "model.language_model.",
                             "model.language_model.model.", "language_model.", "model."},
                .classifiers = {{checkpoint::HeadKind::kSequenceClassification, {"score.weight"}}}},
    .shape = shape,
    .load = load,
    .head = head,
    .images = images,
    .mlx = {.language_model = {"gemma3"},
            .other_parts = {"vision_tower.", "multi_modal_projector."}},
};

}  // namespace vecton::models::gemma3
