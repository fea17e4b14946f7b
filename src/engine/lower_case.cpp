#include "engine/lower_case.h"

#include <vector>

#include "base/unicode.h"
#include "base/utf8.h"

namespace vecton::engine {

namespace {

constexpr char32_t kCapitalSigma = 0x3A3, kFinalSigma = 0x3C2;
constexpr uint32_t kCased = 1u << unicode::kLu | 1u << unicode::kLl | 1u << unicode::kLt;
// Marks, modifiers and the punctuation inside words, which the rule for the final sigma looks
// through.
constexpr uint32_t kIgnorable = 1u << unicode::kMn | 1u << unicode::kMe | 1u << unicode::kCf |
                                1u << unicode::kLm | 1u << unicode::kSk;

bool case_ignorable(char32_t c) {
  return unicode::in_categories(c, kIgnorable) || c == '\'' || c == '.' || c == ':' || c == 0xB7 ||
         c == 0x2018 || c == 0x2019 || c == 0x2024 || c == 0x2027;
}

bool ends_word(const std::vector<char32_t>& text, size_t i) {
  size_t before = i, after = i + 1;
  while (before > 0 && case_ignorable(text[before - 1])) --before;
  while (after < text.size() && case_ignorable(text[after])) ++after;
  const auto cased = [&](size_t at) { return unicode::in_categories(text[at], kCased); };
  return before > 0 && cased(before - 1) && !(after < text.size() && cased(after));
}

}  // namespace

std::string lower_case(std::string_view text) {
  const std::string valid = utf8::is_valid(text) ? std::string(text) : utf8::repair(text);
  std::vector<char32_t> characters;
  for (size_t at = 0; at < valid.size();) characters.push_back(unicode::next(valid, at));
  std::string out;
  out.reserve(valid.size());
  for (size_t i = 0; i < characters.size(); ++i) {
    if (characters[i] == kCapitalSigma && ends_word(characters, i)) {
      unicode::append(out, kFinalSigma);
      continue;
    }
    char32_t second = 0;
    unicode::append(out, unicode::to_lowercase(characters[i], second));
    if (second != 0) unicode::append(out, second);
  }
  return out;
}

}  // namespace vecton::engine
