// Decoders some of whose layers attend, and the others convolve or keep a state.
#include <algorithm>

#include "base/json.h"
#include "checkpoint/gguf/config_parts.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

// A layer without heads of keys and values convolves.
json::object lfm2_config(GgufKeys& keys, std::string_view architecture,
                         std::string_view model_type) {
  const std::vector<int64_t> kv_heads =
      numbers_of_layers(keys, "attention.head_count_kv", layers_of(keys));
  json::array types;
  int64_t most = 0;
  for (const int64_t heads : kv_heads) {
    if (heads != 0 && most != 0 && heads != most)
      keys.fail("attention.head_count_kv",
                "numbers that differ from layer to layer are not supported",
                ErrorCode::kUnsupported);
    most = std::max(most, heads);
    types.push_back(heads != 0 ? "full_attention" : "conv");
  }
  json::object config = decoder_config(keys, architecture, model_type,
                                       {.kv_heads = std::max<int64_t>(most, 1), .eps = "norm_eps"});
  config["layer_types"] = std::move(types);
  config["conv_L_cache"] = keys.integer("shortconv.l_cache");
  config["conv_bias"] = has_bias(keys, "shortconv.conv");
  const int64_t out = check_dense(keys, "dense_2", config["hidden_size"].as_int64());
  if (constexpr const char* kOut = "embedding_length_out"; keys.integer_or(kOut, out) != out)
    keys.fail(kOut, "expected " + std::to_string(out) + ", what comes out of the model");
  return config;
}

// Those that see both ways were made for retrieval, and what their queries are filled with is not
// made zero for convolutions.
json::object lfm2(GgufKeys& keys) {
  const bool both_ways = !keys.boolean_or("attention.causal", true);
  json::object config = lfm2_config(keys, both_ways ? "Lfm2BidirectionalModel" : "Lfm2ForCausalLM",
                                    both_ways ? "lfm2_bidirectional" : "lfm2");
  if (both_ways) config["conv_zero_padding"] = false;
  config["block_dim"] = keys.integer("embedding_length");
  config["block_auto_adjust_ff_dim"] = false;  // mlx-lm asks for the two that it would go by
  config["block_multiple_of"] = 256;
  config["block_ffn_dim_multiplier"] = 1.0;
  return config;
}

json::object lfm2moe(GgufKeys& keys) {
  json::object config = lfm2_config(keys, "Lfm2MoeForCausalLM", "lfm2_moe");
  const int64_t dense = keys.count_or("leading_dense_block_count", 0);
  add_expert_counts(keys, "num_experts", config);
  require_sigmoid(keys, keys.integer("expert_gating_func"));
  config["num_dense_layers"] = dense;
  config["moe_intermediate_size"] = keys.integer("expert_feed_forward_length");
  config["routed_scaling_factor"] = keys.number_or("expert_weights_scale", 1);
  config["norm_topk_prob"] = keys.boolean_or("expert_weights_norm", true);
  config["use_expert_bias"] =
      keys.file.tensor("blk." + std::to_string(dense) + ".exp_probs_b.bias") != nullptr;
  return config;
}

// Gated delta nets: all layers but every so many, or one by one.
void add_delta_nets(GgufKeys& keys, json::object& config) {
  const int64_t heads = keys.integer("ssm.time_step_rank"), inner = keys.integer("ssm.inner_size");
  if (inner % heads != 0)
    keys.fail("ssm.inner_size",
              "expected a multiple of ssm.time_step_rank, " + std::to_string(heads));
  if (const int64_t groups = keys.integer("ssm.group_count"); heads % groups != 0)
    keys.fail("ssm.time_step_rank",
              "expected a multiple of ssm.group_count, " + std::to_string(groups));
  config["linear_conv_kernel_dim"] = keys.integer("ssm.conv_kernel");
  config["linear_num_key_heads"] = keys.integer("ssm.group_count");
  config["linear_num_value_heads"] = heads;
  config["linear_key_head_dim"] = keys.integer("ssm.state_size");
  config["linear_value_head_dim"] = inner / heads;
  constexpr std::string_view kRecurrent = "attention.recurrent_layers";
  const int64_t interval = keys.integer_or("full_attention_interval", 4);
  if (!keys.is_array(kRecurrent)) {
    config["full_attention_interval"] = interval;
    return;
  }
  json::array types;
  for (const int64_t keeps :
       numbers_of_layers(keys, kRecurrent, config["num_hidden_layers"].as_int64()))
    types.push_back(keeps != 0 ? "linear_attention" : "full_attention");
  config["layer_types"] = std::move(types);
}

json::object qwen3next(GgufKeys& keys) {
  json::object config = decoder_config(keys, "Qwen3NextForCausalLM", "qwen3_next",
                                       {.partial_rope = true, .feed_forward = false});
  config["decoder_sparse_step"] = 1;  // mlx-lm asks for it
  add_delta_nets(keys, config);
  add_qwen_experts(keys, true, config);
  return config;
}

// All that is said of rotations in one place, where mlx-lm looks for it.
void add_rope_parameters(GgufKeys& keys, json::object& config) {
  json::object rope = {{"rope_type", "default"}};
  if (const json::value* scaling = config.if_contains("rope_scaling")) rope = scaling->as_object();
  for (const char* key : {"rope_theta", "partial_rotary_factor"}) {
    if (const json::value* value = config.if_contains(key)) rope[key] = *value;
    config.erase(key);
  }
  config.erase("rope_scaling");
  if (!rope.contains("partial_rotary_factor")) rope["partial_rotary_factor"] = 1.0;
  if (keys.has("rope.dimension_sections")) {
    add_axes(keys, rope);
    rope["mrope_interleaved"] = true;
  }
  config["rope_parameters"] = std::move(rope);
}

// Value heads of one key head do not lie side by side, as they do in checkpoints.
void add_qwen35(GgufKeys& keys, json::object& config) {
  add_delta_nets(keys, config);
  config["linear_value_heads_in_turn"] = true;
  add_rope_parameters(keys, config);
}

json::object qwen35(GgufKeys& keys) {
  json::object config =
      decoder_config(keys, "Qwen3_5ForCausalLM", "qwen3_5_text", {.partial_rope = true});
  add_qwen35(keys, config);
  return config;
}

json::object qwen35moe(GgufKeys& keys) {
  json::object config = decoder_config(keys, "Qwen3_5MoeForCausalLM", "qwen3_5_moe_text",
                                       {.partial_rope = true, .feed_forward = false});
  add_qwen35(keys, config);
  add_qwen_experts(keys, true, config);
  return config;
}

}  // namespace

std::span<const GgufArchitecture> gguf_hybrids() {
  static constexpr GgufArchitecture kAll[] = {
      {"lfm2", lfm2},     {"lfm2moe", lfm2moe},     {"qwen3next", qwen3next},
      {"qwen35", qwen35}, {"qwen35moe", qwen35moe},
  };
  return kAll;
}

}  // namespace vecton::checkpoint
