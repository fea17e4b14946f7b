// Escapes in URLs.
#pragma once

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace vecton::base {

// "%2F" is "/": every escape once. What is none stays as it is.
inline std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char* const end = text.data() + std::min(i + 3, text.size());
    const bool escaped =
        text[i] == '%' &&
        std::from_chars(text.data() + i + 1, end, byte, 16).ptr == text.data() + i + 3;
    out += escaped ? static_cast<char>(byte) : text[i];
    if (escaped) i += 2;
  }
  return out;
}

}  // namespace vecton::base
