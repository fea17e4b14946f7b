#include "checkpoint/gguf/config.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/json.h"
#include "checkpoint/float_bytes.h"
#include "checkpoint/gguf/keys.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

constexpr std::string_view kWords = "token_embd.weight";

// Rotary positions: the base, a scaling, or divisors of the pairs' frequencies in a tensor.
void add_rope(GgufKeys& keys, int64_t head_dim, json::object& config) {
  if (keys.has("rope.freq_base")) config["rope_theta"] = keys.number("rope.freq_base");
  const int64_t turned = keys.integer_or("rope.dimension_count", head_dim);
  if (turned != head_dim) {
    keys.fail("rope.dimension_count",
              "expected " + std::to_string(head_dim) + ", all columns of a head, found " +
                  std::to_string(turned),
              ErrorCode::kUnsupported);
  }
  const std::string type = keys.text_or("rope.scaling.type", "none");
  keys.ignore("rope.scaling.finetuned");
  const double factor = keys.number_or("rope.scaling.factor", 1);
  const gguf::Tensor* divisors = keys.file.tensor("rope_freqs.weight");
  if (divisors) {
    if (type != "none")
      keys.fail("rope.scaling.type", "\"" + type + "\" beside rope_freqs.weight is not supported",
                ErrorCode::kUnsupported);
    if (divisors->type != gguf::TensorType::kF32 || divisors->shape.size() != 1 ||
        divisors->shape[0] != head_dim / 2)
      keys.file.fail(divisors->name,
                     "expected " + std::to_string(head_dim / 2) + " numbers of F32");
    json::array list;
    for (const float divisor : read_floats(tensor::DType::kF32, divisors->bytes))
      list.push_back(double{divisor});
    config["rope_scaling"] = {{"rope_type", "longrope"},
                              {"short_factor", list},
                              {"long_factor", list},
                              {"attention_factor", 1.0},
                              {"factor", 1.0}};
    return;
  }
  if (type == "none" || type.empty()) return;
  if (type == "linear") {
    config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", factor}};
  } else if (type == "yarn") {
    json::object yarn = {{"rope_type", "yarn"}, {"factor", factor}};
    yarn["original_max_position_embeddings"] = keys.integer("rope.scaling.original_context_length");
    if (keys.has("rope.scaling.yarn_beta_fast"))
      yarn["beta_fast"] = keys.number("rope.scaling.yarn_beta_fast");
    if (keys.has("rope.scaling.yarn_beta_slow"))
      yarn["beta_slow"] = keys.number("rope.scaling.yarn_beta_slow");
    config["rope_scaling"] = std::move(yarn);
  } else {
    keys.fail("rope.scaling.type", "\"" + type + "\" is not supported; none, linear and yarn are",
              ErrorCode::kUnsupported);
  }
  keys.ignore("rope.scaling.original_context_length");
}

int64_t vocabulary(GgufKeys& keys) {
  const int64_t rows = keys.rows(kWords);
  if (const int64_t said = keys.integer_or("vocab_size", rows); said != rows) {
    keys.fail("vocab_size", "is " + std::to_string(said) + ", and " + std::string(kWords) +
                                " has " + std::to_string(rows) + " rows");
  }
  return rows;
}

int64_t layers_of(GgufKeys& keys) {
  const int64_t layers = keys.integer("block_count");
  if (layers > Config::kMostCounted) keys.fail("block_count", "more layers than any model has");
  return layers;
}

// The one number that all layers have.
int64_t same_in_all(GgufKeys& keys, std::string_view key, int64_t layers) {
  const std::vector<int64_t> all = keys.integers_of_layers(key, layers);
  if (all.empty() || std::ranges::adjacent_find(all, std::not_equal_to<>()) != all.end())
    keys.fail(key, "numbers that differ from layer to layer are not supported",
              ErrorCode::kUnsupported);
  return all.front();
}

