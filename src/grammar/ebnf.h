// Grammars as text: EBNF as llama.cpp (GBNF) and vLLM have it (`root ::= "a" [0-9]+ | other`), and
// the plain part of Lark's notation (`start: "a" /[0-9]+/ | other`), told apart by "::=".
#pragma once

#include <string_view>

#include "grammar/grammar.h"

namespace vecton::grammar {

// The symbol of rule `root` (`start` in Lark's). Left recursion is taken. Errors give the line
// (kInvalidArgument), what is not taken is refused by name (kUnsupported).
Symbol ebnf(Grammar& grammar, std::string_view text);

}  // namespace vecton::grammar
