// Unicode for tokenizers: UTF-8, character properties, lower case and normal forms, as the
// reference library has them.
//
// Used by every stage of the pipeline. Pure functions over constant tables: safe from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

constexpr char32_t kReplacement = 0xFFFD;

// Decodes the character at `text[at]` and moves `at` behind it. `text` must be valid UTF-8, `at`
// inside it.
inline char32_t next(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return text[at++];
  if (lead < 0xE0) {
    at += 2;
    return (lead & 0x1Fu) << 6 | (byte(at - 1) & 0x3Fu);
  }
  if (lead < 0xF0) {
    at += 3;
    return (lead & 0x0Fu) << 12 | (byte(at - 2) & 0x3Fu) << 6 | (byte(at - 1) & 0x3Fu);
  }
  at += 4;
  return (lead & 0x07u) << 18 | (byte(at - 3) & 0x3Fu) << 12 | (byte(at - 2) & 0x3Fu) << 6 |
         (byte(at - 1) & 0x3Fu);
}

// The start of the character that ends at `end`, which must not be 0.
inline size_t previous(std::string_view text, size_t end) {
  size_t at = end - 1;
  while ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

inline size_t length(char32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }
inline size_t length_at(std::string_view text, size_t at) {
  const unsigned char lead = text[at];
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

// Writes up to 4 bytes, returns how many.
size_t write(char32_t c, char* out);
void append(std::string& out, char32_t c);

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

bool is_ascii(std::string_view text);
bool is_valid_utf8(std::string_view text);
// Invalid bytes become U+FFFD, one for each maximal part of a character. `origins`, if given, gets
// the position in `text` of each byte of the result, and of its end.
std::string repair_utf8(std::string_view text, std::vector<uint32_t>* origins = nullptr);

// How many bytes at the end of `text` are the start of a character that more bytes may complete.
size_t unfinished_tail(std::string_view text);

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
