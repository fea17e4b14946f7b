// What tokenizer_config.json and the files beside it say of a tokenizer, apart from its pipeline.
// All may be missing. Used while a tokenizer is loaded.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/json.h"
#include "tokenizer/special_tokens.h"

namespace vecton::tokenizer {

struct TokenizerSettings {
  std::string tokenizer_class;    // without "Fast"; empty = not said
  int64_t model_max_length = 0;   // 0 = none: absent, or so large that it stands for none
  std::optional<bool> pads_left;  // where the file says it
  std::optional<bool> truncates_left;
  std::string padding_token;          // that the last user of a tokenizer.json padded with
  bool cleans_up_spaces = false;      // after decoding
  bool cleans_up_bpe_spaces = false;  // for byte-pair models too
  bool splits_special_tokens = false;
  bool model_takes_type_ids = true;      // model_input_names has token_type_ids, or is not said
  std::optional<bool> returns_type_ids;  // the same, where it is said
  SpecialTokens special;
  json::value config;  // tokenizer_config.json, for what only one class of tokenizers asks; or null
  std::string config_file;

  Field config_field() const { return Field(config, config_file + ":"); }

  // Errors name the file and the key.
  static TokenizerSettings read(const std::filesystem::path& folder);
  // What a tokenizer.json says of the sides of truncation and padding, where nothing else does.
  void read_defaults(const Field& document);
};

}  // namespace vecton::tokenizer
