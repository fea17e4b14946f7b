// What is known of the keys of config.json, apart from what each family reads.
#pragma once

#include <string_view>

namespace vecton::checkpoint {

enum class KeyMeaning {
  kNeverMatters,   // training, bookkeeping, or read elsewhere (heads, tokenizer)
  kChangesResult,  // the numbers depend on it
  kUnknown,
};

struct KnownKey {
  KeyMeaning meaning = KeyMeaning::kUnknown;
  // JSON of the value that is the same as the key's absence ("false", "1.0"); empty = none but
  // null.
  std::string_view harmless;
};

KnownKey known_config_key(std::string_view key);

}  // namespace vecton::checkpoint
