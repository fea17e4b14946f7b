// The pieces that JSON is made of, as expressions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json_fwd.h"
#include "grammar/characters.h"
#include "grammar/grammar.h"

namespace vecton::grammar {

struct JsonOptions {
  // Between tokens: nothing, one space, or one newline and an indent; none at all with `compact`;
  // or what an expression says.
  bool compact = false;
  std::optional<std::string> whitespace_pattern{};
  // additionalProperties of objects that name properties and do not say: false.
  bool closed_objects = false;

  bool operator==(const JsonOptions&) const = default;
};

// Bounds of a number; the texts are decimals without exponent.
struct NumberBounds {
  struct Bound {
    std::string decimal;
    bool strict = false;  // the bound itself is outside
  };
  bool integer = false;
  std::optional<Bound> least{}, most{};
  std::vector<std::string> divisors{};  // multipleOf
  std::vector<std::string> others{};    // of which it is no multiple
  std::vector<std::string> excluded{};  // values
  bool fraction = false;                // not an integer's value

  bool are_none() const {
    return !least && !most && divisors.empty() && others.empty() && excluded.empty() && !fraction;
  }
};

class JsonText {
 public:
  JsonText(ExpressionPool& pool, const JsonOptions& options);

  Expr space() const { return space_; }
  Expr string();                        // any
  Expr literal(std::string_view text);  // without its quotes
  Expr string_literal(std::string_view text);
  // Any of them, without their quotes; shared beginnings are written once.
  Expr any_literal(const std::vector<std::string_view>& texts);
  Expr quoted(Expr body);  // quotes around
  Expr any_characters(Spelling spelling);
  Expr number(const NumberBounds& bounds);  // made once
  // A value, with any whitespace between its tokens.
  Expr value(const json::value& value);
  // Texts that match a pattern somewhere; `what` names the place for errors.
  template <typename What>
  Expr pattern(std::string_view pattern, const What& what) {
    const auto it = patterns_.find(std::string(pattern));
    return it != patterns_.end() ? it->second : parse_pattern(pattern, what());
  }
  // Texts of a `format`; nothing for one that is not known, which is an annotation.
  std::optional<Expr> format(std::string_view name, Spelling spelling);
  // Of one that can_negate_format(): texts that surely are none of it.
  Expr other_format(std::string_view name, Spelling spelling);

 private:
  Expr make_number(const NumberBounds& bounds);
  Expr parse_pattern(std::string_view pattern, const std::string& what);

  ExpressionPool& pool_;
  std::unordered_map<std::string, Expr> literals_, numbers_, patterns_;  // by text, by bounds
  // By spelling.
  std::unordered_map<std::string, std::optional<Expr>> formats_[3];
  std::unordered_map<std::string, Expr> other_formats_[3];
  Expr space_ = kEmptyText;
  Expr any_characters_[3] = {kNever, kNever, kNever};  // by spelling, once asked for
};

// A number of a document as a decimal without exponent, "-0.25".
std::string decimal_of(const json::value& number);
bool is_known_format(std::string_view name);
bool can_negate_format(std::string_view name);
// Of a name that is not known and must not be read as an annotation: one that a draft of JSON
// Schema defines, or that surely was meant to be one.
std::optional<std::string> why_format_is_refused(std::string_view name);

}  // namespace vecton::grammar
