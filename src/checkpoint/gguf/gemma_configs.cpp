// Gemma, whose files leave much of what it computes out.
#include "base/json.h"
#include "checkpoint/float_bytes.h"
#include "checkpoint/gguf/config_parts.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

json::object gemma(GgufKeys& keys) {
  json::object config = decoder_config(keys, "GemmaForCausalLM", "gemma");
  config["hidden_activation"] = "gelu_pytorch_tanh";
  return config;
}

// Queries are scaled by the size of a head, but those of the largest model of 27B, which its layers
// tell.
void add_query_scale(GgufKeys& keys, int64_t layers_of_27b, json::object& config) {
  const int64_t hidden = config["hidden_size"].as_int64(),
                heads = config["num_attention_heads"].as_int64();
  const bool largest = config["num_hidden_layers"].as_int64() == layers_of_27b;
  config["query_pre_attn_scalar"] = largest ? hidden / heads : config["head_dim"].as_int64();
}

json::object gemma2(GgufKeys& keys) {
  json::object config = decoder_config(keys, "Gemma2ForCausalLM", "gemma2");
  add_query_scale(keys, 46, config);
  config["hidden_activation"] = "gelu_pytorch_tanh";
  config["sliding_window"] = keys.integer_or(kSlidingWindow, 4096);
  config["attn_logit_softcapping"] = keys.number_or("attn_logit_softcapping", 50);
  config["final_logit_softcapping"] = keys.number_or("final_logit_softcapping", 30);
  return config;
}

json::object gemma3(GgufKeys& keys) {
  json::object config = decoder_config(keys, "Gemma3ForCausalLM", "gemma3_text");
  add_query_scale(keys, 62, config);
  config["hidden_activation"] = "gelu_pytorch_tanh";
  config["sliding_window"] = keys.integer(kSlidingWindow);
  config["rope_local_base_freq"] = keys.number_or("rope.freq_base_swa", 10000);
  if (keys.has("final_logit_softcapping"))
    config["final_logit_softcapping"] = keys.number("final_logit_softcapping");
  constexpr std::string_view kPattern = "attention.sliding_window_pattern";
  if (keys.is_array(kPattern)) {
    add_sliding_types(keys, 6, config);
  } else {
    config["sliding_window_pattern"] = keys.integer_or(kPattern, 6);
  }
  return config;
}

json::object gemma_embedding(GgufKeys& keys) {
  json::object config = gemma3(keys);
  int64_t columns = config["hidden_size"].as_int64();
  for (const char* name : {"dense_2", "dense_3"}) columns = check_dense(keys, name, columns);
  config["architectures"] = json::array{"Gemma3TextModel"};
  config["use_bidirectional_attention"] = true;
  keys.ignore("attention.causal");
  config.erase("is_causal");
  return config;
}

// Of layers that see everything the first pairs of a head turn; the file divides the frequencies of
// the others by so much that they stand still.
double turning_part(const GgufKeys& keys, int64_t head_dim) {
  const gguf::Tensor* divisors = keys.file.tensor("rope_freqs.weight");
  if (!divisors) return 1;
  int64_t turning = 0, pairs = 0;
  for (const json::value& divisor : rope_divisors(keys, *divisors, head_dim / 2)) {
    const bool turns = divisor.as_double() == 1, still = divisor.as_double() >= 1e29;
    if ((!turns && !still) || (turns && turning != pairs))
      keys.file.fail(divisors->name, "expected ones, and then numbers of at least 1e29",
                     ErrorCode::kUnsupported);
    turning += turns ? 1 : 0;
    ++pairs;
  }
  if (turning == 0) keys.file.fail(divisors->name, "expected ones, found none");
  return static_cast<double>(turning) / static_cast<double>(pairs);
}

// Heads of keys and values of layers with a window, and of the others.
void add_kv_heads(GgufKeys& keys, const std::vector<int64_t>& slides, json::object& config) {
  constexpr std::string_view kKey = "attention.head_count_kv";
  const auto layers = static_cast<int64_t>(slides.size());
  const std::vector<int64_t> heads = numbers_of_layers(keys, kKey, layers);
  int64_t of_kind[2] = {0, 0};  // without a window, and with one
  for (size_t i = 0; i < heads.size(); ++i) {
    int64_t& known = of_kind[slides[i] != 0 ? 1 : 0];
    if (known != 0 && known != heads[i])
      keys.fail(kKey, "numbers that differ between layers of one kind are not supported",
                ErrorCode::kUnsupported);
    known = heads[i];
  }
  config["num_key_value_heads"] = of_kind[1] != 0 ? of_kind[1] : of_kind[0];
  config["num_global_key_value_heads"] = of_kind[0] != 0 ? of_kind[0] : of_kind[1];
  for (int64_t i = 0; i < layers; ++i) {
    const std::string block = "blk." + std::to_string(i);
    if (slides[static_cast<size_t>(i)] == 0 && keys.file.tensor(block + ".attn_k.weight") &&
        !keys.file.tensor(block + ".attn_v.weight"))
      config["attention_k_eq_v"] = true;
  }
}