json::object named(std::string_view architecture, std::string_view model_type) {
  return {{"architectures", json::array{architecture}}, {"model_type", model_type}};
}

// What all decoders say; `kv_heads` = 0: read here.
json::object decoder(GgufKeys& keys, std::string_view architecture, std::string_view model_type,
                     int64_t kv_heads = 0) {
  json::object config = named(architecture, model_type);
  const int64_t layers = layers_of(keys), hidden = keys.integer("embedding_length");
  const int64_t heads = same_in_all(keys, "attention.head_count", layers);
  if (heads < 1) keys.fail("attention.head_count", "expected at least 1");
  if (kv_heads == 0)
    kv_heads = keys.has("attention.head_count_kv")
                   ? same_in_all(keys, "attention.head_count_kv", layers)
                   : heads;
  const bool told = keys.has("attention.key_length");
  if (!told && hidden % heads != 0)
    keys.fail("attention.head_count", "expected a divisor of " + std::to_string(hidden));
  const int64_t head_dim = keys.integer_or("attention.key_length", hidden / heads);
  if (const int64_t values = keys.integer_or("attention.value_length", head_dim);
      values != head_dim) {
    keys.fail("attention.value_length",
              "values of " + std::to_string(values) + " columns beside keys of " +
                  std::to_string(head_dim) + " are not supported",
              ErrorCode::kUnsupported);
  }
  config["hidden_size"] = hidden;
  config["num_hidden_layers"] = layers;
  config["intermediate_size"] = same_in_all(keys, "feed_forward_length", layers);
  config["num_attention_heads"] = heads;
  config["num_key_value_heads"] = kv_heads;
  config["head_dim"] = head_dim;
  config["max_position_embeddings"] = keys.integer("context_length");
  config["vocab_size"] = vocabulary(keys);
  config["rms_norm_eps"] = keys.number("attention.layer_norm_rms_epsilon");
  if (!keys.boolean_or("attention.causal", true)) config["is_causal"] = false;
  add_rope(keys, head_dim, config);
  return config;
}

bool has_bias(const GgufKeys& keys, std::string_view part) {
  return keys.file.tensor("blk.0." + std::string(part) + ".bias") != nullptr;
}

json::object llama(GgufKeys& keys) {
  const bool slides = keys.has("attention.sliding_window");
  json::object config = slides ? decoder(keys, "MistralForCausalLM", "mistral")
                               : decoder(keys, "LlamaForCausalLM", "llama");
  if (slides) {
    config["sliding_window"] = keys.integer("attention.sliding_window");
    return config;
  }
  if (has_bias(keys, "attn_q")) config["attention_bias"] = true;
  if (has_bias(keys, "ffn_up")) config["mlp_bias"] = true;
  return config;
}

// Llama whose tokens see both ways, as llama.cpp computes it whatever the file says.
json::object llama_embed(GgufKeys& keys) {
  json::object config = llama(keys);
  config["is_causal"] = false;
  return config;
}

// Every fourth layer turns nothing, as llama.cpp computes it without a key.
json::object smollm3(GgufKeys& keys) {
  json::object config = decoder(keys, "SmolLM3ForCausalLM", "smollm3");
  config["no_rope_layer_interval"] = 4;
  if (has_bias(keys, "attn_q")) config["attention_bias"] = true;
  if (has_bias(keys, "ffn_up")) config["mlp_bias"] = true;
  return config;
}

json::object granite(GgufKeys& keys) {
  json::object config = decoder(keys, "GraniteForCausalLM", "granite");
  for (const auto& [key, own] : {std::pair{"attention.scale", "attention_multiplier"},
                                 {"embedding_scale", "embedding_multiplier"},
                                 {"residual_scale", "residual_multiplier"},
                                 {"logit_scale", "logits_scaling"}})
    config[own] = keys.number_or(key, 1);
  if (!keys.has("attention.scale"))
    config["attention_multiplier"] =
        1 / std::sqrt(static_cast<double>(config["head_dim"].as_int64()));
  if (has_bias(keys, "attn_q")) config["attention_bias"] = true;
  if (has_bias(keys, "ffn_up")) config["mlp_bias"] = true;
  return config;
}

