#include "cli/json_text.h"

#include <charconv>

#include "cli/utf8.h"

namespace vecton::cli {

namespace {

void append_escaped(std::string& out, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
  }
}

template <typename T>
void append_digits(std::string& out, T value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x80) {
      const Utf8Char c = next_utf8(text, i);
      if (c.valid) {
        out.append(text.substr(i, c.bytes));
      } else {
        out += "\xef\xbf\xbd";
      }
      i += c.bytes;
      continue;
    }
    if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\') {
      append_escaped(out, text[i]);
    } else {
      out += text[i];
    }
    ++i;
  }
  out += '"';
}

void append_number(std::string& out, float value) { append_digits(out, value); }
void append_number(std::string& out, int64_t value) { append_digits(out, value); }
void append_number(std::string& out, int32_t value) { append_digits(out, value); }

}  // namespace vecton::cli
