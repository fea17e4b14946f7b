// Structural tags: text in which what stands between certain marks is held to a schema or a
// grammar. vLLM's and xgrammar's documents: {"structures": [...], "triggers": [...]}, or
// {"format": {"type": ...}}, a tree of formats.
#pragma once

#include <string_view>

#include "grammar/ebnf.h"
#include "grammar/grammar.h"
#include "grammar/json_text.h"

namespace vecton::grammar {

// Whether a grammar's text is such a document: none of the other notations begins with a brace.
bool is_structural_tag(std::string_view text);

// Marks that name a special token of the vocabulary may be written as that token or as text. Errors
// name the place in the document (kInvalidArgument), formats that are not taken are refused by name
// (kUnsupported).
Symbol structural_tag(Grammar& grammar, std::string_view document, const NamedTokens& tokens = {},
                      const JsonOptions& options = {});

}  // namespace vecton::grammar
