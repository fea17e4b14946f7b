#include "tokenizer/settings.h"

namespace vecton::tokenizer {

namespace {

bool is_left(const Field& root, std::string_view key) {
  const std::string side = root.string_or(key, "right");
  if (side != "left" && side != "right")
    root[key].fail(ErrorCode::kCorrupt, "must be \"left\" or \"right\"");
  return side == "left";
}

json::value read_optional(const std::filesystem::path& file) {
  return std::filesystem::exists(file) ? base::read_json(file) : json::value();
}

}  // namespace

TokenizerSettings TokenizerSettings::read(const std::filesystem::path& folder) {
  TokenizerSettings settings;
  const std::filesystem::path file = folder / "tokenizer_config.json",
                              map = folder / "special_tokens_map.json",
                              added = folder / "added_tokens.json";
  settings.config = read_optional(file);
  settings.config_file = file.string();
  const json::value map_document = read_optional(map), added_document = read_optional(added);
  const Field root = settings.config_field();
  settings.special.read(root, Field(map_document, map.string() + ":"),
                        Field(added_document, added.string() + ":"));
  if (root.is_null()) return settings;
  const char* const length_key = root.has("model_max_length") ? "model_max_length" : "max_len";
  if (root.has(length_key)) {
    const double length = root[length_key].number();
    if (length >= 1 && length < INT32_MAX) settings.model_max_length = static_cast<int64_t>(length);
  }
  settings.tokenizer_class = root.string_or("tokenizer_class", "");
  if (settings.tokenizer_class.ends_with("Fast"))
    settings.tokenizer_class.resize(settings.tokenizer_class.size() - 4);
  if (root.has("padding_side")) settings.pads_left = is_left(root, "padding_side");
  if (root.has("truncation_side")) settings.truncates_left = is_left(root, "truncation_side");
  settings.cleans_up_spaces = root.boolean_or("clean_up_tokenization_spaces", false);
  settings.cleans_up_bpe_spaces = root.boolean_or(
      "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output", false);
  if (root.has("model_input_names")) {
    const Field names = root["model_input_names"];
    settings.model_takes_type_ids = false;
    for (size_t i = 0; i < names.array().size(); ++i)
      settings.model_takes_type_ids |= names[i].string() == "token_type_ids";
    settings.returns_type_ids = settings.model_takes_type_ids;
  }
  settings.splits_special_tokens = root.boolean_or("split_special_tokens", false);
  return settings;
}

void TokenizerSettings::read_defaults(const Field& document) {
  const auto left = [](const Field& part) {
    return part.string_or("direction", "Right") == "Left";
  };
  if (document.has("truncation") && !truncates_left) truncates_left = left(document["truncation"]);
  if (!document.has("padding")) return;
  if (!pads_left) pads_left = left(document["padding"]);
  padding_token = document["padding"].string_or("pad_token", "");
}

}  // namespace vecton::tokenizer
