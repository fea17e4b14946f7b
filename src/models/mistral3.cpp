// Mistral Small 3.1 and 3.2 and Ministral 3: Mistral that reads the patches of a Pixtral tower,
// several merged to a row.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "models/composite.h"
#include "models/family.h"
#include "models/llama.h"
#include "models/pixtral_vision.h"
#include "vecton/error.h"

namespace vecton::models {

namespace {

// Family::load and Family::images of both.
template <llama::Settings (*settings)(const checkpoint::Config&),
          checkpoint::Config (*text_of)(const checkpoint::Config&), const PixtralTower& kTower>
std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const llama::Settings s = settings(config);
  prepare_text_model(s.shape, weights, {});
  return with_pixtral_tower(llama::build(s, text_of(config), weights), s.shape.hidden, s.eps,
                            config, weights, kTower);
}

template <const PixtralTower& kTower>
std::optional<ImageInput> images(const checkpoint::Config& config) {
  return pixtral_images(config, kTower);
}

// What mlx-lm leaves out.
constexpr List<std::string_view, 8> kOtherParts = {"vision_tower.", "multi_modal_projector."};

constexpr TensorNames kTensors{
    .words = "embed_tokens.weight",
    .prefixes = {"language_model.model.", "model.language_model.", "language_model.", "model."}};

}  // namespace

namespace mistral3 {

namespace {

constexpr PixtralTower kTower{.merge = 2, .merges = true};

checkpoint::Config text_of(const checkpoint::Config& config) {
  const checkpoint::Config text = text_config(config);
  const std::string type = text.string_or("model_type", "mistral");
  if (type != "mistral" && type != "ministral3") {
    throw Error(ErrorCode::kUnsupported, config.file() + ": text_config: model_type \"" + type +
                                             "\" is not supported; mistral and ministral3 are");
  }
  return text;
}

llama::Settings settings(const checkpoint::Config& config) {
  const checkpoint::Config text = text_of(config);
  llama::Settings s = llama::settings(text, {.kv_heads = 8});
  s.shape.windows = window_of_all(text, s.shape);
  // Queries grow behind the original length, so that no longer texts are read.
  const std::optional<checkpoint::Config> rope = text.child("rope_parameters");
  if (rope && rope->number_or("llama_4_scaling_beta", 0) != 0) {
    s.shape.max_positions =
        std::min(s.shape.max_positions, rope->integer("original_max_position_embeddings", 1));
  }
  if (rope) rope->ignore({"max_position_embeddings"});
  return s;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "mistral3",
    .model_types = {"mistral3", "ministral3"},
    .architectures = {{"Mistral3Model"},
                      {"Ministral3Model"},
                      {"Mistral3ForConditionalGeneration", checkpoint::HeadKind::kCausalLm},
                      {"Ministral3ForCausalLM", checkpoint::HeadKind::kCausalLm}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kTensors,
    .shape = llama::shape_of<settings>,
    .load = load<settings, text_of, kTower>,
    .head = text_head<text_of>,
    .images = images<kTower>,
    .mlx = {.language_model = {"mistral3"}, .other_parts = kOtherParts},
};

}  // namespace mistral3

// Pixtral (arXiv:2410.07073) as transformers names it, whose LLaVA may have other towers.
namespace llava {

namespace {

constexpr PixtralTower kTower{.bias = true, .feature_layer = -2};

checkpoint::Config text_of(const checkpoint::Config& config) {
  const checkpoint::Config text = text_config(config);
  const std::string type = text.string_or("model_type", "llama");
  if (type != "mistral") {
    throw Error(ErrorCode::kUnsupported, config.file() + ": text_config: model_type \"" + type +
                                             "\" is not supported; mistral is");
  }
  return text;
}

llama::Settings settings(const checkpoint::Config& config) {
  const std::optional<checkpoint::Config> vision = config.child("vision_config");
  const std::string type =
      vision ? vision->string_or("model_type", "clip_vision_model") : "pixtral";
  if (type != "pixtral") {  // nothing is said of a tower by mlx-lm, which leaves it out
    throw Error(ErrorCode::kUnsupported, config.file() + ": vision_config: model_type \"" + type +
                                             "\" is not supported; pixtral is");
  }
  // Of towers with a row of their own, and of pictures of one size.
  config.require("vision_feature_select_strategy", "full");
  config.ignore({"image_seq_length", "ignore_index"});
  const checkpoint::Config text = text_of(config);
  llama::Settings s = llama::settings(text, {.kv_heads = 8, .heads = 32});
  s.shape.windows = window_of_all(text, s.shape);
  return s;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "llava",
    .model_types = {"llava"},
    .architectures = {{"LlavaModel"},
                      {"LlavaForConditionalGeneration", checkpoint::HeadKind::kCausalLm}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kTensors,
    .shape = llama::shape_of<settings>,
    .load = load<settings, text_of, kTower>,
    .head = text_head<text_of>,
    .images = images<kTower>,
    .mlx = {.language_model = {"llava"}, .other_parts = kOtherParts},
};

}  // namespace llava

}  // namespace vecton::models
