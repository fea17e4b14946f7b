// AddedToken: a token that stands beside the model's vocabulary, as tokenizer.json and
// tokenizer_config.json describe it. A value.
#pragma once

#include <string>

#include "tokenizer/json_fields.h"

namespace vecton::tokenizer {

struct AddedToken {
  std::string content;
  bool single_word = false, lstrip = false, rstrip = false, normalized = true, special = false;
  bool operator==(const AddedToken&) const = default;

  // {"content": ..., "lstrip": ...}. Special tokens are not normalized unless it is said.
  static AddedToken read(const Field& field);
  // A special token of which only the content is known.
  static AddedToken plain_special(std::string_view content);
};

}  // namespace vecton::tokenizer