json::object olmo2(GgufKeys& keys) { return decoder(keys, "Olmo2ForCausalLM", "olmo2"); }

// Weights of the experts that are chosen add up to 1, as llama.cpp computes it without a key.
json::object qwen3moe(GgufKeys& keys) {
  json::object config = decoder(keys, "Qwen3MoeForCausalLM", "qwen3_moe");
  config["num_experts"] = keys.integer("expert_count");
  config["num_experts_per_tok"] = keys.integer("expert_used_count");
  config["moe_intermediate_size"] = keys.integer("expert_feed_forward_length");
  config["norm_topk_prob"] = true;
  json::array dense;  // layers without a router
  for (int64_t i = 0; i < config["num_hidden_layers"].as_int64(); ++i) {
    if (!keys.file.tensor("blk." + std::to_string(i) + ".ffn_gate_inp.weight")) dense.push_back(i);
  }
  config["mlp_only_layers"] = std::move(dense);
  return config;
}

json::object qwen2(GgufKeys& keys) { return decoder(keys, "Qwen2ForCausalLM", "qwen2"); }

json::object qwen3(GgufKeys& keys) {
  json::object config = decoder(keys, "Qwen3ForCausalLM", "qwen3");
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

// Every token sees all others, whatever the file says.
json::object eurobert(GgufKeys& keys) {
  json::object config = decoder(keys, "EuroBertModel", "eurobert");
  config["hidden_act"] = "silu";
  keys.ignore("attention.causal");
  config.erase("is_causal");
  return config;
}

json::object gemma(GgufKeys& keys) {
  json::object config = decoder(keys, "GemmaForCausalLM", "gemma");
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
  json::object config = decoder(keys, "Gemma2ForCausalLM", "gemma2");
  add_query_scale(keys, 46, config);
  config["hidden_activation"] = "gelu_pytorch_tanh";
  config["sliding_window"] = keys.integer_or("attention.sliding_window", 4096);
  config["attn_logit_softcapping"] = keys.number_or("attn_logit_softcapping", 50);
  config["final_logit_softcapping"] = keys.number_or("final_logit_softcapping", 30);
  return config;
}

// Which layers have a window: all but every so many, or one by one.
void add_sliding_layers(GgufKeys& keys, json::object& config) {
  constexpr std::string_view kKey = "attention.sliding_window_pattern";
  const int64_t layers = config["num_hidden_layers"].as_int64();
  const gguf::Value* pattern = keys.file.find("gemma3." + std::string(kKey));
  if (!pattern) pattern = keys.file.find("gemma-embedding." + std::string(kKey));
  if (pattern && pattern->is_array) {
    json::array types;
    for (const int64_t slides : keys.integers_of_layers(kKey, layers))
      types.push_back(slides != 0 ? "sliding_attention" : "full_attention");
    config["layer_types"] = std::move(types);
  } else {
    config["sliding_window_pattern"] = keys.integer_or(kKey, 6);
  }
}

json::object gemma3(GgufKeys& keys) {
  json::object config = decoder(keys, "Gemma3ForCausalLM", "gemma3_text");
  add_query_scale(keys, 62, config);
  config["hidden_activation"] = "gelu_pytorch_tanh";
  config["sliding_window"] = keys.integer("attention.sliding_window");
  config["rope_local_base_freq"] = keys.number_or("rope.freq_base_swa", 10000);
  if (keys.has("final_logit_softcapping"))
    config["final_logit_softcapping"] = keys.number("final_logit_softcapping");
  add_sliding_layers(keys, config);
  return config;
}

// Sizes of a layer behind the pooling, which its tensor has as well.
void check_dense(GgufKeys& keys, const std::string& name) {
  const gguf::Tensor* weight = keys.file.tensor(name + ".weight");
  if (!weight) return;  // a size is then a key that nobody read
  if (weight->shape.size() != 2) keys.file.fail(weight->name, "expected a matrix");
  const std::pair<std::string, int64_t> sizes[] = {{name + "_feat_out", weight->shape[0]},
                                                   {name + "_feat_in", weight->shape[1]}};
  for (const auto& [key, size] : sizes) {
    if (keys.integer_or(key, size) != size)
      keys.fail(key, "expected " + std::to_string(size) + ", the size of " + name + ".weight");
  }
}

json::object gemma_embedding(GgufKeys& keys) {
  json::object config = gemma3(keys);
  for (const char* name : {"dense_2", "dense_3"}) check_dense(keys, name);
  config["architectures"] = json::array{"Gemma3TextModel"};
  config["use_bidirectional_attention"] = true;
  keys.ignore("attention.causal");
  config.erase("is_causal");
  return config;
}

// A layer without heads of keys and values convolves.
json::object lfm2(GgufKeys& keys) {
  const std::vector<int64_t> kv_heads =
      keys.integers_of_layers("attention.head_count_kv", layers_of(keys));
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
  json::object config = decoder(keys, "Lfm2ForCausalLM", "lfm2", std::max<int64_t>(most, 1));
  config["layer_types"] = std::move(types);
  config["norm_eps"] = config["rms_norm_eps"];
  config.erase("rms_norm_eps");
  config["conv_L_cache"] = keys.integer("shortconv.l_cache");
  config["block_auto_adjust_ff_dim"] = false;
  config["conv_bias"] = has_bias(keys, "shortconv.conv");
  return config;
}

// What all encoders say, in BERT's words.
json::object encoder(GgufKeys& keys, std::string_view architecture, std::string_view model_type) {
  json::object config = named(architecture, model_type);
  const int64_t layers = layers_of(keys);
  if (keys.boolean_or("attention.causal", false))
    keys.fail("attention.causal", "true is not supported for an encoder", ErrorCode::kUnsupported);
  config["hidden_size"] = keys.integer("embedding_length");
  config["num_hidden_layers"] = layers;
  config["num_attention_heads"] = same_in_all(keys, "attention.head_count", layers);
  config["intermediate_size"] = same_in_all(keys, "feed_forward_length", layers);
  config["max_position_embeddings"] = keys.integer("context_length");
  config["vocab_size"] = vocabulary(keys);
  config["layer_norm_eps"] = keys.number("attention.layer_norm_epsilon");
  if (keys.file.tensor("token_types.weight"))
    config["type_vocab_size"] = keys.rows("token_types.weight");
  return config;
}

json::object distilbert(GgufKeys& keys) {
  json::object bert = encoder(keys, "DistilBertModel", "distilbert");
  json::object config = named("DistilBertModel", "distilbert");
  config["dim"] = bert["hidden_size"];
  config["n_layers"] = bert["num_hidden_layers"];
  config["n_heads"] = bert["num_attention_heads"];
  config["hidden_dim"] = bert["intermediate_size"];
  config["vocab_size"] = bert["vocab_size"];
  config["max_position_embeddings"] = keys.rows("position_embd.weight");
  config["activation"] = "gelu";
  if (bert["layer_norm_eps"].as_double() > 2e-12)
    keys.fail("attention.layer_norm_epsilon", "expected 1e-12 of a model without token types",
              ErrorCode::kUnsupported);
  return config;
}

json::object bert(GgufKeys& keys) {
  if (gguf_architecture(keys.file) == "distilbert") return distilbert(keys);
  json::object config = encoder(keys, "BertModel", "bert");
  config["hidden_act"] = "gelu";
  config["max_position_embeddings"] = keys.rows("position_embd.weight");
  if (gguf_architecture(keys.file) == "bert") return config;
  const bool ranks = keys.file.tensor("cls.output.weight") != nullptr;
  config["architectures"] =
      json::array{ranks ? "XLMRobertaForSequenceClassification" : "XLMRobertaModel"};
  config["model_type"] = "xlm-roberta";
  if (ranks) config["num_labels"] = keys.rows("cls.output.weight");
  const int64_t before = gguf_positions_before(keys.file);
  config["pad_token_id"] = before - 1;
  config["max_position_embeddings"] = keys.rows("position_embd.weight") + before;
  return config;
}

int64_t head_dim_of(const json::object& config) {
  const int64_t heads = config.at("num_attention_heads").as_int64();
  return heads > 0 ? config.at("hidden_size").as_int64() / heads : 0;
}

json::object nomic_bert(GgufKeys& keys) {
  json::object bert = encoder(keys, "NomicBertModel", "nomic_bert");
  json::object config = named("NomicBertModel", "nomic_bert");
  config["n_embd"] = bert["hidden_size"];
  config["n_layer"] = bert["num_hidden_layers"];
  config["n_head"] = bert["num_attention_heads"];
  config["n_inner"] = bert["intermediate_size"];
  config["n_positions"] = bert["max_position_embeddings"];
  config["vocab_size"] = bert["vocab_size"];
  config["layer_norm_epsilon"] = bert["layer_norm_eps"];
  config["type_vocab_size"] = bert.contains("type_vocab_size") ? bert["type_vocab_size"] : 0;
  config["activation_function"] = "swiglu";
  config["rotary_emb_fraction"] = 1.0;
  config["qkv_proj_bias"] = has_bias(keys, "attn_qkv");
  config["mlp_fc1_bias"] = has_bias(keys, "ffn_up");
  config["mlp_fc2_bias"] = has_bias(keys, "ffn_down");
  json::object rope;
  add_rope(keys, head_dim_of(bert), rope);
  if (rope.contains("rope_scaling"))
    keys.fail("rope.scaling.type", "is not supported for this architecture",
              ErrorCode::kUnsupported);
  if (rope.contains("rope_theta")) config["rotary_emb_base"] = rope["rope_theta"];
  return config;
}

json::object modern_bert(GgufKeys& keys) {
  json::object config = encoder(keys, "ModernBertModel", "modernbert");
  config["norm_eps"] = config["layer_norm_eps"];
  config.erase("layer_norm_eps");
  config["hidden_activation"] = "gelu";
  config["local_attention"] = keys.integer("attention.sliding_window");
  config["global_attn_every_n_layers"] = keys.integer_or("attention.sliding_window_pattern", 3);
  config["local_rope_theta"] = keys.number_or("rope.freq_base_swa", 10000);
  json::object rope;
  add_rope(keys, head_dim_of(config), rope);
  if (rope.contains("rope_scaling"))
    keys.fail("rope.scaling.type", "is not supported for this architecture",
              ErrorCode::kUnsupported);
  if (rope.contains("rope_theta")) config["global_rope_theta"] = rope["rope_theta"];
  return config;
}

json::object jina_bert_v3(GgufKeys& keys) {
  json::object config = encoder(keys, "XLMRobertaModel", "xlm-roberta");
  config["hidden_act"] = "gelu";
  config["position_embedding_type"] = "rotary";
  json::object rope;
  add_rope(keys, head_dim_of(config), rope);
  if (rope.contains("rope_scaling"))
    keys.fail("rope.scaling.type", "is not supported for this architecture",
              ErrorCode::kUnsupported);
  config["rotary_emb_base"] = rope.contains("rope_theta") ? rope["rope_theta"] : 10000.0;
  return config;
}

// A decoder that says how texts are pooled was made for embeddings.
void take_head_off(json::object& config) {
  constexpr std::string_view kHead = "ForCausalLM";
  std::string name(config["architectures"].as_array().front().as_string());
  if (!name.ends_with(kHead)) return;
  name.resize(name.size() - kHead.size());
  config["architectures"] = json::array{name + (name == "Gemma3" ? "TextModel" : "Model")};
}

struct Architecture {
  std::string_view name;
  json::object (*config)(GgufKeys& keys);
};
constexpr Architecture kArchitectures[] = {
    {"llama", llama},
    {"llama-embed", llama_embed},
    {"smollm3", smollm3},
    {"granite", granite},
    {"olmo2", olmo2},
    {"qwen3moe", qwen3moe},
    {"qwen2", qwen2},
    {"qwen3", qwen3},
    {"eurobert", eurobert},
    {"gemma", gemma},
    {"gemma2", gemma2},
    {"gemma3", gemma3},
    {"gemma-embedding", gemma_embedding},
    {"lfm2", lfm2},
    {"bert", bert},
    {"nomic-bert", nomic_bert},
    {"modern-bert", modern_bert},
    {"jina-bert-v3", jina_bert_v3},
};

}  // namespace

