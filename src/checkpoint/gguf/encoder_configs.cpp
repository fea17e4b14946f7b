// Encoders.
#include "base/json.h"
#include "checkpoint/gguf/config.h"
#include "checkpoint/gguf/config_parts.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

// What all encoders say, in BERT's words.
json::object encoder_config(GgufKeys& keys, std::string_view architecture,
                            std::string_view model_type) {
  json::object config = named_config(architecture, model_type);
  const int64_t layers = layers_of(keys);
  if (keys.boolean_or("attention.causal", false))
    keys.fail("attention.causal", "true is not supported for an encoder", ErrorCode::kUnsupported);
  config["hidden_size"] = keys.integer("embedding_length");
  config["num_hidden_layers"] = layers;
  config["num_attention_heads"] = same_in_all(keys, "attention.head_count", layers);
  config["intermediate_size"] = same_in_all(keys, "feed_forward_length", layers);
  config["max_position_embeddings"] = keys.integer("context_length");
  config["vocab_size"] = vocabulary_rows(keys);
  config["layer_norm_eps"] = keys.number("attention.layer_norm_epsilon");
  if (keys.file.tensor("token_types.weight"))
    config["type_vocab_size"] = keys.rows("token_types.weight");
  return config;
}

// Of a rope that is not scaled; null where the file has none.
json::value unscaled_rope_theta(GgufKeys& keys, int64_t head_dim) {
  json::object rope;
  add_rope(keys, head_dim, false, rope);
  if (rope.contains("rope_scaling"))
    keys.fail("rope.scaling.type", "is not supported for this architecture",
              ErrorCode::kUnsupported);
  return rope.contains("rope_theta") ? rope["rope_theta"] : json::value();
}

// Of a head over a whole text: how many labels it has, and what they are called. False where the
// file has none.
bool add_labels(GgufKeys& keys, json::object& config) {
  constexpr std::string_view kLabels = "classifier.output_labels", kRows = "cls.output.weight";
  if (!keys.file.tensor(kRows)) return false;
  const int64_t count = keys.rows(kRows);
  config["num_labels"] = count;
  const std::vector<std::string_view> labels = keys.texts(kLabels);
  if (labels.empty()) return true;
  if (static_cast<int64_t>(labels.size()) != count)
    keys.fail(kLabels, "expected " + std::to_string(count) + " names, one for each row of " +
                           std::string(kRows) + ", found " + std::to_string(labels.size()));
  json::object names;
  for (size_t i = 0; i < labels.size(); ++i) names[std::to_string(i)] = labels[i];
  config["id2label"] = std::move(names);
  return true;
}

json::object distilbert(GgufKeys& keys) {
  json::object bert = encoder_config(keys, "DistilBertModel", "distilbert");
  json::object config = named_config("DistilBertModel", "distilbert");
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
  json::object config = encoder_config(keys, "BertModel", "bert");
  config["hidden_act"] = "gelu";
  config["max_position_embeddings"] = keys.rows("position_embd.weight");
  const bool ranks = add_labels(keys, config);
  if (gguf_architecture(keys.file) == "bert") {
    if (ranks)
      keys.file.fail("cls.output.weight",
                     "a classifier without the pooler before it, which such files leave out; the "
                     "model's safetensors have both",
                     ErrorCode::kUnsupported);
    return config;
  }
  config["architectures"] =
      json::array{ranks ? "XLMRobertaForSequenceClassification" : "XLMRobertaModel"};
  config["model_type"] = "xlm-roberta";
  const int64_t before = gguf_positions_before(keys.file);
  config["pad_token_id"] = before - 1;
  config["max_position_embeddings"] = keys.rows("position_embd.weight") + before;
  return config;
}

int64_t head_dim_of(const json::object& config) {
  const int64_t heads = config.at("num_attention_heads").as_int64();
  return heads > 0 ? config.at("hidden_size").as_int64() / heads : 0;
}

