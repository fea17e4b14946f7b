#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "checkpoint/gguf/config.h"
#include "checkpoint/gguf/tensors.h"
#include "checkpoint/sentence_transformers.h"
#include "convert/config_file.h"
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

void add_tokenizer(const gguf::File& file, const json::object& config, Source& source) {
  tokenizer::TokenizerSettings settings;
  json::monotonic_resource memory;
  source.files["tokenizer.json"] =
      json::serialize(tokenizer::gguf_tokenizer(file, settings, &memory)) + "\n";
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

// How texts are pooled, as sentence-transformers says it; nothing where the file does not.
void add_pooling(const gguf::File& file, const json::object& config, Source& source) {
  const auto pooling = checkpoint::gguf_pooling(file);
  if (!pooling) return;
  const json::value* width = config.if_contains("hidden_size");
  if (!width) width = config.if_contains("n_embd");
  json::object settings;
  if (width) settings["word_embedding_dimension"] = *width;
  const ops::Pooling mode = pooling->modes.front();
  settings["pooling_mode_cls_token"] = mode == ops::Pooling::kCls;
  settings["pooling_mode_mean_tokens"] = mode == ops::Pooling::kMean;
  settings["pooling_mode_lasttoken"] = mode == ops::Pooling::kLast;
  source.files["1_Pooling/config.json"] = indented(settings) + "\n";
  json::array modules;
  for (const auto& [path, type] :
       {std::pair{"", "Transformer"}, {"1_Pooling", "Pooling"}, {"2_Normalize", "Normalize"}}) {
    const auto index = static_cast<int64_t>(modules.size());
    modules.push_back({{"idx", index},
                       {"name", std::to_string(index)},
                       {"path", path},
                       {"type", std::string("sentence_transformers.models.") + type}});
  }
  source.files["modules.json"] = indented(modules) + "\n";
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
  add_pooling(file, source.config, source);
  source.tensors = checkpoint::gguf_tensors(file);
  source.quantised = std::ranges::any_of(
      source.tensors, [](const auto& entry) { return entry.second.quantised != nullptr; });
  return source;
}

}  // namespace vecton::convert