std::string_view gguf_architecture(const gguf::File& file) {
  const std::string_view name = file.text("general.architecture");
  const std::string_view tokenizer = file.text_or("tokenizer.ggml.model", "");
  if (name != "bert") return name;
  if (tokenizer == "t5" || tokenizer == "gpt2") return "roberta";
  return file.tensor("token_types.weight") ? name : "distilbert";
}

int64_t gguf_positions_before(const gguf::File& file) {
  return file.integer_or("tokenizer.ggml.padding_token_id", 1, 0, 1024) + 1;
}

json::object gguf_config_json(const gguf::File& file) {
  const std::string_view name = file.text("general.architecture");
  const auto* known = std::ranges::find(kArchitectures, name, &Architecture::name);
  if (known == std::end(kArchitectures)) {
    std::string names;
    for (const Architecture& architecture : kArchitectures)
      names += (names.empty() ? "" : ", ") + std::string(architecture.name);
    file.fail("general.architecture",
              "\"" + std::string(name.substr(0, 80)) + "\" is not supported; accepted are " + names,
              ErrorCode::kUnsupported);
  }
  GgufKeys keys(file, name);
  json::object config = known->config(keys);
  config["tie_word_embeddings"] = file.tensor("output.weight") == nullptr;
  if (gguf_pooling(file)) take_head_off(config);
  keys.ignore("pooling_type");  // gguf_pooling()
  keys.ignore("tensor_data_layout");
  keys.check_read(config);
  return config;
}

