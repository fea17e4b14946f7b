// Multi-head latent attention: keys and values of all heads from one short row.
#include "base/json.h"
#include "checkpoint/gguf/config_parts.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

// Of keys or values of one head: of a file that has one row for all heads, that of this row is
// under the plain key.
int64_t head_length(GgufKeys& keys, const std::string& key) {
  const int64_t plain = keys.count_or(key, 0);
  return keys.count_or(key + "_mla", plain);
}

// Columns of the values of a head, of which attention's output is made.
int64_t value_length(GgufKeys& keys, int64_t heads) {
  if (const int64_t said = head_length(keys, "attention.value_length")) return said;
  constexpr std::string_view kOut = "blk.0.attn_output.weight";
  const gguf::Tensor* out = keys.file.tensor(kOut);
  if (!out || out->shape.size() != 2 || out->shape[1] % heads != 0)
    keys.file.fail(kOut, "expected a matrix with as many columns for each of " +
                             std::to_string(heads) + " heads");
  return out->shape[1] / heads;
}

}  // namespace

json::object latent_config(GgufKeys& keys, std::string_view architecture,
                           std::string_view model_type) {
  json::object config = named_config(architecture, model_type);
  const int64_t layers = layers_of(keys);
  const int64_t heads = same_in_all(keys, "attention.head_count", layers);
  if (heads < 1) keys.fail("attention.head_count", "expected at least 1");
  keys.ignore("attention.head_count_kv");  // 1 or all: what is kept is one row
  const int64_t turning = keys.integer("rope.dimension_count"),
                length = head_length(keys, "attention.key_length");
  if (length <= turning)
    keys.fail(
        keys.has("attention.key_length_mla") ? "attention.key_length_mla" : "attention.key_length",
        "expected more than rope.dimension_count, " + std::to_string(turning));
  config["hidden_size"] = keys.integer("embedding_length");
  config["num_hidden_layers"] = layers;
  config["intermediate_size"] = same_in_all(keys, "feed_forward_length", layers);
  config["num_attention_heads"] = heads;
  config["num_key_value_heads"] = heads;
  config["kv_lora_rank"] = keys.integer("attention.kv_lora_rank");
  if (const int64_t rank = keys.count_or("attention.q_lora_rank", 0)) config["q_lora_rank"] = rank;
  config["qk_rope_head_dim"] = turning;
  config["qk_nope_head_dim"] = length - turning;
  config["v_head_dim"] = value_length(keys, heads);
  config["max_position_embeddings"] = keys.integer("context_length");
  config["vocab_size"] = vocabulary_rows(keys);
  config["rms_norm_eps"] = keys.number("attention.layer_norm_rms_epsilon");
  if (!keys.boolean_or("attention.causal", true)) config["is_causal"] = false;
  add_rope(keys, turning, false, config);
  // What YaRN's scores are multiplied with: a tenth of mscale_all_dim, in float32.
  constexpr std::string_view kMscale = "rope.scaling.yarn_log_multiplier";
  json::value* scaling = config.if_contains("rope_scaling");
  if (keys.has(kMscale) && scaling && scaling->at("rope_type") == "yarn") {
    const double mscale = static_cast<float>(keys.number(kMscale)) / 0.1f;
    scaling->as_object()["mscale"] = mscale;
    scaling->as_object()["mscale_all_dim"] = mscale;
  }
  return config;
}

}  // namespace vecton::checkpoint
