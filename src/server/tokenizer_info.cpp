#include "server/tokenizer_info.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/json.h"
#include "base/json_text.h"

namespace vecton::server {

namespace {

constexpr const char* kPaths[] = {"name_or_path",   "vocab_file",        "merges_file",
                                  "tokenizer_file", "added_tokens_file", "special_tokens_map_file"};
// What transformers calls a tokenizer whose file names no class.
constexpr const char* kNoClass = "TokenizersBackend";

json::object settings_of(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::path file = folder / "tokenizer_config.json";
  if (!std::filesystem::is_regular_file(file, error)) return {};
  try {
    json::value value = base::read_json(file);
    if (value.is_object()) return std::move(value.get_object());
  } catch (const Error&) {  // its message has the folder, which clients are not told
  }
  throw Failure(Cause::kInternal, "tokenizer_config.json can't be read any more");
}

// A token with its flags is its text.
void make_plain(json::value& value) {
  if (const json::object* token = value.if_object()) {
    const json::value* content = token->if_contains("content");
    if (content && content->is_string()) value = json::value(*content);
  } else if (json::array* tokens = value.if_array()) {
    for (json::value& token : *tokens) make_plain(token);
  }
}

// The whole number, which may be 10^30, as transformers writes "no limit".
std::string whole(double value) {
  char text[320];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr};
}

std::string chat_template(const Context& context) {
  if (!context.options.chat_template.empty()) return context.options.chat_template;
  const std::vector<std::string>& names = context.templates.names();
  const bool has_default = std::ranges::count(names, "default") > 0;
  return has_default ? context.templates.text({}) : "";
}

}  // namespace

HttpResponse tokenizer_info(const Context& context) {
  json::object settings = settings_of(context.info.folder);
  for (const char* path : kPaths) settings.erase(path);
  for (auto& [name, value] : settings) {
    if (name != "added_tokens_decoder") make_plain(value);
  }
  for (const auto& [name, text] : context.templates.special_tokens()) {
    if (!settings.contains(name)) settings[name] = text;
  }
  const json::value* named = settings.if_contains("tokenizer_class");
  if (!named || !named->is_string()) settings["tokenizer_class"] = kNoClass;
  const std::string text = chat_template(context);
  if (!text.empty()) settings["chat_template"] = text;

  std::string length;
  if (const json::value* given = settings.if_contains("model_max_length"); !given) {
    const int64_t known = context.tokenizer.model_max_length();
    if (known > 0) settings["model_max_length"] = known;
  } else if (given->is_double()) {
    length = whole(given->get_double());
    settings.erase("model_max_length");
  }
  HttpResponse response{.content_type = std::string(kJsonType)};
  response.body = base::json_text(settings);
  if (!length.empty())
    response.body.insert(response.body.size() - 1, ",\"model_max_length\":" + length);
  return response;
}

}  // namespace vecton::server
