// What tokenizer_config.json and special_tokens_map.json say beside tokenizer.json. Both may be
// missing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace vecton {

struct TokenizerSettings {
  int64_t model_max_length = 0;  // 0 = none: absent, or so large that it stands for none
  std::string pad_token;         // empty = none
  bool pads_left = false, truncates_left = false;
  bool cleans_up_spaces = false;  // after decoding

  // Errors name the file and the key.
  static TokenizerSettings read(const std::filesystem::path& folder);
};

}  // namespace vecton
