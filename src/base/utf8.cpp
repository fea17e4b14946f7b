#include "base/utf8.h"

#include <algorithm>
#include <cstring>

namespace vecton::utf8 {

namespace {

// Whether the 8 bytes at `at` exist and are ASCII.
bool eight_ascii(std::string_view text, size_t at) {
  if (at + 8 > text.size()) return false;
  uint64_t word;
  std::memcpy(&word, text.data() + at, 8);
  return (word & 0x8080808080808080u) == 0;
}

}  // namespace

Character decode(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const unsigned lead = byte(at);
  if (lead < 0x80) return {lead, 1, true};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte is restricted where it would make an overlong form, a surrogate or more than
  // U+10FFFF.
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(at + 1) < low || byte(at + 1) > high) return {};
  for (size_t i = 2; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return {kReplacement, i, false};
  }
  return {next(text, at), length, true};
}

size_t count(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

size_t write(char32_t c, char* out) {
  if (c < 0x80) {
    out[0] = static_cast<char>(c);
    return 1;
  }
  if (c < 0x800) {
    out[0] = static_cast<char>(0xC0 | c >> 6);
    out[1] = static_cast<char>(0x80 | (c & 0x3F));
    return 2;
  }
  if (c < 0x10000) {
    out[0] = static_cast<char>(0xE0 | c >> 12);
    out[1] = static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out[2] = static_cast<char>(0x80 | (c & 0x3F));
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | c >> 18);
  out[1] = static_cast<char>(0x80 | (c >> 12 & 0x3F));
  out[2] = static_cast<char>(0x80 | (c >> 6 & 0x3F));
  out[3] = static_cast<char>(0x80 | (c & 0x3F));
  return 4;
}

void append(std::string& out, char32_t c) {
  char bytes[4];
  out.append(bytes, write(c, bytes));
}

bool is_ascii(std::string_view text) {
  size_t at = 0;
  while (eight_ascii(text, at)) at += 8;
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_valid(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    if (eight_ascii(text, at)) {
      at += 8;
      continue;
    }
    const Character c = decode(text, at);
    if (!c.valid) return false;
    at += c.bytes;
  }
  return true;
}

std::string repair(std::string_view text, std::vector<uint32_t>* origins) {
  std::string out;
  out.reserve(text.size() + 16);
  for (size_t at = 0; at < text.size();) {
    const Character c = decode(text, at);
    out += c.valid ? text.substr(at, c.bytes) : kReplacementBytes;
    if (origins) origins->resize(out.size(), static_cast<uint32_t>(at));
    at += c.bytes;
  }
  if (origins) origins->push_back(static_cast<uint32_t>(text.size()));
  return out;
}

size_t unfinished_tail(std::string_view text) {
  for (size_t tail = 1; tail <= std::min<size_t>(3, text.size()); ++tail) {
    const size_t at = text.size() - tail;
    if (!begins_character(text[at])) continue;
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0xC2 || lead > 0xF4) return 0;
    const Character c = decode(text, at);
    return !c.valid && c.bytes == tail ? tail : 0;
  }
  return 0;
}

}  // namespace vecton::utf8
