#include "checkpoint/gguf/config.h"

#include <algorithm>
#include <vector>

#include "base/json.h"
#include "checkpoint/gguf/config_parts.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

// A decoder that says how texts are pooled was made for embeddings.
void take_head_off(json::object& config) {
  constexpr std::string_view kHead = "ForCausalLM";
  std::string name(config["architectures"].as_array().front().as_string());
  if (name == "Qwen3VLForConditionalGeneration")
    config["architectures"] = json::array{"Qwen3VLTextModel"};
  if (!name.ends_with(kHead)) return;
  name.resize(name.size() - kHead.size());
  config["architectures"] = json::array{name + (name == "Gemma3" ? "TextModel" : "Model")};
}

// Those that there are, in every list.
std::vector<GgufArchitecture> architectures() {
  std::vector<GgufArchitecture> all;
  for (const auto& list :
       {gguf_decoders(), gguf_gemmas(), gguf_mixtures(), gguf_hybrids(), gguf_encoders()})
    all.insert(all.end(), list.begin(), list.end());
  return all;
}

bool is_lfm2(std::string_view architecture) {
  return architecture == "lfm2" || architecture == "lfm2moe";
}

// Files with gate and up apart, and the model for code, have names of their own.
std::string_view jina_bert_v2(const gguf::File& file) {
  if (file.tensor("blk.0.ffn_gate.weight")) return "jina-bert-v2-split";
  return file.tensor("blk.0.attn_norm_2.weight") ? "jina-bert-v2-code" : "jina-bert-v2";
}

}  // namespace

std::string_view gguf_architecture(const gguf::File& file) {
  const std::string_view name = file.text("general.architecture");
  const std::string_view tokenizer = file.text_or("tokenizer.ggml.model", "");
  if (name == "jina-bert-v2") return jina_bert_v2(file);
  if (name != "bert") return name;
  if (tokenizer == "t5" || tokenizer == "gpt2") return "roberta";
  return file.tensor("token_types.weight") ? name : "distilbert";
}

int64_t gguf_positions_before(const gguf::File& file) {
  return file.integer_or("tokenizer.ggml.padding_token_id", 1, 0, 1024) + 1;
}

json::object gguf_config_json(const gguf::File& file) {
  const std::string_view name = file.text("general.architecture");
  const std::vector<GgufArchitecture> all = architectures();
  const auto known = std::ranges::find(all, name, &GgufArchitecture::name);
  if (known == all.end()) {
    std::string names;
    for (const GgufArchitecture& architecture : all)
      names += (names.empty() ? "" : ", ") + std::string(architecture.name);
    file.fail("general.architecture",
              "\"" + std::string(name.substr(0, 80)) + "\" is not supported; accepted are " + names,
              ErrorCode::kUnsupported);
  }
  GgufKeys keys(file, name);
  json::object config = known->config(keys);
  config["tie_word_embeddings"] = file.tensor("output.weight") == nullptr;
  if (gguf_pooling(file) || gguf_is_late_interaction(file)) take_head_off(config);
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
  const std::string architecture(file.text_or("general.architecture", ""));
  std::vector<std::string> names;
  if (is_lfm2(architecture)) names = {"dense_2"};
  if (architecture == "gemma-embedding") names = {"dense_2", "dense_3"};
  std::vector<DenseModule> modules;
  for (const std::string& name : names) {
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

bool gguf_is_late_interaction(const gguf::File& file) {
  return is_lfm2(file.text_or("general.architecture", "")) && file.tensor("dense_2.weight") &&
         !gguf_pooling(file);
}

json::object gguf_late_interaction_json() {
  return {{"similarity_fn_name", "MaxSim"},
          {"query_prefix", "[Q] "},
          {"document_prefix", "[D] "},
          {"query_length", 32},
          {"document_length", 512},
          {"do_query_expansion", true},
          {"attend_to_expansion_tokens", false}};
}

}  // namespace vecton::checkpoint
