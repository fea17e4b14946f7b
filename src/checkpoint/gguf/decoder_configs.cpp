// Decoders without experts whose layers all attend.
#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "checkpoint/gguf/config_parts.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

// Experts make Mixtral of it, a window Mistral.
json::object llama(GgufKeys& keys) {
  if (keys.count_or("expert_count", 0) > 0) return mixtral_config(keys);
  const bool slides = keys.has(kSlidingWindow);
  json::object config = slides ? decoder_config(keys, "MistralForCausalLM", "mistral")
                               : decoder_config(keys, "LlamaForCausalLM", "llama");
  if (slides) {
    config["sliding_window"] = keys.integer(kSlidingWindow);
    return config;
  }
  add_biases(keys, config);
  return config;
}

// Llama whose tokens see both ways, as llama.cpp computes it whatever the file says.
json::object llama_embed(GgufKeys& keys) {
  json::object config = llama(keys);
  config["is_causal"] = false;
  return config;
}

// Llama in Mistral's newer files. YaRN amplifies as with an mscale of 1 beside the mscale_all_dim
// that the file has. Queries grow behind the original length, so that no longer texts are read.
json::object mistral3(GgufKeys& keys) {
  json::object config = llama(keys);
  const double mscale = keys.number_or("rope.scaling.yarn_log_multiplier", 0);
  json::value* scaling = config.if_contains("rope_scaling");
  if (mscale != 0 && scaling && scaling->at("rope_type") == "yarn") {
    scaling->as_object()["mscale"] = 1.0;
    scaling->as_object()["mscale_all_dim"] = mscale;
  }
  if (keys.number_or("attention.temperature_scale", 0) != 0) {
    config["max_position_embeddings"] = std::min(
        keys.integer("context_length"), keys.integer("rope.scaling.original_context_length"));
  }
  return config;
}

// Ernie 4.5, which is Llama: of its texts alone.
json::object paddleocr(GgufKeys& keys) {
  ignore_axes(keys);
  json::object config = decoder_config(keys, "LlamaForCausalLM", "llama");
  add_biases(keys, config);
  return config;
}

// Every fourth layer turns nothing, as llama.cpp computes it without a key.
json::object smollm3(GgufKeys& keys) {
  json::object config = decoder_config(keys, "SmolLM3ForCausalLM", "smollm3");
  config["no_rope_layer_interval"] = 4;
  add_biases(keys, config);
  return config;
}

json::object granite(GgufKeys& keys) {
  return granite_config(keys, "GraniteForCausalLM", "granite");
}

// With windows it is OLMo 3, whose scaling is that of the layers without one.
json::object olmo2(GgufKeys& keys) {
  if (keys.count_or(kSlidingWindow, 0) == 0)
    return decoder_config(keys, "Olmo2ForCausalLM", "olmo2");
  json::object config = decoder_config(keys, "Olmo3ForCausalLM", "olmo3");
  config["sliding_window"] = keys.integer(kSlidingWindow);
  add_sliding_types(keys, 4, config);
  const double base = keys.number_or("rope.freq_base", 10000);
  if (keys.number_or("rope.freq_base_swa", base) != base)
    keys.fail("rope.freq_base_swa", "expected rope.freq_base, that of all layers",
              ErrorCode::kUnsupported);
  config["rope_theta"] = base;
  return config;
}

json::object qwen2(GgufKeys& keys) { return decoder_config(keys, "Qwen2ForCausalLM", "qwen2"); }

json::object qwen3(GgufKeys& keys) {
  json::object config = decoder_config(keys, "Qwen3ForCausalLM", "qwen3");
  if (has_bias(keys, "attn_q")) config["attention_bias"] = true;
  if (keys.file.tensor("cls.output.weight")) {
    // The head of a reranker: yes, and no.
    const std::vector<std::string_view> labels = keys.texts("classifier.output_labels");
    if (!labels.empty() && labels != std::vector<std::string_view>{"yes", "no"})
      keys.fail("classifier.output_labels", "expected yes and no", ErrorCode::kUnsupported);
    config["architectures"] = json::array{"Qwen3ForSequenceClassification"};
    config["num_labels"] = 1;
  }
  return config;
}

json::object qwen2vl(GgufKeys& keys) {
  ignore_axes(keys);
  return qwen2(keys);
}

