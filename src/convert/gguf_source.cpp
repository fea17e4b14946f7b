#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "checkpoint/gguf/config.h"
#include "checkpoint/gguf/tensors.h"
#include "checkpoint/sentence_transformers.h"
#include "convert/config_file.h"
#include "convert/delta_nets.h"
#include "convert/rows.h"
#include "convert/source.h"
#include "gguf/file.h"
#include "tokenizer/gguf_tokenizer.h"

namespace vecton::convert {

namespace {

// The number of a token that the metadata names; none where it does not.
std::optional<int64_t> token_id(const gguf::File& file, std::string_view name) {
  const std::string key = "tokenizer.ggml." + std::string(name);
  if (!file.has(key)) return std::nullopt;
  return file.integer(key, 0, int64_t{1} << 31);
}

json::object config_of(const gguf::File& file) {
  json::object config = checkpoint::gguf_config_json(file);
  // Keys that are not known are reported where a model is opened, and mean nothing to others.
  const std::string prefix = std::string(file.text("general.architecture")) + ".";
  json::object known;
  for (const auto& [key, value] : config) {
    if (!std::string_view(key).starts_with(prefix)) known[key] = value;
  }
  // Under this name mlx-lm has the text model of Qwen3.5, without the others too.
  constexpr std::string_view kText = "_text";
  std::string type(known["model_type"].as_string());
  if (type.starts_with("qwen3_5") && type.ends_with(kText)) {
    type.resize(type.size() - kText.size());
    known["model_type"] = type;
  }
  for (const auto& [key, name] : {std::pair{"bos_token_id", "bos_token_id"},
                                  {"eos_token_id", "eos_token_id"},
                                  {"pad_token_id", "padding_token_id"}}) {
    if (const auto id = token_id(file, name); id && !known.contains(key)) known[key] = *id;
  }
  return known;
}

// Tokens at which a text that is generated ends: that of a turn beside that of a text.
json::object generation_of(const json::object& config, const gguf::File& file) {
  json::object settings;
  for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
    if (const json::value* id = config.if_contains(key)) settings[key] = *id;
  }
  json::array ends;
  for (const char* name : {"eos_token_id", "eot_token_id", "eom_token_id"}) {
    const auto id = token_id(file, name);
    if (id && std::ranges::find(ends, json::value(*id)) == ends.end()) ends.push_back(*id);
  }
  if (ends.size() > 1) settings["eos_token_id"] = std::move(ends);
  return settings;
}

// tokenizer.chat_template, and tokenizer.chat_template.NAME of others.
json::value templates_of(const gguf::File& file) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  json::array list;
  for (const auto& [key, value] : file.metadata()) {
    if (!key.starts_with(kKey)) continue;
    const std::string_view rest = key.substr(kKey.size());
    if (rest.empty())
      list.push_back({{"name", "default"}, {"template", file.text(key)}});
    else if (rest.starts_with('.'))
      list.push_back({{"name", rest.substr(1)}, {"template", file.text(key)}});
  }
  if (list.empty()) return nullptr;
  return list.size() == 1 && list[0].at("name") == "default" ? list[0].at("template")
                                                             : json::value(std::move(list));
}