Config gguf_config(const gguf::File& file, const json::object& overrides) {
  return Config(gguf_config_json(file), file.what(), overrides);
}

std::optional<PoolingModule> gguf_pooling(const gguf::File& file) {
  const std::string key = std::string(file.text_or("general.architecture", "")) + ".pooling_type";
  switch (file.integer_or(key, 0, 0, 4)) {
    case 1:
      return PoolingModule{.modes = {ops::Pooling::kMean}, .width = {}};
    case 2:
      return PoolingModule{.modes = {ops::Pooling::kCls}, .width = {}};
    case 3:
      return PoolingModule{.modes = {ops::Pooling::kLast}, .width = {}};
    default:  // none, or a reranker's, whose head says it
      return std::nullopt;
  }
}

std::vector<DenseModule> gguf_dense_modules(const gguf::File& file,
                                            const std::filesystem::path& path) {
  std::vector<DenseModule> modules;
  if (file.text_or("general.architecture", "") != "gemma-embedding") return modules;
  for (const std::string name : {"dense_2", "dense_3"}) {
    const gguf::Tensor* weight = file.tensor(name + ".weight");
    if (!weight) continue;
    if (weight->shape.size() != 2) file.fail(weight->name, "expected a matrix");
    modules.push_back({.folder = path / name,
                       .in_features = weight->shape[1],
                       .out_features = weight->shape[0],
                       .bias = file.tensor(name + ".bias") != nullptr,
                       .activation = ops::Activation::kIdentity,
                       .activation_name = "Identity"});
  }
  return modules;
}

}  // namespace vecton::checkpoint