// Its family knows the prompts of its embedders and rerankers.
json::object qwen3vl(GgufKeys& keys) {
  json::object config = qwen3(keys);
  const bool ranks = config.contains("num_labels");
  config["architectures"] =
      json::array{ranks ? "Qwen3VLForSequenceClassification" : "Qwen3VLForConditionalGeneration"};
  config["model_type"] = "qwen3_vl";
  json::object scaling = {{"rope_type", "default"}};
  if (const json::value* found = config.if_contains("rope_scaling")) scaling = found->as_object();
  add_axes(keys, scaling);
  config["rope_scaling"] = std::move(scaling);
  return config;
}

// Every token sees all others, whatever the file says.
json::object eurobert(GgufKeys& keys) {
  json::object config = decoder_config(keys, "EuroBertModel", "eurobert");
  config["hidden_act"] = "silu";
  keys.ignore("attention.causal");
  config.erase("is_causal");
  return config;
}

// A window of 0 is none.
json::object phi3(GgufKeys& keys) {
  json::object config = decoder_config(keys, "Phi3ForCausalLM", "phi3", {.partial_rope = true});
  if (const int64_t window = keys.count_or(kSlidingWindow, 0)) config["sliding_window"] = window;
  return config;
}

json::object cohere2(GgufKeys& keys) {
  json::object config =
      decoder_config(keys, "Cohere2ForCausalLM", "cohere2",
                     {.eps_key = "attention.layer_norm_epsilon", .eps = "layer_norm_eps"});
  config["logit_scale"] = keys.number("logit_scale");
  config["sliding_window"] = keys.integer(kSlidingWindow);
  add_sliding_types(keys, 4, config);
  return config;
}

json::object exaone4(GgufKeys& keys) {
  json::object config = decoder_config(keys, "Exaone4ForCausalLM", "exaone4");
  const int64_t window = keys.count_or(kSlidingWindow, 0);
  config["sliding_window"] = nullptr;  // absent it would be 4096
  config["sliding_window_pattern"] = nullptr;
  if (!config.contains("rope_scaling")) config["rope_scaling"] = nullptr;
  if (window == 0) return config;
  config["sliding_window"] = window;
  add_sliding_types(keys, 4, config);
  std::string letters;  // of local layers and global ones
  for (const json::value& type : config["layer_types"].as_array())
    letters += type == "sliding_attention" ? 'L' : 'G';
  config["sliding_window_pattern"] = letters;
  return config;
}

// Latent attention; what its embeddings, branches and logits are multiplied with has no key.
json::object minicpm3(GgufKeys& keys) {
  json::object config = latent_config(keys, "MiniCPM3ForCausalLM", "minicpm3");
  config["scale_emb"] = 12;
  config["scale_depth"] = 1.4;
  config["dim_model_base"] = 256;
  return config;
}

}  // namespace

std::span<const GgufArchitecture> gguf_decoders() {
  static constexpr GgufArchitecture kAll[] = {
      {"llama", llama},       {"llama-embed", llama_embed},
      {"smollm3", smollm3},   {"granite", granite},
      {"olmo2", olmo2},       {"qwen2", qwen2},
      {"qwen3", qwen3},       {"eurobert", eurobert},
      {"phi3", phi3},         {"cohere2", cohere2},
      {"exaone4", exaone4},   {"minicpm3", minicpm3},
      {"qwen2vl", qwen2vl},   {"qwen3vl", qwen3vl},
      {"mistral3", mistral3}, {"paddleocr", paddleocr},
  };
  return kAll;
}

json::object granite_config(GgufKeys& keys, std::string_view architecture,
                            std::string_view model_type) {
  json::object config = decoder_config(keys, architecture, model_type);
  for (const auto& [key, own] : {std::pair{"attention.scale", "attention_multiplier"},
                                 {"embedding_scale", "embedding_multiplier"},
                                 {"residual_scale", "residual_multiplier"},
                                 {"logit_scale", "logits_scaling"}})
    config[own] = keys.number_or(key, 1);
  if (!keys.has("attention.scale"))
    config["attention_multiplier"] =
        1 / std::sqrt(static_cast<double>(config["head_dim"].as_int64()));
  // So the files of this architecture say that nothing turns.
  if (!keys.boolean_or("rope.scaling.finetuned", true))
    keys.fail("rope.scaling.finetuned", "false, without rotary positions, is not supported",
              ErrorCode::kUnsupported);
  add_biases(keys, config);
  return config;
}

}  // namespace vecton::checkpoint
