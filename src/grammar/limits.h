// How large anything may become that a request's text makes: beyond it the request is refused.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vecton::grammar {

constexpr size_t kMaxExpressions = 400'000;  // of one grammar, with those that matching makes
constexpr int kMaxDescent = 800;             // of recursion over an expression
constexpr size_t kMaxDfaStates = 200'000;
constexpr size_t kMaxGrammarStates = 100'000;
constexpr size_t kMaxItems = 20'000;                     // of one parse state
constexpr size_t kMaxAutomatonBytes = size_t{96} << 20;  // parse states that are remembered
constexpr size_t kMaxTextBytes = size_t{1} << 20;        // of a schema, a grammar, an expression
constexpr size_t kMaxValidatorSteps = 2'000'000;         // values compared with schemas
constexpr size_t kMaxSchemas = 10'000;                   // combinations of schemas of one document
constexpr int kMaxNesting = 64;                          // of a schema's JSON, and of groups

}  // namespace vecton::grammar
