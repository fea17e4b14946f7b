// Decoders with mixtures of experts.
#include "base/json.h"
#include "checkpoint/gguf/config_parts.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

// Numbers of `expert_gating_func`.
enum Gating : int64_t { kSoftmax = 1, kSigmoid = 2 };

// Of models whose layers are all mixtures: their experts are as wide as the file says of an MLP, or
// of an expert.
void add_width_of_all(GgufKeys& keys, json::object& config) {
  config["intermediate_size"] =
      keys.integer_or("expert_feed_forward_length", config["intermediate_size"].as_int64());
}

void add_window(GgufKeys& keys, json::object& config) {
  if (const int64_t window = keys.count_or(kSlidingWindow, 0)) config["sliding_window"] = window;
}

// Layers without a router are dense.
void add_dense_layers(const GgufKeys& keys, json::object& config) {
  json::array dense;
  for (int64_t i = 0; i < config["num_hidden_layers"].as_int64(); ++i) {
    if (!keys.file.tensor("blk." + std::to_string(i) + ".ffn_gate_inp.weight")) dense.push_back(i);
  }
  config["mlp_only_layers"] = std::move(dense);
}

// Whether the weights of the experts that are chosen add up to 1 has no key.
json::object qwen3moe(GgufKeys& keys) {
  json::object config = decoder_config(keys, "Qwen3MoeForCausalLM", "qwen3_moe");
  config["decoder_sparse_step"] = 1;
  add_qwen_experts(keys, true, config);
  return config;
}

json::object qwen3vlmoe(GgufKeys& keys) {
  ignore_axes(keys);
  return qwen3moe(keys);
}

json::object qwen2moe(GgufKeys& keys) {
  json::object config = decoder_config(keys, "Qwen2MoeForCausalLM", "qwen2_moe");
  config["qkv_bias"] = has_bias(keys, "attn_q");
  add_qwen_experts(keys, false, config);
  return config;
}

json::object phimoe(GgufKeys& keys) {
  json::object config = decoder_config(keys, "PhimoeForCausalLM", "phimoe", {.partial_rope = true});
  add_expert_counts(keys, "num_local_experts", config);
  add_width_of_all(keys, config);
  add_window(keys, config);
  if (has_bias(keys, "attn_q")) config["attention_bias"] = true;
  // The file has one amplitude for short and long texts.
  if (json::value* scaling = config.if_contains("rope_scaling")) {
    json::object& longrope = scaling->as_object();
    const json::value amplitude = longrope["attention_factor"];  // new keys move the values
    longrope["short_mscale"] = amplitude;
    longrope["long_mscale"] = amplitude;
  }
  return config;
}

json::object granitemoe(GgufKeys& keys) {
  json::object config = granite_config(keys, "GraniteMoeForCausalLM", "granitemoe");
  add_expert_counts(keys, "num_local_experts", config);
  add_width_of_all(keys, config);
  return config;
}

// Every other layer has a window. YaRN's ramp is not rounded to whole pairs, as the models' own
// settings say, which the file leaves out.
json::object gpt_oss(GgufKeys& keys) {
  json::object config = decoder_config(keys, "GptOssForCausalLM", "gpt_oss");
  add_expert_counts(keys, "num_local_experts", config);
  add_width_of_all(keys, config);
  config["sliding_window"] = keys.integer(kSlidingWindow);
  add_sliding_types(keys, 2, config);
  config["attention_bias"] = has_bias(keys, "attn_q");
  json::value* scaling = config.if_contains("rope_scaling");
  if (!scaling) keys.fail("rope.scaling.type", "expected yarn", ErrorCode::kUnsupported);
  scaling->as_object()["truncate"] = false;
  return config;
}

// Experts chosen among groups by their scores, and shared ones beside them.
void add_deepseek_experts(GgufKeys& keys, json::object& config) {
  add_expert_counts(keys, "n_routed_experts", config);
  config["moe_intermediate_size"] = keys.integer("expert_feed_forward_length");
  config["n_shared_experts"] = keys.integer_or("expert_shared_count", 1);
  config["first_k_dense_replace"] = keys.count_or("leading_dense_block_count", 0);
  config["routed_scaling_factor"] = keys.number_or("expert_weights_scale", 1);
  config["norm_topk_prob"] = keys.boolean_or("expert_weights_norm", false);
  config["n_group"] = keys.integer_or("expert_group_count", 1);
  config["topk_group"] = keys.integer_or("expert_group_used_count", 1);
  // A correction of the choice belongs to sigmoid's scores; older files do not say which they are.
  const std::string corrected =
      "blk." + std::to_string(config["first_k_dense_replace"].as_int64()) + ".exp_probs_b.bias";
  const int64_t otherwise = keys.file.tensor(corrected) ? kSigmoid : kSoftmax;
  require_sigmoid(keys, keys.count_or("expert_gating_func", otherwise));
}

// DeepSeek-V3 and its kin, among them GLM-4.7-Flash.
json::object deepseek2(GgufKeys& keys) {
  json::object config = latent_config(keys, "DeepseekV3ForCausalLM", "deepseek_v3");
  config["rope_interleave"] = true;
  add_deepseek_experts(keys, config);
  return config;
}

json::object glm4moe(GgufKeys& keys) {
  json::object config =
      decoder_config(keys, "Glm4MoeForCausalLM", "glm4_moe", {.partial_rope = true});
  if (!config.contains("partial_rotary_factor")) config["partial_rotary_factor"] = 1.0;
  if (!config.contains("rope_scaling")) config["rope_scaling"] = nullptr;
  config["attention_bias"] = has_bias(keys, "attn_q");
  config["use_qk_norm"] = keys.file.tensor("blk.0.attn_q_norm.weight") != nullptr;
  add_deepseek_experts(keys, config);
  return config;
}

}  // namespace

std::span<const GgufArchitecture> gguf_mixtures() {
  static constexpr GgufArchitecture kAll[] = {
      {"qwen2moe", qwen2moe},     {"qwen3moe", qwen3moe},     {"phimoe", phimoe},
      {"granitemoe", granitemoe}, {"gpt-oss", gpt_oss},       {"deepseek2", deepseek2},
      {"glm4moe", glm4moe},       {"qwen3vlmoe", qwen3vlmoe},
  };
  return kAll;
}

json::object mixtral_config(GgufKeys& keys) {
  json::object config = decoder_config(keys, "MixtralForCausalLM", "mixtral");
  add_expert_counts(keys, "num_local_experts", config);
  add_width_of_all(keys, config);
  add_window(keys, config);
  return config;
}

void add_expert_counts(GgufKeys& keys, std::string_view experts, json::object& config) {
  config[experts] = keys.integer("expert_count");
  config["num_experts_per_tok"] = keys.integer("expert_used_count");
}

void require_sigmoid(const GgufKeys& keys, int64_t gating) {
  if (gating != kSigmoid)
    keys.fail("expert_gating_func", "expected 2, sigmoid", ErrorCode::kUnsupported);
}

void add_qwen_experts(GgufKeys& keys, bool normalize, json::object& config) {
  add_expert_counts(keys, "num_experts", config);
  config["moe_intermediate_size"] = keys.integer("expert_feed_forward_length");
  if (const int64_t shared = keys.count_or("expert_shared_feed_forward_length", 0))
    config["shared_expert_intermediate_size"] = shared;
  config["norm_topk_prob"] = normalize;
  add_dense_layers(keys, config);
}

}  // namespace vecton::checkpoint
