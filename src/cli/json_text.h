// Writing JSON lines piece by piece, faster than through a document; used by every command that
// prints rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace vecton::cli {

// Appends `text` as a JSON string in valid UTF-8: bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

// Appends the shortest digits that give `value` back. The value must be finite.
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
