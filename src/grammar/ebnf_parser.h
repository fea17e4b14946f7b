// The parts of a grammar's text. Used by ebnf.cpp and ebnf_parser.cpp alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/ebnf.h"
#include "grammar/expression.h"

namespace vecton::grammar {

struct EbnfNode {
  enum class Kind {
    kTerminal,
    kName,
    kJson,
    kSequence,
    kAlternatives,
    kRepeat
  } kind = Kind::kTerminal;
  Expr terminal = kEmptyText;
  std::string name{};  // of kJson: the schema
  size_t line = 0;
  std::vector<EbnfNode> parts{};
  int64_t least = 1, most = 1;
};

struct EbnfRules {
  std::map<std::string, EbnfNode> rules{};
  std::string root{};
};

EbnfRules parse_ebnf(ExpressionPool& pool, std::string_view text, const NamedTokens& tokens);

}  // namespace vecton::grammar
