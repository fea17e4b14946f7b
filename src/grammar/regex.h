// Regular expressions as JSON Schema (ECMA-262) and vLLM's `regex` have them, to expressions.
#pragma once

#include <string>
#include <string_view>

#include "grammar/characters.h"
#include "grammar/expression.h"

namespace vecton::grammar {

enum class Match {
  kWhole,  // the text is one match
  kSearch  // a match lies somewhere in the text
};

// Classes are ASCII but for \s and what is negated. Back references, word boundaries, lookbehind
// and \p are refused by name, lookahead where it is inside of a repetition (kUnsupported); `what`
// begins the message. The texts of the result hold whole characters, written as `spelling` says.
Expr parse_regex(ExpressionPool& pool, std::string_view pattern, Match match, Spelling spelling,
                 const std::string& what);

// One class of characters, without its [ and up to its ], at `at`, which moves behind it.
CharacterSet parse_character_class(std::string_view pattern, size_t& at, const std::string& what);
// What follows a backslash that stands for one character, at `at`.
char32_t parse_character_escape(std::string_view pattern, size_t& at, const std::string& what);

}  // namespace vecton::grammar
