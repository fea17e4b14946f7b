// Finding one text in another in time that grows with their lengths, whatever they hold.
#pragma once

#include <cstring>
#include <string_view>

namespace vecton::chat {

// The byte where `needle` starts, at or behind `from`, or npos.
inline size_t find_text(std::string_view text, std::string_view needle, size_t from = 0) {
  if (from > text.size()) return std::string_view::npos;
  if (needle.empty()) return from;
  const void* found = memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  return found ? static_cast<size_t>(static_cast<const char*>(found) - text.data())
               : std::string_view::npos;
}

}  // namespace vecton::chat
