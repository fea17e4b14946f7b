// Writing JSON lines piece by piece, faster than through a document; used by every command that
// prints rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/json_text.h"

namespace vecton::cli {

// Appends a number; a float, which must be finite, as base::write_float() does.
void append_number(std::string& out, float value);
void append_number(std::string& out, int64_t value);
void append_number(std::string& out, int32_t value);

template <typename T>
void append_json_array(std::string& out, std::span<const T> values) {
  out += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ", ";
    append_number(out, values[i]);
  }
  out += ']';
}

}  // namespace vecton::cli
