// Kinds of bytes, the same in every locale.
#pragma once

#include "base/ascii.h"

namespace vecton::parsers {

inline bool is_newline(char c) { return c == '\n' || c == '\r'; }
inline bool is_space(char c) { return is_newline(c) || c == ' ' || c == '\t'; }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
// What names of functions are made of.
inline bool is_name(char c) {
  return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
}

using base::trimmed;

}  // namespace vecton::parsers
