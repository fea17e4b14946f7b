// Mistral Small 3.1 and 3.2 and Ministral 3: Mistral under a name that has a vision tower beside
// it, of which the text model is read.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "models/composite.h"
#include "models/family.h"
#include "models/llama.h"
#include "vecton/error.h"

namespace vecton::models::mistral3 {

namespace {

checkpoint::Config text_of(const checkpoint::Config& config) {
  const checkpoint::Config text = text_config(config);
  const std::string type = text.string_or("model_type", "mistral");
  if (type != "mistral" && type != "ministral3") {
    throw Error(ErrorCode::kUnsupported, config.file() + ": text_config: model_type \"" + type +
                                             "\" is not supported; mistral and ministral3 are");
  }
  // Of the tower and what joins it.
  config.ignore({"image_token_index", "image_token_id", "multimodal_projector_bias",
                 "projector_hidden_act", "spatial_merge_size", "vision_feature_layer"});
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

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const llama::Settings s = settings(config);
  prepare_text_model(s.shape, weights, {"vision_tower.", "multi_modal_projector."});
  return llama::build(s, text_of(config), weights);
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
    .tensors = {.words = "embed_tokens.weight",
                .prefixes = {"language_model.model.", "model.language_model.", "language_model.",
                             "model."}},
    .shape = llama::shape_of<settings>,
    .load = load,
    .head = text_head<text_of>,
};

}  // namespace vecton::models::mistral3
