#include "cli/utf8.h"

#include <cwchar>

namespace vecton::cli {

namespace {

// The lowest code that takes this many bytes: anything shorter is an overlong form.
constexpr char32_t kLowest[] = {0, 0, 0x80, 0x800, 0x10000};

int width_of(const Utf8Char& c) {
  if (!c.valid) return 1;
  if (c.code < 0x20 || c.code == 0x7f) return 1;
  const int width = ::wcwidth(static_cast<wchar_t>(c.code));
  return width < 0 ? 1 : width;
}

bool is_control(const Utf8Char& c) {
  return c.code < 0x20 || (c.code >= 0x7f && c.code < 0xa0) || c.code == 0x2028 || c.code == 0x2029;
}

}  // namespace

Utf8Char next_utf8(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {lead, 1, true};
  const size_t bytes = lead >= 0xf8   ? 0
                       : lead >= 0xf0 ? 4
                       : lead >= 0xe0 ? 3
                       : lead >= 0xc0 ? 2
                                      : 0;
  if (bytes == 0 || at + bytes > text.size()) return {};
  char32_t code = lead & (0xffu >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xc0) != 0x80) return {};
    code = code << 6 | (next & 0x3f);
  }
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (code < kLowest[bytes] || code > 0x10ffff || surrogate) return {};
  return {code, bytes, true};
}

int display_width(std::string_view text) {
  int width = 0;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = next_utf8(text, i);
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
    const Utf8Char c = next_utf8(text, i);
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
      line += "\xef\xbf\xbd";
    }
    if (used + columns <= width - 1) before_last = line.size();
    used += columns;
    i += c.bytes;
  }
  return line;
}

}  // namespace vecton::cli
