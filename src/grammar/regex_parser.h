// The parts of a regular expression. Used by regex.cpp and regex_classes.cpp alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/characters.h"
#include "vecton/error.h"

namespace vecton::grammar {

struct RegexNode {
  enum class Kind {
    kSet,
    kSequence,
    kAlternatives,
    kRepeat,
    kStart,
    kEnd,
    kBoundary,  // \b, or \B if negative
    kLookahead,
    kLookbehind  // at one character of a set
  } kind;
  CharacterSet set{};
  std::vector<RegexNode> parts{};
  int64_t least = 0, most = 0;
  bool negative = false;
  // Whether it looks at where it stands: an anchor, or a lookaround, in it.
  bool looks = false;
};

[[noreturn]] void refuse_regex(const std::string& what, const std::string& why, size_t at,
                               ErrorCode code = ErrorCode::kInvalidArgument);
// Adds \d, \w, \s or their complements; false for other letters.
bool named_class(char letter, CharacterSet& set);
// The same, and \p{...}; `at` is behind the backslash, and then behind the class.
bool parse_named_class(std::string_view pattern, size_t& at, const std::string& what,
                       CharacterSet& set);
// What \p{name} has; nothing for names that are not known.
std::optional<CharacterSet> character_property(std::string_view name);

RegexNode parse_regex_nodes(std::string_view pattern, const std::string& what);

}  // namespace vecton::grammar
