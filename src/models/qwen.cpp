#include "models/qwen.h"

#include <utility>

#include "models/decoder.h"
#include "models/llama.h"
#include "nn/layer_types.h"
#include "vecton/error.h"

namespace vecton {

namespace {

// sliding_window counts only with use_sliding_window; layer_types, where it is there, says which
// layers have it, else all from max_window_layers on.
std::vector<int64_t> windows(const Config& config, const ModelShape& shape) {
  const bool use = config.boolean_or("use_sliding_window", false);
  if (!use) config.ignore({"sliding_window", "max_window_layers"});
  const bool has_width = use && !config.is_null("sliding_window");
  const int64_t width = has_width ? config.integer_or("sliding_window", 4096) : 0;
  const int64_t first = has_width ? config.integer_or("max_window_layers", 28, 0) : 0;
  std::vector<int64_t> result;
  for (const bool slides : nn::sliding_layers(config, shape.layers,
                                              [&](int64_t i) { return has_width && i >= first; })) {
    if (slides && !has_width) {
      throw Error(ErrorCode::kCorrupt,
                  config.file() +
                      ": layer_types has sliding_attention, which needs use_sliding_window and a "
                      "sliding_window");
    }
    result.push_back(slides ? decoder_window(width, shape.causal) : 0);
  }
  return result;
}

}  // namespace

namespace qwen2 {

static llama::Settings settings(const Config& config) {
  llama::Settings s = llama::settings(config);
  s.qkv_bias = true;
  s.shape.windows = windows(config, s.shape);
  return s;
}

ModelShape shape(const Config& config) { return settings(config).shape; }

std::unique_ptr<Model> load(const Config& config, Weights weights) {
  return llama::build(settings(config), config, std::move(weights));
}

}  // namespace qwen2

namespace qwen3 {

static llama::Settings settings(const Config& config) {
  llama::Settings s = llama::settings(config, {.head_dim = 128});
  s.qkv_bias = s.out_bias = config.boolean_or("attention_bias", false);
  s.qk_norm = true;
  s.shape.windows = windows(config, s.shape);
  return s;
}

ModelShape shape(const Config& config) { return settings(config).shape; }

std::unique_ptr<Model> load(const Config& config, Weights weights) {
  return llama::build(settings(config), config, std::move(weights));
}

}  // namespace qwen3

}  // namespace vecton
