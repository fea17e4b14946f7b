// Patterns: what Split and Replace look for. A literal string, one of the well-known splitting
// expressions matched by hand, or any other expression through PCRE2.
//
// Made while a tokenizer is loaded, then immutable and used from any thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "tokenizer/json_fields.h"
#include "tokenizer/text.h"

namespace vecton::tokenizer {

class Pattern {
 public:
  virtual ~Pattern() = default;
  // Appends all matches in `text` from left to right, not overlapping; positions are bytes of
  // `text`.
  virtual void find_all(std::string_view text, std::vector<Span>& matches) const = 0;
};

// {"String": ...} or {"Regex": ...}
std::unique_ptr<const Pattern> make_pattern(const Field& field);

std::unique_ptr<const Pattern> make_literal(std::string text);

// An expression in the syntax of Oniguruma, as tokenizer.json has them. What PCRE2 would read
// otherwise is refused by name (kUnsupported); `what` begins the message. Matching is bounded: a
// text on which the expression backtracks without end is an error (kInvalidArgument).
std::unique_ptr<const Pattern> make_regex(std::string_view expression, const std::string& what);

// The matcher written for an expression, or nullptr: the same matches at many times the speed.
std::unique_ptr<const Pattern> make_known_pattern(std::string_view expression);
extern const std::string_view kGpt2Expression, kLlama3Expression, kQwen2Expression,
    kQwen35Expression, kO200kExpression, kTekkenExpression, kDeepSeekNumbers, kDeepSeekCjk,
    kDeepSeekWords;

}  // namespace vecton::tokenizer
