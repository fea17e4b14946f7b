// "1 thread", "12,345 texts": numbers with their nouns, for people.
#pragma once

#include <cstdint>
#include <string>

namespace vecton::base {

// `noun` in the singular, of a plural in -s.
inline std::string counted(int64_t count, const std::string& noun) {
  std::string digits = std::to_string(count);
  for (auto at = static_cast<int>(digits.size()) - 3; at > (count < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<size_t>(at), 1, ',');
  return digits + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace vecton::base
