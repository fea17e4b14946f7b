// UTF-8 as far as output needs it: characters one by one, and how wide they are on a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vecton::cli {

struct Utf8Char {
  char32_t code = 0xfffd;
  size_t bytes = 1;  // to step over; 1 where the bytes are not UTF-8
  bool valid = false;
};

// The character of `text` that begins at byte `at`, which must exist.
Utf8Char next_utf8(std::string_view text, size_t at);

// Columns that `text` takes on a terminal.
int display_width(std::string_view text);

// `text` on one line, at most `width` columns wide: control characters become spaces, what is cut
// off becomes "…".
std::string fit(std::string_view text, int width);

}  // namespace vecton::cli
