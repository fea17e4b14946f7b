#include "engine/lower_case.h"

#include <utf8proc.h>

#include <cstdint>
#include <vector>

namespace vecton {

namespace {

constexpr int32_t kCapitalSigma = 0x3A3, kFinalSigma = 0x3C2, kSmallSigma = 0x3C3;
constexpr int32_t kCapitalDottedI = 0x130;

bool cased(int32_t c) {
  const utf8proc_category_t category = utf8proc_category(c);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
         category == UTF8PROC_CATEGORY_LT;
}

// Marks, modifiers and the punctuation inside words, which the rule for the final sigma looks
// through.
bool case_ignorable(int32_t c) {
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return c == '\'' || c == '.' || c == ':' || c == 0xB7 || c == 0x2018 || c == 0x2019 ||
             c == 0x2024 || c == 0x2027;
  }
}

bool ends_word(const std::vector<int32_t>& text, size_t i) {
  size_t before = i, after = i + 1;
  while (before > 0 && case_ignorable(text[before - 1])) --before;
  while (after < text.size() && case_ignorable(text[after])) ++after;
  return before > 0 && cased(text[before - 1]) && !(after < text.size() && cased(text[after]));
}

void append(std::string& out, int32_t c) {
  uint8_t bytes[4];
  out.append(reinterpret_cast<const char*>(bytes),
             static_cast<size_t>(utf8proc_encode_char(c, bytes)));
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::vector<int32_t> characters;  // -1 - byte where the text is not UTF-8
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  for (size_t at = 0; at < text.size();) {
    int32_t c = -1;
    const auto used =
        utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(text.size() - at), &c);
    characters.push_back(used > 0 ? c : -1 - bytes[at]);
    at += used > 0 ? static_cast<size_t>(used) : 1;
  }
  for (size_t i = 0; i < characters.size(); ++i) {
    const int32_t c = characters[i];
    if (c < 0) {
      out.push_back(static_cast<char>(-1 - c));
    } else if (c == kCapitalSigma) {
      append(out, ends_word(characters, i) ? kFinalSigma : kSmallSigma);
    } else {
      append(out, c == kCapitalDottedI ? 'i' : utf8proc_tolower(c));
      if (c == kCapitalDottedI) append(out, 0x307);
    }
  }
  return out;
}

}  // namespace vecton