// With what other readers of tokenizer.json want in it: every part, and the numbers of tokens that
// are found whole, in their order.
std::string tokenizer_text(json::value document, const gguf::File& file) {
  const std::vector<std::string_view> tokens = file.texts("tokenizer.ggml.tokens");
  std::map<std::string_view, int64_t> ids;
  for (size_t i = 0; i < tokens.size(); ++i) ids.emplace(tokens[i], static_cast<int64_t>(i));
  json::object& parts = document.as_object();
  std::map<int64_t, json::object> added;
  for (const json::value& token : parts["added_tokens"].as_array()) {
    const int64_t id = ids.at(token.at("content").as_string());
    json::object& entry = added[id];
    entry["id"] = id;
    for (const auto& [key, value] : token.as_object()) entry[key] = value;
  }
  if (json::value* processor = parts.if_contains("post_processor")) {
    for (auto& entry : processor->at("special_tokens").as_object()) {
      const std::string_view name = entry.key();
      entry.value() = {{"id", name}, {"ids", {ids.at(name)}}, {"tokens", {name}}};
    }
  }
  json::object whole{{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
  json::array& list = whole["added_tokens"].emplace_array();
  for (auto& [id, entry] : added) list.push_back(std::move(entry));
  for (const char* part : {"normalizer", "pre_tokenizer", "post_processor", "decoder", "model"}) {
    const json::value* value = parts.if_contains(part);
    whole[part] = value ? *value : json::value(nullptr);
  }
  return json::serialize(whole) + "\n";
}

void add_tokenizer(const gguf::File& file, const json::object& config, Source& source) {
  tokenizer::TokenizerSettings settings;
  json::monotonic_resource memory;
  source.files["tokenizer.json"] =
      tokenizer_text(tokenizer::gguf_tokenizer(file, settings, &memory), file);
  json::object written{{"tokenizer_class", "PreTrainedTokenizerFast"},
                       {"clean_up_tokenization_spaces", false}};
  for (const tokenizer::SpecialTokens::Named& named : settings.special.named())
    written[named.name] = named.token.content;
  for (const char* key : {"max_position_embeddings", "n_positions"}) {
    if (const json::value* most = config.if_contains(key)) written["model_max_length"] = *most;
  }
  if (json::value templates = templates_of(file); !templates.is_null())
    written["chat_template"] = std::move(templates);
  source.files["tokenizer_config.json"] = indented(written) + "\n";
}

// A safetensors file of float32.
std::string safetensors_text(const checkpoint::Tensors& tensors) {
  json::object header;
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    const Rows rows(tensor);
    std::vector<float> values(static_cast<size_t>(rows.numbers()));
    rows.read(0, values);
    const auto begin = static_cast<int64_t>(data.size());
    data.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    header[name] = {{"dtype", "F32"},
                    {"shape", json::array(tensor.shape.begin(), tensor.shape.end())},
                    {"data_offsets", {begin, static_cast<int64_t>(data.size())}}};
  }
  const std::string text = json::serialize(header);
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(text.size() >> (8 * i) & 0xff);
  return bytes + text + data;
}

void add_dense(const gguf::File& file, const checkpoint::DenseModule& dense,
               const std::string& folder, Source& source) {
  source.files[folder + "/config.json"] =
      indented(json::object{
          {"in_features", dense.in_features},
          {"out_features", dense.out_features},
          {"bias", dense.bias},
          {"activation_function", "torch.nn.modules.linear." + dense.activation_name}}) +
      "\n";
  source.files[folder + "/model.safetensors"] =
      safetensors_text(checkpoint::gguf_layer(file, dense.folder.filename().string()));
}

// The list of modules, a transformer first.
class Modules {
 public:
  Modules() { add("sentence_transformers.models.Transformer"); }

  // The folder of the one that was added.
  std::string add(const std::string& type) {
    const std::string index = std::to_string(list_.size());
    std::string path = list_.empty() ? "" : index + "_" + type.substr(type.rfind('.') + 1);
    list_.push_back({{"idx", static_cast<int64_t>(list_.size())},
                     {"name", index},
                     {"path", path},
                     {"type", type}});
    return path;
  }
  std::string text() const { return indented(list_) + "\n"; }

 private:
  json::array list_;
};

json::object pooling_of(const checkpoint::PoolingModule& pooling, const json::object& config) {
  const json::value* width = config.if_contains("hidden_size");
  if (!width) width = config.if_contains("n_embd");
  json::object settings;
  if (width) settings["word_embedding_dimension"] = *width;
  const ops::Pooling mode = pooling.modes.front();
  settings["pooling_mode_cls_token"] = mode == ops::Pooling::kCls;
  settings["pooling_mode_mean_tokens"] = mode == ops::Pooling::kMean;
  settings["pooling_mode_lasttoken"] = mode == ops::Pooling::kLast;
  return settings;
}

// What becomes of the rows of tokens, as sentence-transformers says it, or PyLate of late
// interaction; nothing where the file says nothing of it.
void add_modules(const gguf::File& file, const json::object& config, Source& source) {
  const std::vector<checkpoint::DenseModule> layers =
      checkpoint::gguf_dense_modules(file, file.what());
  Modules modules;
  if (const auto pooling = checkpoint::gguf_pooling(file)) {
    source.files[modules.add("sentence_transformers.models.Pooling") + "/config.json"] =
        indented(pooling_of(*pooling, config)) + "\n";
    for (const checkpoint::DenseModule& dense : layers)
      add_dense(file, dense, modules.add("sentence_transformers.models.Dense"), source);
    modules.add("sentence_transformers.models.Normalize");
  } else if (checkpoint::gguf_is_late_interaction(file)) {
    for (const checkpoint::DenseModule& dense : layers)
      add_dense(file, dense, modules.add("pylate.models.Dense.Dense"), source);
    source.files["config_sentence_transformers.json"] =
        indented(checkpoint::gguf_late_interaction_json()) + "\n";
  } else {
    return;
  }
  source.files["modules.json"] = modules.text();
}

}  // namespace

Source open_gguf(const std::filesystem::path& path) {
  const gguf::File file = gguf::File::open(path);
  Source source{.name = path.string(),
                .folder = {},
                .weights = {},
                .config = config_of(file),
                .files = {},
                .tensors = {}};
  add_tokenizer(file, source.config, source);
  if (source.config.contains("rms_norm_eps") || source.config.contains("norm_eps"))
    source.files["generation_config.json"] = indented(generation_of(source.config, file)) + "\n";
  add_modules(file, source.config, source);
  source.tensors = checkpoint::gguf_tensors(file);
  group_delta_nets(source.config, source.tensors);
  source.quantised = std::ranges::any_of(
      source.tensors, [](const auto& entry) { return entry.second.quantised != nullptr; });
  return source;
}

}  // namespace vecton::convert
