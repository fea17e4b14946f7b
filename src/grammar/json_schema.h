// JSON Schema to a grammar of the JSON texts that satisfy it. Drafts 4 to 2020-12.
//
// Properties stand in the order of the schema, others behind them. What can't be held exactly is
// refused by keyword and place (kUnsupported), never loosened. docs/STRUCTURED_OUTPUT.md has the
// list.
#pragma once

#include <string_view>

#include "base/json_fwd.h"
#include "grammar/grammar.h"
#include "grammar/json_text.h"

namespace vecton::grammar {

// The symbol of one value of the schema (a text of at most 1 MiB, or what it says);
// Symbol::is_never() or a rule without texts where none satisfies it.
Symbol json_schema(Grammar& grammar, std::string_view schema, const JsonOptions& options);
Symbol parsed_json_schema(Grammar& grammar, json::value schema, const JsonOptions& options);
// Any JSON object.
Symbol json_object(Grammar& grammar, const JsonOptions& options);

}  // namespace vecton::grammar
