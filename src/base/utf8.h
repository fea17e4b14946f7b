// UTF-8: the characters of a text one by one, and what is done with bytes that are none.
//
// Used wherever text is read or written. Pure functions: safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vecton::utf8 {

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::string_view kReplacementBytes = "\xEF\xBF\xBD";

// Whether a character begins with this byte: false for the bytes that follow in it.
inline bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

struct Character {
  char32_t code = kReplacement;
  // To step over. Where the bytes are not UTF-8, the maximal part of a character: what the Unicode
  // standard puts one U+FFFD in the place of.
  size_t bytes = 1;
  bool valid = false;
};

// The character that begins at byte `at`, which must exist, of a text that may be anything.
Character decode(std::string_view text, size_t at);

// Decodes the character at `text[at]` and moves `at` behind it. `text` must be valid UTF-8, `at`
// inside it.
inline char32_t next(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return text[at++];
  if (lead < 0xE0) {
    at += 2;
    return (lead & 0x1Fu) << 6 | (byte(at - 1) & 0x3Fu);
  }
  if (lead < 0xF0) {
    at += 3;
    return (lead & 0x0Fu) << 12 | (byte(at - 2) & 0x3Fu) << 6 | (byte(at - 1) & 0x3Fu);
  }
  at += 4;
  return (lead & 0x07u) << 18 | (byte(at - 3) & 0x3Fu) << 12 | (byte(at - 2) & 0x3Fu) << 6 |
         (byte(at - 1) & 0x3Fu);
}

// The last place at or before `at` that is not inside a character: where a text may be cut.
inline size_t boundary(std::string_view text, size_t at) {
  if (at >= text.size()) return text.size();
  while (at > 0 && !begins_character(text[at])) --at;
  return at;
}

// The start of the character that ends at `end`, which must not be 0.
inline size_t previous(std::string_view text, size_t end) { return boundary(text, end - 1); }

// Number of characters; a byte that is none counts with the character before it.
size_t count(std::string_view text);

// Bytes of a code, and of the character at `at` of valid UTF-8.
inline size_t length(char32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }
inline size_t length_at(std::string_view text, size_t at) {
  const unsigned char lead = text[at];
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

// Writes up to 4 bytes, returns how many.
size_t write(char32_t c, char* out);
void append(std::string& out, char32_t c);

bool is_ascii(std::string_view text);
bool is_valid(std::string_view text);

// Invalid bytes become U+FFFD, one for each maximal part of a character. `origins`, if given, gets
// the position in `text` of each byte of the result, and of its end.
std::string repair(std::string_view text, std::vector<uint32_t>* origins = nullptr);

// How many bytes at the end of `text` are the start of a character that more bytes may complete.
size_t unfinished_tail(std::string_view text);

}  // namespace vecton::utf8
