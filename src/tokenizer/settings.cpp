#include "tokenizer/settings.h"

#include "tokenizer/json_fields.h"

namespace vecton {

namespace {

// A special token is a string or an added token's object.
std::string special_token(const Field& root, std::string_view key) {
  if (!root.has(key)) return "";
  const Field token = root[key];
  return std::string(token.value().is_object() ? token["content"].string() : token.string());
}

bool is_left(const Field& root, std::string_view key) {
  const std::string side = root.string_or(key, "right");
  if (side != "left" && side != "right")
    root[key].fail(ErrorCode::kCorrupt, "must be \"left\" or \"right\"");
  return side == "left";
}

}  // namespace

TokenizerSettings TokenizerSettings::read(const std::filesystem::path& folder) {
  TokenizerSettings settings;
  const std::filesystem::path file = folder / "tokenizer_config.json",
                              map = folder / "special_tokens_map.json";
  if (std::filesystem::exists(file)) {
    const json::value document = read_json(file);
    const Field root(document, file.string() + ":");
    if (root.has("model_max_length")) {
      const double length = root["model_max_length"].number();
      if (length >= 1 && length < INT32_MAX)
        settings.model_max_length = static_cast<int64_t>(length);
    }
    settings.pad_token = special_token(root, "pad_token");
    settings.pads_left = is_left(root, "padding_side");
    settings.truncates_left = is_left(root, "truncation_side");
    settings.cleans_up_spaces = root.boolean_or("clean_up_tokenization_spaces", false);
  }
  if (settings.pad_token.empty() && std::filesystem::exists(map)) {
    const json::value document = read_json(map);
    settings.pad_token = special_token(Field(document, map.string() + ":"), "pad_token");
  }
  return settings;
}

}  // namespace vecton
