// The templates of a checkpoint folder.
#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "base/json.h"
#include "base/mapped_file.h"
#include "gguf/file.h"
#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace vecton {

namespace {

namespace fs = std::filesystem;
using Templates = std::map<std::string, std::string>;  // name to text

json::object read_object(const fs::path& file) {
  json::value value = base::read_json(file);
  if (!value.is_object()) {
    throw Error(ErrorCode::kCorrupt, file.string() + ": expected an object", file.filename());
  }
  return std::move(value.get_object());
}

std::string text_of(const json::value& value, const std::string& what) {
  if (!value.is_string()) throw Error(ErrorCode::kCorrupt, what + ": expected a string");
  return std::string(value.get_string());
}

std::string read_text(const fs::path& file) {
  const base::MappedFile map(file);
  return std::string(map.text());
}

Templates separate_files(const fs::path& folder) {
  Templates templates;
  if (const fs::path file = folder / "chat_template.jinja"; fs::exists(file)) {
    templates["default"] = read_text(file);
  }
  const fs::path more = folder / "additional_chat_templates";
  if (fs::is_directory(more)) {
    for (const auto& entry : fs::directory_iterator(more)) {
      if (entry.path().extension() == ".jinja") {
        templates[entry.path().stem().string()] = read_text(entry.path());
      }
    }
  }
  return templates;
}

// A template, or a list of {"name", "template"}.
Templates templates_in(const json::object& config, const std::string& file) {
  const json::value* value = config.if_contains("chat_template");
  if (!value || value->is_null()) return {};
  const std::string what = file + ": chat_template";
  if (!value->is_array()) return {{"default", text_of(*value, what)}};
  Templates templates;
  for (const json::value& entry : value->get_array()) {
    const json::object* named = entry.if_object();
    if (!named || !named->contains("name") || !named->contains("template")) {
      throw Error(ErrorCode::kCorrupt, what + ": expected objects of \"name\" and \"template\"");
    }
    templates[text_of(named->at("name"), what)] = text_of(named->at("template"), what);
  }
  return templates;
}

Templates find_templates(const fs::path& folder, const json::object& config) {
  Templates templates = separate_files(folder);
  if (templates.empty()) templates = templates_in(config, "tokenizer_config.json");
  const fs::path legacy = folder / "chat_template.json";
  if (templates.empty() && fs::exists(legacy)) {
    templates = templates_in(read_object(legacy), "chat_template.json");
  }
  return templates;
}

// The text of a special token: a string, or an object with its "content"; empty for other values.
std::string token_of(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  const json::value* content =
      value.is_object() ? value.get_object().if_contains("content") : nullptr;
  return content && content->is_string() ? std::string(content->get_string()) : "";
}

bool names_token(std::string_view key) { return key.ends_with("_token"); }

void add_tokens(const json::object& config, Templates& tokens) {
  for (const auto& [key, value] : config) {
    if (!names_token(key)) continue;
    if (const std::string token = token_of(value); !token.empty()) tokens[key] = token;
  }
  if (const json::value* extra = config.if_contains("extra_special_tokens");
      extra && extra->is_object()) {
    for (const auto& [key, value] : extra->get_object()) {
      if (const std::string token = token_of(value); !token.empty()) tokens[key] = token;
    }
  }
}

std::vector<std::pair<std::string, std::string>> find_tokens(const fs::path& folder,
                                                             const json::object& config) {
  Templates tokens;
  add_tokens(config, tokens);
  // Older folders keep them in a file of their own.
  const fs::path legacy = folder / "special_tokens_map.json";
  if (!config.contains("added_tokens_decoder") && fs::exists(legacy)) {
    add_tokens(read_object(legacy), tokens);
  }
  return {tokens.begin(), tokens.end()};
}

// tokenizer.chat_template, and tokenizer.chat_template.NAME of others.
Templates templates_of(const gguf::File& file) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  Templates templates;
  for (const auto& [key, value] : file.metadata()) {
    if (key == kKey) templates["default"] = file.text(key);
    const std::string named = std::string(kKey) + ".";
    if (key.starts_with(named)) templates[std::string(key.substr(named.size()))] = file.text(key);
  }
  return templates;
}

