// Grammars as text: EBNF as llama.cpp (GBNF) and vLLM have it (`root ::= "a" [0-9]+ | other`), and
// the plain part of Lark's notation (`start: "a" /[0-9]+/ | other`), told apart by "::=".
// `<name>` and `<[id]>` are a token of the vocabulary, as llama.cpp and llguidance write them, and
// in Lark's notation `%json {...}` is a JSON value of the schema, as llguidance has it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "grammar/grammar.h"
#include "grammar/json_text.h"

namespace vecton::grammar {

// What a TokenTrie has for the token of a name, "<name>" or "[id]"; nothing where there is none.
using NamedTokens = std::function<std::optional<std::string>(std::string_view name)>;

// The symbol of rule `root` (`start` in Lark's). Left recursion is taken. Errors give the line
// (kInvalidArgument), what is not taken is refused by name (kUnsupported).
Symbol ebnf(Grammar& grammar, std::string_view text, const NamedTokens& tokens = {},
            const JsonOptions& options = {});

}  // namespace vecton::grammar
