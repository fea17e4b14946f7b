#include "models/decoder.h"

#include <string>
#include <utility>
#include <vector>

#include "models/equal_heads.h"
#include "vecton/error.h"

namespace vecton::models {

ModelShape decoder_shape(const checkpoint::Config& config, const DecoderDefaults& defaults) {
  const int64_t hidden = config.integer("hidden_size"),
                heads = config.integer("num_attention_heads");
  const bool both_ways = config.boolean_or("use_bidirectional_attention", false);
  int64_t head_dim = defaults.head_dim > 0 ? defaults.head_dim : hidden / heads;
  if (!config.has("head_dim") && defaults.head_dim == 0)
    head_dim = equal_heads(config, "hidden_size", "num_attention_heads");
  ModelShape shape{
      .layers = config.integer("num_hidden_layers", 1, checkpoint::Config::kMostCounted),
      .hidden = hidden,
      .vocab = config.integer("vocab_size"),
      .max_positions = config.integer("max_position_embeddings"),
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