std::vector<std::pair<std::string, std::string>> tokens_of(const gguf::File& file) {
  std::vector<std::pair<std::string, std::string>> tokens;
  const std::vector<std::string_view> all = file.texts("tokenizer.ggml.tokens");
  for (const auto& [name, own] : {std::pair{"bos_token", "bos_token_id"},
                                  {"eos_token", "eos_token_id"},
                                  {"pad_token", "padding_token_id"},
                                  {"unk_token", "unknown_token_id"}}) {
    const std::string key = std::string("tokenizer.ggml.") + own;
    if (!file.has(key)) continue;
    const int64_t id = file.integer(key, 0, static_cast<int64_t>(all.size()) - 1);
    tokens.emplace_back(name, all[static_cast<size_t>(id)]);
  }
  return tokens;
}

}  // namespace

struct ChatTemplates::Impl {
  // Parsed when it is first used, so that a template nobody asks for can do no harm.
  struct Entry {
    std::string text;
    mutable std::once_flag once;
    mutable std::optional<ChatTemplate> parsed;

    const ChatTemplate& get(const std::string& name) const {
      std::call_once(once, [&] {
        try {
          parsed.emplace(ChatTemplate::parse(text));
        } catch (const Error& error) {
          throw Error(error.code(), "template \"" + name + "\": " + error.what(), error.field());
        }
      });
      return *parsed;
    }
  };

  std::map<std::string, Entry, std::less<>> templates;
  std::vector<std::string> names;
  std::vector<std::pair<std::string, std::string>> special_tokens;

  const ChatTemplate* find(std::string_view name) const {
    const auto found = templates.find(name);
    return found == templates.end() ? nullptr : &found->second.get(found->first);
  }

  // The name of the template for `input` where it is not said.
  std::string_view chosen(const ChatInput& input) const {
    const bool tools = !input.tools.empty() && input.tools != "null";
    if (tools && templates.contains("tool_use")) return "tool_use";
    if (templates.contains("default")) return "default";
    if (templates.empty()) {
      throw Error(ErrorCode::kUnsupported,
                  "the model has no chat template: give one in the request", "chat_template");
    }
    std::string message = "the model has no default chat template: choose one of";
    for (const std::string& name : names) message += " \"" + name + '"';
    throw Error(ErrorCode::kInvalidArgument, message, "chat_template");
  }
};

ChatTemplates::ChatTemplates(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
ChatTemplates::ChatTemplates(ChatTemplates&&) noexcept = default;
ChatTemplates& ChatTemplates::operator=(ChatTemplates&&) noexcept = default;
ChatTemplates::~ChatTemplates() = default;

ChatTemplates ChatTemplates::open(const std::filesystem::path& folder) {
  auto impl = std::make_unique<Impl>();
  const auto add = [&](const Templates& templates) {
    for (const auto& [name, text] : templates) {
      impl->templates[name].text = text;
      impl->names.push_back(name);
    }
  };
  if (gguf::is_gguf(folder)) {
    const gguf::File file = gguf::File::open(folder);
    add(templates_of(file));
    impl->special_tokens = tokens_of(file);
    return ChatTemplates(std::move(impl));
  }
  const fs::path file = folder / "tokenizer_config.json";
  const json::object config = fs::exists(file) ? read_object(file) : json::object();
  add(find_templates(folder, config));
  impl->special_tokens = find_tokens(folder, config);
  return ChatTemplates(std::move(impl));
}

const std::vector<std::string>& ChatTemplates::names() const { return impl_->names; }

const std::vector<std::pair<std::string, std::string>>& ChatTemplates::special_tokens() const {
  return impl_->special_tokens;
}

std::string ChatTemplates::render(const ChatInput& input, std::string_view name) const {
  if (name.empty()) name = impl_->chosen(input);
  if (const ChatTemplate* found = impl_->find(name))
    return found->render(input, impl_->special_tokens);
  return ChatTemplate::parse(name).render(input, impl_->special_tokens);
}

std::string ChatTemplates::text(const ChatInput& input, std::string_view name) const {
  if (name.empty()) name = impl_->chosen(input);
  const auto found = impl_->templates.find(name);
  return found == impl_->templates.end() ? std::string(name) : found->second.text;
}

}  // namespace vecton
