// EXAONE 4 (arXiv:2507.11407): OLMo 2's layers with norms of every head of queries and keys; where
// some layers have a window, the others have no rotary positions.
#include <algorithm>
#include <string>
#include <utility>

#include "models/decoder.h"
#include "models/family.h"
#include "models/olmo.h"
#include "nn/layer_types.h"
#include "vecton/error.h"

namespace vecton::models::exaone4 {

namespace {

olmo::Settings settings(const checkpoint::Config& config) {
  olmo::Settings s{.base = llama::settings(config), .local_rope = {}};
  s.base.eps = config.number_or("rms_norm_eps", 1e-5);
  s.base.qk_norm = llama::Settings::QkNorm::kHeads;
  config.ignore({"sliding_window_pattern"});  // layer_types says it, where it is there
  if (config.is_null("sliding_window")) return s;
  const int64_t width = config.integer_or("sliding_window", 4096);
  const bool in_words = config.is_string("sliding_window_pattern");
  const bool counts = config.has("sliding_window_pattern") && !in_words;
  if (in_words && !config.has("layer_types")) {
    throw Error(ErrorCode::kCorrupt,
                config.file() + ": layer_types: missing, which sliding_window_pattern needs");
  }
  const int64_t step = counts ? config.integer("sliding_window_pattern") : 4;
  const std::vector<bool> sliding = nn::sliding_layers(
      config, s.base.shape.layers, [&](int64_t i) { return (i + 1) % step != 0; });
  s.base.shape.windows = windows_of(sliding, decoder_window(width, s.base.shape.causal));
  s.base.rotates.assign(sliding.size(), false);  // of the layers that do not slide
  return s;
}

ModelShape shape(const checkpoint::Config& config) { return settings(config).base.shape; }

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  return olmo::build(settings(config), config, std::move(weights));
}

}  // namespace

extern constinit const Family kFamily{
    .name = "exaone4",
    .model_types = {"exaone4"},
    .architectures = {{"Exaone4Model"},
                      {"Exaone4ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"Exaone4ForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"Exaone4ForTokenClassification", checkpoint::HeadKind::kTokenClassification},
                      {"Exaone4ForQuestionAnswering", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = shape,
    .load = load,
    .head = llama::head,
};

}  // namespace vecton::models::exaone4
