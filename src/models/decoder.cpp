#include "models/decoder.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/equal_heads.h"
#include "nn/layer_types.h"
#include "vecton/error.h"

namespace vecton::models {

ModelShape decoder_shape(const checkpoint::Config& config, const DecoderDefaults& defaults) {
  const auto said = [&](std::string_view key, int64_t fallback) {
    return fallback > 0 ? config.integer_or(key, fallback) : config.integer(key);
  };
  const int64_t hidden = config.integer("hidden_size"),
                heads = said("num_attention_heads", defaults.heads);
  const bool both_ways = config.boolean_or("use_bidirectional_attention", false);
  int64_t head_dim = defaults.head_dim > 0 ? defaults.head_dim : hidden / heads;
  if (!config.has("head_dim") && defaults.head_dim == 0)
    head_dim = equal_heads(config, "hidden_size", "num_attention_heads");
  ModelShape shape{
      .layers = config.integer("num_hidden_layers", 1, checkpoint::Config::kMostCounted),
      .hidden = hidden,
      .vocab = said("vocab_size", defaults.vocab),
      .max_positions = said("max_position_embeddings", defaults.max_positions),
      .heads = heads,
      .kv_heads = config.integer_or("num_key_value_heads",
                                    defaults.kv_heads > 0 ? defaults.kv_heads : heads),
      .head_dim = config.integer_or("head_dim", head_dim, 1, checkpoint::Config::kMostCounted),
      .causal = config.boolean_or("is_causal", defaults.causal && !both_ways)};
  check_multiple(config, "num_attention_heads", shape.heads, "num_key_value_heads", shape.kv_heads);
  if (shape.head_dim % 2 != 0)
    throw Error(ErrorCode::kCorrupt, config.file() + ": head_dim must be even");
  return shape;
}

std::vector<int64_t> windows_of(const std::vector<bool>& sliding, int64_t window) {
  std::vector<int64_t> result;
  for (const bool slides : sliding) result.push_back(slides ? window : 0);
  return result;
}

std::vector<int64_t> window_of_all(const checkpoint::Config& config, const ModelShape& shape) {
  if (!config.has("sliding_window")) return {};
  const int64_t width = config.integer("sliding_window");
  return std::vector<int64_t>(static_cast<size_t>(shape.layers),
                              decoder_window(width, shape.causal));
}

std::vector<int64_t> qwen_windows(const checkpoint::Config& config, const ModelShape& shape) {
  const bool use = config.boolean_or("use_sliding_window", false);
  if (!use) config.ignore({"sliding_window", "max_window_layers"});
  const bool has_width = use && !config.is_null("sliding_window");
  const int64_t width = has_width ? config.integer_or("sliding_window", 4096) : 0;
  const int64_t first = has_width ? config.integer_or("max_window_layers", 28, 0) : 0;
  const std::vector<bool> sliding =
      nn::sliding_layers(config, shape.layers, [&](int64_t i) { return has_width && i >= first; });
  if (!has_width && std::ranges::count(sliding, true) > 0) {
    throw Error(ErrorCode::kCorrupt,
                config.file() +
                    ": layer_types has sliding_attention, which needs use_sliding_window and a "
                    "sliding_window");
  }
  return windows_of(sliding, decoder_window(width, shape.causal));
}

std::vector<int64_t> half_split_rows(int64_t heads, int64_t head_dim) {
  std::vector<int64_t> rows;
  for (int64_t head = 0; head < heads; ++head) {
    for (const int64_t first : {0, 1}) {
      for (int64_t i = first; i < head_dim; i += 2) rows.push_back(head * head_dim + i);
    }
  }
  return rows;
}

void prepare_decoder(const ModelShape& shape, checkpoint::Weights& weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"model.", ""}};
  weights.rename_prefixes(prefixes);
  std::vector<std::string> buffers;  // of older files
  for (int64_t i = 0; i < shape.layers; ++i)
    buffers.push_back("layers." + std::to_string(i) + ".self_attn.rotary_emb.");
  std::vector<std::string_view> skipped(buffers.begin(), buffers.end());
  for (const char* head : {"lm_head.", "score.", "qa_outputs."}) skipped.push_back(head);
  weights.skip(skipped);
}

checkpoint::HeadWeights decoder_head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                                     int64_t labels, const checkpoint::Weights& w,
                                     ops::Pooling pooling) {
  if (kind == checkpoint::HeadKind::kCausalLm) return {};  // its rows are taken one by one
  const int64_t n = config.integer("hidden_size");
  const checkpoint::Weights score = w / "score";
  if (score.has("0.weight")) {
    return {.every_token = true,
            .steps = {{.linear = (score / 0).linear(n, n), .activation = ops::Activation::kRelu},
                      {.linear = (score / 2).linear(labels, n)}}};
  }
  const bool every_token = kind == checkpoint::HeadKind::kTokenClassification;
  return {.every_token = every_token,
          .pooling = pooling,
          .padding_id = static_cast<int32_t>(config.integer_or("pad_token_id", -1, -1)),
          .steps = {{.linear = score.linear(labels, n,
                                            every_token ? checkpoint::Weights::Bias::kRequired
                                                        : checkpoint::Weights::Bias::kIfPresent)}}};
}

}  // namespace vecton::models
