// json.dumps(): the filter tojson as transformers defines it.
#pragma once

#include <optional>
#include <string>

#include "chat/value.h"

namespace vecton::chat {

struct JsonStyle {
  bool ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;  // of one level
  std::string item_separator = ", ", key_separator = ": ";
};

std::string to_json(Heap& heap, const Value& value, const JsonStyle& style);

}  // namespace vecton::chat