json::object nomic_config(GgufKeys& keys) {
  json::object bert = encoder_config(keys, "NomicBertModel", "nomic_bert");
  json::object config = named_config("NomicBertModel", "nomic_bert");
  config["n_embd"] = bert["hidden_size"];
  config["n_layer"] = bert["num_hidden_layers"];
  config["n_head"] = bert["num_attention_heads"];
  config["n_inner"] = bert["intermediate_size"];
  config["n_positions"] = bert["max_position_embeddings"];
  config["vocab_size"] = bert["vocab_size"];
  config["layer_norm_epsilon"] = bert["layer_norm_eps"];
  config["type_vocab_size"] = bert.contains("type_vocab_size") ? bert["type_vocab_size"] : 0;
  config["rotary_emb_fraction"] = 1.0;
  config["qkv_proj_bias"] = has_bias(keys, "attn_qkv");
  config["mlp_fc1_bias"] = has_bias(keys, "ffn_up");
  config["mlp_fc2_bias"] = has_bias(keys, "ffn_down");
  if (const json::value theta = unscaled_rope_theta(keys, head_dim_of(bert)); !theta.is_null())
    config["rotary_emb_base"] = theta;
  return config;
}

json::object nomic_bert(GgufKeys& keys) {
  json::object config = nomic_config(keys);
  config["activation_function"] = "swiglu";
  return config;
}

json::object nomic_bert_moe(GgufKeys& keys) {
  json::object config = nomic_config(keys);
  config["activation_function"] = "gelu";
  config["moe_every_n_layers"] = keys.count_or("moe_every_n_layers", 0);
  config["num_experts"] = keys.count_or("expert_count", 0);
  config["moe_top_k"] = keys.count_or("expert_used_count", 0);
  config["moe_normalize_expert_weights"] = false;
  return config;
}

json::object jina_bert_v2(GgufKeys& keys) {
  json::object config = encoder_config(keys, "JinaBertModel", "jina_bert");
  config["position_embedding_type"] = "alibi";
  config["feed_forward_type"] = "geglu";
  return config;
}

json::object modern_bert(GgufKeys& keys) {
  json::object config = encoder_config(keys, "ModernBertModel", "modernbert");
  const json::value eps = config["layer_norm_eps"];  // a new key moves the values
  config["norm_eps"] = eps;
  config.erase("layer_norm_eps");
  config["hidden_activation"] = keys.text_or("hidden_activation", "gelu");
  config["local_attention"] = keys.integer("attention.sliding_window");
  config["global_attn_every_n_layers"] = keys.integer_or("attention.sliding_window_pattern", 3);
  config["local_rope_theta"] = keys.number_or("rope.freq_base_swa", 10000);
  if (const json::value theta = unscaled_rope_theta(keys, head_dim_of(config)); !theta.is_null())
    config["global_rope_theta"] = theta;
  constexpr std::string_view kPooling = "classifier.pooling_type";
  constexpr int64_t kMean = 1, kCls = 2;
  const int64_t pooling = keys.integer_or(kPooling, kMean);
  if (!add_labels(keys, config)) return config;
  if (pooling != kMean && pooling != kCls)
    keys.fail(kPooling, "expected 1, the mean, or 2, the first token", ErrorCode::kUnsupported);
  config["architectures"] = json::array{"ModernBertForSequenceClassification"};
  config["classifier_pooling"] = pooling == kMean ? "mean" : "cls";
  config["classifier_bias"] = keys.file.tensor("cls.bias") != nullptr;
  return config;
}

json::object jina_bert_v3(GgufKeys& keys) {
  json::object config = encoder_config(keys, "XLMRobertaModel", "xlm-roberta");
  config["hidden_act"] = "gelu";
  config["position_embedding_type"] = "rotary";
  const json::value theta = unscaled_rope_theta(keys, head_dim_of(config));
  config["rotary_emb_base"] = theta.is_null() ? json::value(10000.0) : theta;
  return config;
}

}  // namespace

std::span<const GgufArchitecture> gguf_encoders() {
  static constexpr GgufArchitecture kAll[] = {
      {"bert", bert},
      {"nomic-bert", nomic_bert},
      {"nomic-bert-moe", nomic_bert_moe},
      {"modern-bert", modern_bert},
      {"jina-bert-v2", jina_bert_v2},
      {"jina-bert-v3", jina_bert_v3},
  };
  return kAll;
}

}  // namespace vecton::checkpoint
