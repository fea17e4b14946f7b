#include "cli/display_width.h"

#include <cwchar>

#include "base/utf8.h"

namespace vecton::cli {

namespace {

int width_of(const utf8::Character& c) {
  if (!c.valid) return 1;
  if (c.code < 0x20 || c.code == 0x7f) return 1;
  const int width = ::wcwidth(static_cast<wchar_t>(c.code));
  return width < 0 ? 1 : width;
}

bool is_control(const utf8::Character& c) {
  return c.code < 0x20 || (c.code >= 0x7f && c.code < 0xa0) || c.code == 0x2028 || c.code == 0x2029;
}

}  // namespace

int display_width(std::string_view text) {
  int width = 0;
  for (size_t i = 0; i < text.size();) {
    const utf8::Character c = utf8::decode(text, i);
    width += width_of(c);
    i += c.bytes;
  }
  return width;
}

std::string fit(std::string_view text, int width) {
  std::string line;
  int used = 0;
  size_t before_last = 0;  // where to cut so that "…" fits
  for (size_t i = 0; i < text.size();) {
    const utf8::Character c = utf8::decode(text, i);
    const int columns = width_of(c);
    if (used + columns > width) {
      line.resize(before_last);
      return width > 0 ? line + "…" : line;
    }
    if (is_control(c)) {
      line += ' ';
    } else if (c.valid) {
      line += text.substr(i, c.bytes);
    } else {
      line += utf8::kReplacementBytes;
    }
    if (used + columns <= width - 1) before_last = line.size();
    used += columns;
    i += c.bytes;
  }
  return line;
}

}  // namespace vecton::cli