// Layers that read the keys and values of others may have an MLP of twice the width.
void add_widths(GgufKeys& keys, int64_t layers, json::object& config) {
  constexpr std::string_view kKey = "feed_forward_length";
  const std::vector<int64_t> widths = numbers_of_layers(keys, kKey, layers);
  const int64_t shared = config["num_kv_shared_layers"].as_int64(), width = widths.front();
  const bool wide = widths.back() != width;
  for (int64_t i = 0; i < layers; ++i) {
    if (widths[static_cast<size_t>(i)] != (wide && i >= layers - shared ? 2 * width : width))
      keys.fail(kKey,
                "expected " + std::to_string(width) + " of all layers, or twice as much of " +
                    std::to_string(shared) + " last ones",
                ErrorCode::kUnsupported);
  }
  config["intermediate_size"] = width;
  config["use_double_wide_mlp"] = wide;
}

int64_t columns_of_heads(GgufKeys& keys, const std::string& suffix) {
  const int64_t size = keys.integer("attention.key_length" + suffix);
  for (const std::string key : {"attention.value_length", "rope.dimension_count"}) {
    if (keys.integer_or(key + suffix, size) != size)
      keys.fail(key + suffix, "expected attention.key_length" + suffix, ErrorCode::kUnsupported);
  }
  return size;
}

json::object gemma4(GgufKeys& keys) {
  json::object config = named_config("Gemma4ForCausalLM", "gemma4_text");
  const int64_t layers = layers_of(keys);
  config["num_hidden_layers"] = layers;
  config["hidden_size"] = keys.integer("embedding_length");
  config["vocab_size"] = vocabulary_rows(keys);
  config["max_position_embeddings"] = keys.integer("context_length");
  config["num_attention_heads"] = same_in_all(keys, "attention.head_count", layers);
  config["rms_norm_eps"] = keys.number("attention.layer_norm_rms_epsilon");
  config["hidden_activation"] = "gelu_pytorch_tanh";
  config["head_dim"] = columns_of_heads(keys, "_swa");
  const int64_t global = columns_of_heads(keys, "");
  config["global_head_dim"] = global;
  config["sliding_window"] = keys.integer(kSlidingWindow);
  const std::vector<int64_t> slides =
      numbers_of_layers(keys, "attention.sliding_window_pattern", layers);
  add_sliding_types(keys, 6, config);
  config["num_kv_shared_layers"] = keys.count_or("attention.shared_kv_layers", 0);
  add_kv_heads(keys, slides, config);
  add_widths(keys, layers, config);
  const int64_t per_layer = keys.count_or("embedding_length_per_layer_input", 0);
  config["hidden_size_per_layer_input"] = per_layer;
  if (per_layer > 0)
    config["vocab_size_per_layer_input"] = keys.rows("per_layer_token_embd.weight");
  config["rope_parameters"] = {
      {"full_attention",
       {{"rope_type", "proportional"},
        {"partial_rotary_factor", turning_part(keys, global)},
        {"rope_theta", keys.number("rope.freq_base")}}},
      {"sliding_attention",
       {{"rope_type", "default"}, {"rope_theta", keys.number_or("rope.freq_base_swa", 10000)}}}};
  if (keys.has("final_logit_softcapping"))
    config["final_logit_softcapping"] = keys.number("final_logit_softcapping");
  if (keys.count_or("expert_count", 0) > 0) {
    config["enable_moe_block"] = true;
    config["num_experts"] = keys.integer("expert_count");
    config["top_k_experts"] = keys.integer("expert_used_count");
    config["moe_intermediate_size"] = keys.integer("expert_feed_forward_length");
  }
  return config;
}

}  // namespace

std::span<const GgufArchitecture> gguf_gemmas() {
  static constexpr GgufArchitecture kAll[] = {
      {"gemma", gemma},   {"gemma2", gemma2},
      {"gemma3", gemma3}, {"gemma-embedding", gemma_embedding},
      {"gemma4", gemma4},
  };
  return kAll;
}

}  // namespace vecton::checkpoint
