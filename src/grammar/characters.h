// Sets of characters, and the bytes that write them: as UTF-8, or as inside of a JSON string.
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/expression.h"

namespace vecton::grammar {

class CharacterSet {
 public:
  static constexpr char32_t kLast = 0x10FFFF;
  using Range = std::pair<char32_t, char32_t>;

  CharacterSet() = default;
  CharacterSet(std::initializer_list<Range> ranges);
  static CharacterSet any() { return {{0, kLast}}; }

  void add(char32_t first, char32_t last);
  void add(const CharacterSet& other);
  void add_other_case();  // of ASCII letters
  CharacterSet inverted() const;
  CharacterSet minus(const CharacterSet& other) const;
  bool has(char32_t c) const;
  // In order, apart, without surrogates.
  std::vector<Range> ranges() const;

 private:
  std::vector<Range> ranges_;
};

// How a character of a text is written.
enum class Spelling {
  kUtf8,        // as it is
  kJson,        // in a JSON string, with \u only where JSON or ASCII asks for it: for control
                // characters, quotes, backslashes, and beyond ASCII
  kJsonEscapes  // in a JSON string, in any way that JSON has
};

Expr characters(ExpressionPool& pool, const CharacterSet& set, Spelling spelling);
// One character after the other.
Expr text(ExpressionPool& pool, std::string_view plain, Spelling spelling);

}  // namespace vecton::grammar
