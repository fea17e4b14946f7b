// Classes of characters and escapes of regular expressions.
#include <optional>

#include "base/utf8.h"
#include "grammar/regex.h"
#include "grammar/regex_parser.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char32_t hex(std::string_view pattern, size_t& at, size_t digits, const std::string& what) {
  char32_t value = 0;
  for (size_t i = 0; i < digits; ++i, ++at) {
    const int digit = at < pattern.size() ? hex_digit(pattern[at]) : -1;
    if (digit < 0)
      refuse_regex(what, "an escape needs " + std::to_string(digits) + " hexadecimal digits", at);
    value = value * 16 + static_cast<char32_t>(digit);
  }
  return value;
}

// After \u: XXXX, a pair of surrogates, or {X...}.
char32_t unicode_escape(std::string_view pattern, size_t& at, const std::string& what) {
  if (at < pattern.size() && pattern[at] == '{') {
    const size_t end = pattern.find('}', at);
    if (end == std::string_view::npos || end - at > 7 || end == at + 1)
      refuse_regex(what, "\\u{ needs 1 to 6 hexadecimal digits and a }", at);
    size_t digits = ++at;
    const char32_t c = hex(pattern, digits, end - at, what);
    at = end + 1;
    if (c > CharacterSet::kLast) refuse_regex(what, "no character has this number", at);
    return c;
  }
  const char32_t high = hex(pattern, at, 4, what);
  if (high < 0xD800 || high > 0xDBFF || pattern.substr(at, 2) != "\\u") return high;
  size_t after = at + 2;
  const char32_t low = hex(pattern, after, 4, what);
  if (low < 0xDC00 || low > 0xDFFF) return high;
  at = after;
  return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

}  // namespace

void refuse_regex(const std::string& what, const std::string& why, size_t at, ErrorCode code) {
  throw Error(code, what + ": the regular expression can't be used: " + why + " (at byte " +
                        std::to_string(at) + ")");
}

char32_t parse_character_escape(std::string_view pattern, size_t& at, const std::string& what) {
  if (at >= pattern.size()) refuse_regex(what, "it ends in a backslash", at);
  const char c = pattern[at];
  switch (c) {
    case 'n':
      return ++at, '\n';
    case 't':
      return ++at, '\t';
    case 'r':
      return ++at, '\r';
    case 'f':
      return ++at, '\f';
    case 'v':
      return ++at, '\v';
    case 'a':
      return ++at, '\a';
    case 'x':
      return hex(pattern, ++at, 2, what);
    case 'u':
      return unicode_escape(pattern, ++at, what);
    case 'U':
      return hex(pattern, ++at, 8, what);
    case '0':
      if (at + 1 < pattern.size() && pattern[at + 1] >= '0' && pattern[at + 1] <= '9')
        refuse_regex(what, "octal escapes are not taken", at);
      return ++at, 0;
    case 'c':
      if (at + 1 < pattern.size() && ((pattern[at + 1] | 0x20) >= 'a') &&
          ((pattern[at + 1] | 0x20) <= 'z')) {
        at += 2;
        return static_cast<char32_t>(pattern[at - 1] & 31);
      }
      break;
    default:
      break;
  }
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '1' && c <= '9'))
    refuse_regex(what, std::string("\\") + c + " is not taken", at, ErrorCode::kUnsupported);
  const utf8::Character character = utf8::decode(pattern, at);
  at += character.bytes;
  return character.code;
}

bool named_class(char letter, CharacterSet& set) {
  CharacterSet found;
  switch (letter | 0x20) {
    case 'd':
      found = {{'0', '9'}};
      break;
    case 'w':
      found = {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}};
      break;
    case 's':
      found = {{'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680},
               {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
               {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
      break;
    default:
      return false;
  }
  set.add(letter & 0x20 ? found : found.inverted());
  return true;
}

bool parse_named_class(std::string_view pattern, size_t& at, const std::string& what,
                       CharacterSet& set) {
  if (at >= pattern.size()) return false;
  const char letter = pattern[at];
  if (named_class(letter, set)) return ++at, true;
  if (letter != 'p' && letter != 'P') return false;
  const size_t end = pattern.find('}', at);
  if (end == std::string_view::npos || pattern[at + 1] != '{')
    refuse_regex(what, std::string("\\") + letter + " needs a name in braces", at);
  const std::string_view name = pattern.substr(at + 2, end - at - 2);
  const std::optional<CharacterSet> found = character_property(name);
  if (!found)
    refuse_regex(what,
                 std::string("\\") + letter + "{" + std::string(name) +
                     "} is not taken: of properties, general categories are",
                 at, ErrorCode::kUnsupported);
  set.add(letter == 'p' ? *found : found->inverted());
  at = end + 1;
  return true;
}

CharacterSet parse_character_class(std::string_view pattern, size_t& at, const std::string& what) {
  CharacterSet set;
  const size_t begin = at;
  const bool negative = at < pattern.size() && pattern[at] == '^';
  if (negative) ++at;
  if (at < pattern.size() && pattern[at] == ']')
    refuse_regex(what, "an empty class, or a ] that has to be written \\]", at);
  // One character, or nothing where a class such as \d was added.
  const auto member = [&]() -> std::optional<char32_t> {
    if (pattern[at] == '\\') {
      ++at;
      if (parse_named_class(pattern, at, what, set)) return std::nullopt;
      if (at < pattern.size() && pattern[at] == 'b') return ++at, 8;
      return parse_character_escape(pattern, at, what);
    }
    if (pattern.substr(at, 2) == "[:")
      refuse_regex(what, "classes such as [:alpha:] are not taken", at, ErrorCode::kUnsupported);
    const utf8::Character c = utf8::decode(pattern, at);
    at += c.bytes;
    return c.code;
  };
  for (;;) {
    if (at >= pattern.size()) refuse_regex(what, "a [ without its ]", begin);
    if (pattern[at] == ']') break;
    const std::optional<char32_t> first = member();
    if (!first) continue;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      const size_t dash = at++;
      const std::optional<char32_t> last = member();
      if (!last) {
        set.add(*first, *first);
        set.add('-', '-');
        continue;
      }
      if (*last < *first) refuse_regex(what, "a range that goes backwards", dash);
      set.add(*first, *last);
    } else {
      set.add(*first, *first);
    }
  }
  ++at;
  return negative ? set.inverted() : set;
}

}  // namespace vecton::grammar
