// SmolLM3: Llama some of whose layers have no rotary positions (arXiv:2501.18795).
// https://huggingface.co/blog/smollm3
#include <algorithm>
#include <string>

#include "models/decoder.h"
#include "models/family.h"
#include "models/llama.h"
#include "nn/layer_types.h"
#include "vecton/error.h"

namespace vecton::models::smollm3 {

namespace {

// no_rope_layers has a 1 for a layer with rotary positions, whatever its name says.
std::vector<bool> rotating_layers(const checkpoint::Config& config, int64_t layers) {
  const int64_t interval = config.integer_or("no_rope_layer_interval", 4);
  const std::vector<int64_t> listed = config.integers_or_empty("no_rope_layers");
  if (!listed.empty() && static_cast<int64_t>(listed.size()) != layers) {
    throw Error(ErrorCode::kCorrupt, config.file() + ": no_rope_layers: expected " +
                                         std::to_string(layers) + " entries, found " +
                                         std::to_string(listed.size()));
  }
  std::vector<bool> result;
  for (int64_t i = 0; i < layers; ++i) {
    result.push_back(listed.empty() ? (i + 1) % interval != 0
                                    : listed[static_cast<size_t>(i)] != 0);
  }
  return result;
}

llama::Settings settings(const checkpoint::Config& config) {
  llama::Settings s = llama::settings(config, {.kv_heads = 4});
  s.qkv_bias = s.out_bias = config.boolean_or("attention_bias", false);
  s.mlp_bias = config.boolean_or("mlp_bias", false);
  s.rotates = rotating_layers(config, s.shape.layers);
  const bool has_width =
      config.boolean_or("use_sliding_window", false) && config.has("sliding_window");
  if (!has_width) config.ignore({"sliding_window"});
  const std::vector<bool> sliding = nn::sliding_layers(config, s.shape.layers, [&](int64_t i) {
    return has_width && !s.rotates[static_cast<size_t>(i)];
  });
  if (std::ranges::count(sliding, true) > 0) {
    s.shape.windows =
        windows_of(sliding, decoder_window(config.integer("sliding_window"), s.shape.causal));
  }
  return s;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "smollm3",
    .model_types = {"smollm3"},
    .architectures = {{"SmolLM3Model"},
                      {"SmolLM3ForCausalLM", checkpoint::HeadKind::kCausalLm},
                      {"SmolLM3ForSequenceClassification",
                       checkpoint::HeadKind::kSequenceClassification},
                      {"SmolLM3ForTokenClassification", checkpoint::HeadKind::kTokenClassification},
                      {"SmolLM3ForQuestionAnswering", checkpoint::HeadKind::kOther}},
    .default_pooling = ops::Pooling::kLast,
    .tensors = kDecoderTensors,
    .shape = llama::shape_of<settings>,
    .load = llama::load_of<settings>,
    .head = llama::head,
};

}  // namespace vecton::models::smollm3
