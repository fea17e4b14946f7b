// Literals of template code: numbers and quoted text, as Jinja reads them. Used by the lexer.
#pragma once

#include <string>
#include <string_view>

#include "chat/value.h"

namespace vecton::chat {

// Bytes of the number that `text` starts with; 0 when it starts with none of the kind.
size_t float_length(std::string_view text);
size_t integer_length(std::string_view text);

// Of 0 to 9, a to z and A to Z, up to 35; 99 = no digit.
int digit_of(char c);

double parse_float(std::string_view text);
Int parse_integer(std::string_view text, int line);

// The text between quotes, with the escapes of a Python literal.
std::string unescape_literal(std::string_view quoted, int line);

}  // namespace vecton::chat
