// Letters and white space of ASCII, whatever the locale: names of protocols, of options and of
// files' fields.
#pragma once

#include <string>
#include <string_view>

namespace vecton::base {

// `text` with A to Z in lower case; all other bytes as they are.
inline std::string ascii_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// `text` without the `bytes` at its beginning and its end.
inline std::string_view trimmed(std::string_view text, std::string_view bytes = " \t\r\n") {
  const size_t begin = text.find_first_not_of(bytes);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(bytes) - begin + 1);
}

}  // namespace vecton::base
