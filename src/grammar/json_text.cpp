#include "grammar/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/json.h"
#include "grammar/regex.h"
#include "vecton/error.h"

namespace vecton::grammar {

JsonText::JsonText(ExpressionPool& pool, const JsonOptions& options) : pool_(pool) {
  if (options.whitespace_pattern) {
    space_ = parse_regex(pool, *options.whitespace_pattern, Match::kWhole, Spelling::kUtf8,
                         "whitespace_pattern");
    ByteSet blank;
    for (const char c : {' ', '\t', '\n', '\r'}) blank.add(static_cast<uint8_t>(c));
    const Expr other = pool.all_of({space_, pool.complement(pool.repeat(pool.bytes(blank), 0))});
    if (pool.has_text(other))
      throw Error(ErrorCode::kInvalidArgument,
                  "whitespace_pattern: it matches what is not whitespace of JSON (space, tab, "
                  "newline, carriage return)",
                  "whitespace_pattern");
  } else if (!options.compact) {
    // Bounded, so that no model writes whitespace without end.
    space_ = parse_regex(pool, "|[ ]|\\r?\\n(?:[ ]{0,40}|\\t{0,20})", Match::kWhole,
                         Spelling::kUtf8, "");
  }
}

Expr JsonText::any_characters(Spelling spelling) {
  Expr& known = any_characters_[static_cast<size_t>(spelling)];
  if (known == kNever) known = pool_.repeat(characters(pool_, CharacterSet::any(), spelling), 0);
  return known;
}

Expr JsonText::parse_pattern(std::string_view pattern, const std::string& what) {
  return patterns_[std::string(pattern)] =
             parse_regex(pool_, pattern, Match::kSearch, Spelling::kJson, what);
}

Expr JsonText::quoted(Expr body) {
  return pool_.sequence({pool_.byte('"'), body, pool_.byte('"')});
}

Expr JsonText::string() { return quoted(any_characters(Spelling::kJsonEscapes)); }

Expr JsonText::literal(std::string_view plain) {
  const auto [it, added] = literals_.try_emplace(std::string(plain), kNever);
  if (added) it->second = text(pool_, plain, Spelling::kJson);
  return it->second;
}

Expr JsonText::any_literal(const std::vector<std::string_view>& texts) {
  std::vector<std::string_view> plain;  // which JSON writes in one way alone
  std::vector<Expr> parts;
  for (const std::string_view text : texts) {
    const bool itself = std::all_of(text.begin(), text.end(), [](char c) {
      return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
    });
    if (itself) {
      plain.push_back(text);
    } else {
      parts.push_back(literal(text));
    }
  }
  parts.push_back(pool_.any_literal(std::move(plain)));
  return pool_.any_of(std::move(parts));
}

Expr JsonText::string_literal(std::string_view plain) { return quoted(literal(plain)); }

Expr JsonText::value(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return pool_.literal("null");
    case json::kind::bool_:
      return pool_.literal(value.get_bool() ? "true" : "false");
    case json::kind::string:
      return string_literal(value.get_string());
    case json::kind::object:
    case json::kind::array: {
      const bool object = value.is_object();
      std::vector<Expr> parts;
      const auto add = [&](Expr member) {
        if (!parts.empty()) member = pool_.sequence({pool_.byte(','), space_, member});
        parts.push_back(pool_.concat(member, space_));
      };
      if (object) {
        for (const auto& [key, member] : value.get_object())
          add(pool_.sequence(
              {string_literal(key), space_, pool_.byte(':'), space_, this->value(member)}));
      } else {
        for (const json::value& member : value.get_array()) add(this->value(member));
      }
      Expr e = pool_.byte(object ? '}' : ']');
      for (size_t i = parts.size(); i-- > 0;) e = pool_.concat(parts[i], e);
      return pool_.sequence({pool_.byte(object ? '{' : '['), space_, e});
    }
    default: {
      // As decimals; a fraction of zeros may follow where the document has one.
      const std::string text = decimal_of(value);
      const Expr number = pool_.literal(text);
      if (!value.is_double() || text.find('.') != std::string::npos) return number;
      return pool_.concat(number, pool_.optional(pool_.literal(".0")));
    }
  }
}

std::string decimal_of(const json::value& number) {
  if (number.is_int64()) return std::to_string(number.get_int64());
  if (number.is_uint64()) return std::to_string(number.get_uint64());
  std::array<char, 1200> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number.as_double(),
                                 std::chars_format::fixed)
                       .ptr;
  return {text.data(), end};
}

}  // namespace vecton::grammar
