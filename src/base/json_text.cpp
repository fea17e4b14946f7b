#include "base/json_text.h"

#include <charconv>
#include <cmath>

#include "base/json.h"
#include "base/utf8.h"

namespace vecton::base {

namespace {

bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

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
char* write_any_float(char* out, T value) {
  constexpr T kExponentsFrom = static_cast<T>(1e16);  // as in Python
  const T size = std::abs(value);
  const bool fraction = value != 0 && size < 1;
  if (fraction || size >= kExponentsFrom || value != std::trunc(value))
    return std::to_chars(out, out + kDoubleText, value).ptr;
  char* end = std::to_chars(out, out + kDoubleText, value, std::chars_format::fixed).ptr;
  *end++ = '.';
  *end++ = '0';
  return end;
}

void append_json(std::string& out, const json::value& value) {
  if (value.is_string()) return append_json_string(out, value.get_string());
  if (value.is_array()) {
    const char* separator = "[";
    for (const json::value& item : value.get_array()) {
      out += separator;
      append_json(out, item);
      separator = ",";
    }
    out += value.get_array().empty() ? "[]" : "]";
  } else if (value.is_object()) {
    const char* separator = "{";
    for (const auto& [key, item] : value.get_object()) {
      out += separator;
      append_json_string(out, key);
      out += ':';
      append_json(out, item);
      separator = ",";
    }
    out += value.get_object().empty() ? "{}" : "}";
  } else if (value.is_double() && std::isfinite(value.get_double())) {
    char text[kDoubleText];
    out.append(text, write_float(text, value.get_double()));
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

char* write_float(char* out, float value) { return write_any_float(out, value); }
char* write_float(char* out, double value) { return write_any_float(out, value); }

std::string json_text(const json::value& value) {
  std::string out;
  append_json(out, value);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && is_plain(static_cast<unsigned char>(text[end]))) ++end;
    out.append(text, at, end - at);
    at = end;
    if (at == text.size()) break;
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      append_escaped(out, text[at++]);
    } else {
      const utf8::Character c = utf8::decode(text, at);
      out += c.valid ? text.substr(at, c.bytes) : utf8::kReplacementBytes;
      at += c.bytes;
    }
  }
  out += '"';
}

}  // namespace vecton::base
