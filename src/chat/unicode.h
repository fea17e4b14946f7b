// Code points of UTF-8 text, and what they are to the methods of Python's str. Used by every file
// of chat/ that reads characters. Pure functions of constant tables, which are Python's: those of
// base/unicode.h come from the reference library, with another version of Unicode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace vecton::chat::unicode {

// The code point at `at`, which moves behind it. Bytes that are not UTF-8 count as one character
// each, U+FFFD.
char32_t next(std::string_view text, size_t& at);
using utf8::append;

// Number of code points, and the byte where code point `index` starts (text.size() when beyond).
inline size_t length(std::string_view text) { return utf8::count(text); }
size_t offset(std::string_view text, size_t index);

// `text` with each byte that is no part of a character replaced by U+FFFD.
std::string valid(std::string_view text);

bool is_alpha(char32_t c);
bool is_decimal(char32_t c);
bool is_digit(char32_t c);
bool is_numeric(char32_t c);
bool is_space(char32_t c);
bool is_printable(char32_t c);
bool is_lower(char32_t c);
bool is_upper(char32_t c);
bool is_title(char32_t c);
bool is_identifier_start(char32_t c);
bool is_identifier(char32_t c);  // may stand after the first character of a name
inline bool is_alnum(char32_t c) { return is_alpha(c) || is_numeric(c); }

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string casefold(std::string_view text);
std::string capitalize(std::string_view text);  // the first character in title case, others lower
std::string title(std::string_view text);       // so for every word, as str.title() sees words
std::string swapcase(std::string_view text);

}  // namespace vecton::chat::unicode
