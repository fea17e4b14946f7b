// Letters of ASCII, whatever the locale: names of protocols, of options and of files' fields.
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

}  // namespace vecton::base
