// Unicode: character properties, lower case and normal forms, as the tokenizers of the
// reference library have them.
//
// Used by every stage of the pipeline. Pure functions over constant tables: safe from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"

namespace vecton::unicode {

// General categories, in the order of the tables.
enum Category : uint32_t {
  kLu,
  kLl,
  kLt,
  kLm,
  kLo,
  kMn,
  kMc,
  kMe,
  kNd,
  kNl,
  kNo,
  kPc,
  kPd,
  kPs,
  kPe,  // clang-format off
  kPi, kPf, kPo, kSm, kSc, kSk, kSo, kZs, kZl, kZp, kCc, kCf, kCs, kCo, kCn  // clang-format on
};

constexpr const char* kCategoryNames[] = {
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe",
    "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"};

// A set of categories, to be tested with one shift.
constexpr uint32_t kLetters = 0x1f, kMarks = 0x7 << kMn, kNumbers = 0x7 << kNd,
                   kPunctuation = 0x7f << kPc, kSymbols = 0xf << kSm;

uint16_t properties(char32_t c);  // bits 0-4: category; the others are named below

inline uint32_t category_bit(char32_t c) { return 1u << (properties(c) & 31); }
inline bool in_categories(char32_t c, uint32_t set) { return (category_bit(c) & set) != 0; }
inline bool is_white_space(char32_t c) { return properties(c) >> 5 & 1; }
// What BERT's cleaning drops: control, format, private use characters, but not tab and line ends.
inline bool is_cleaned(char32_t c) { return properties(c) >> 6 & 1; }
inline bool is_bert_punctuation(char32_t c) { return properties(c) >> 7 & 1; }
inline bool is_accent(char32_t c) { return properties(c) >> 8 & 1; }  // BERT's: nonspacing marks
inline bool is_combining_mark(char32_t c) { return properties(c) >> 9 & 1; }  // StripAccents'
inline bool is_numeric(char32_t c) { return properties(c) >> 10 & 1; }
inline bool is_word(char32_t c) { return properties(c) >> 11 & 1; }
inline bool is_nfd_active(char32_t c) {
  return properties(c) >> 14 & 1;
}  // decomposes, or has a combining class
inline bool has_lowercase(char32_t c) { return properties(c) >> 12 & 1; }
bool is_cjk_ideograph(char32_t c);  // the blocks that BERT puts spaces around

// U+0130 alone has a lower case of two characters: `i` and the mark U+0307, given in `second`.
char32_t to_lowercase(char32_t c, char32_t& second);

using utf8::append;
using utf8::is_ascii;
using utf8::kReplacement;
using utf8::length;
using utf8::length_at;
using utf8::next;
using utf8::previous;
using utf8::write;

// Whether two characters side by side stay in one grapheme, as far as short graphemes (under 6
// bytes) can tell: UAX #29 without its rules for Hangul, flags and emoji sequences, which are all
// longer.
bool in_one_grapheme(char32_t first, char32_t second);

struct CategoryRange {
  char32_t first, last;
  uint8_t category;
};
// Characters whose category Unicode 14 did not know.
std::span<const CategoryRange> newer_characters();

// A character of a normal form, with what it did to the text before it: 0 = stands for one
// character, > 0 = was inserted, -n = stands for one character and n that follow it.
struct Change {
  char32_t c;
  int32_t change;
};

uint8_t combining_class(char32_t c);
// The whole canonical decomposition, at most 4 characters; a character without one gives itself.
size_t decompose(char32_t c, char32_t (&out)[4]);

enum class Form { kNfc, kNfd, kNfkc, kNfkd };

bool is_normal(std::string_view text, Form form);  // a quick check: false may be wrong, true is not
std::vector<Change> normalize(std::string_view text, Form form);

}  // namespace vecton::unicode
