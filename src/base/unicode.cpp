#include "base/unicode.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace vecton::unicode {

namespace {

struct CombiningClass {
  char32_t c;
  uint8_t value;
};
struct Composition {
  char32_t first, second, whole;
};
struct Range {
  char32_t first, last;
};
struct Lowercase {
  char32_t from, to;
};
struct Mapping {
  char32_t from;
  uint16_t offset;
  uint8_t length;
};

#include "base/unicode_tables.inc"

constexpr int kNfcActive = 13, kNfdActive = 14, kNfkdActive = 15;

// Hangul syllables are composed by arithmetic: The Unicode Standard, section 3.12.
constexpr char32_t kHangulBase = 0xAC00, kLeadBase = 0x1100, kVowelBase = 0x1161,
                   kTailBase = 0x11A7;
constexpr char32_t kLeads = 19, kVowels = 21, kTails = 28, kSyllables = kLeads * kVowels * kTails;

template <typename Row, size_t N>
const Row* find_row(const Row (&table)[N], char32_t c, char32_t Row::*key) {
  const auto* row =
      std::lower_bound(std::begin(table), std::end(table), c,
                       [key](const Row& r, char32_t value) { return r.*key < value; });
  return row != std::end(table) && row->*key == c ? row : nullptr;
}

template <size_t N>
bool is_in(const Range (&table)[N], char32_t c) {
  const Range* row =
      std::lower_bound(std::begin(table), std::end(table), c,
                       [](const Range& r, char32_t value) { return r.last < value; });
  return row != std::end(table) && row->first <= c;
}

// Control characters: nothing joins them.
bool ends_graphemes(char32_t c) {
  const bool control = in_categories(c, 1u << kCc | 1u << kCf | 1u << kZl | 1u << kZp);
  return control && !is_in(kJoinsPrevious, c) && !is_in(kJoinsNext, c);
}

// The whole decomposition of `c`, or an empty span. `hangul` holds the parts of a syllable.
std::span<const char32_t> decomposition(char32_t c, bool compatibility, char32_t (&hangul)[3]) {
  if (!(properties(c) >> (compatibility ? kNfkdActive : kNfdActive) & 1)) return {};
  if (c >= kHangulBase && c < kHangulBase + kSyllables) {
    const char32_t index = c - kHangulBase, tail = index % kTails;
    hangul[0] = kLeadBase + index / (kVowels * kTails);
    hangul[1] = kVowelBase + index % (kVowels * kTails) / kTails;
    hangul[2] = kTailBase + tail;
    return {hangul, tail ? 3u : 2u};
  }
  const Mapping* row = compatibility ? find_row(kCompatibility, c, &Mapping::from) : nullptr;
  if (!row) row = find_row(kCanonical, c, &Mapping::from);
  if (!row) return {};
  return {kMappingPool + row->offset, row->length};
}

// The character that a pair composes to, or 0.
char32_t compose(char32_t first, char32_t second) {
  if (first >= kLeadBase && first < kLeadBase + kLeads && second >= kVowelBase &&
      second < kVowelBase + kVowels) {
    return kHangulBase + ((first - kLeadBase) * kVowels + second - kVowelBase) * kTails;
  }
  if (first >= kHangulBase && first < kHangulBase + kSyllables &&
      (first - kHangulBase) % kTails == 0 && second > kTailBase && second < kTailBase + kTails) {
    return first + (second - kTailBase);
  }
  const auto* row = std::lower_bound(std::begin(kCompositions), std::end(kCompositions), first,
                                     [second](const Composition& r, char32_t f) {
                                       return r.first != f ? r.first < f : r.second < second;
                                     });
  if (row == std::end(kCompositions) || row->first != first || row->second != second) return 0;
  return row->whole;
}

struct Decomposed {
  char32_t c;
  uint8_t combining;
  int32_t change;
};

std::vector<Decomposed> decompose(std::string_view text, bool compatibility) {
  std::vector<Decomposed> out;
  out.reserve(text.size());
  size_t ordered = 0;  // marks from here on are still to be sorted
  const auto push = [&](char32_t c, int32_t change) {
    const uint8_t combining = combining_class(c);
    if (combining == 0) {
      std::stable_sort(
          out.begin() + ordered, out.end(),
          [](const Decomposed& a, const Decomposed& b) { return a.combining < b.combining; });
      ordered = out.size() + 1;
    }
    out.push_back({c, combining, change});
  };
  char32_t hangul[3];
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next(text, at);
    const std::span<const char32_t> parts = decomposition(c, compatibility, hangul);
    if (parts.empty()) push(c, 0);
    for (size_t i = 0; i < parts.size(); ++i) push(parts[i], i == 0 ? 0 : 1);
  }
  std::stable_sort(out.begin() + ordered, out.end(), [](const Decomposed& a, const Decomposed& b) {
    return a.combining < b.combining;
  });
  return out;
}

// The canonical composition algorithm (The Unicode Standard, D117); a character that is swallowed
// leaves its change to the starter it went into.
void recompose(std::vector<Decomposed>& chars) {
  constexpr size_t kNone = SIZE_MAX;
  size_t starter = kNone, kept = 0;
  uint8_t last = 0;  // class of the character before, when it was not composed
  for (size_t i = 0; i < chars.size(); ++i) {
    const Decomposed next = chars[i];
    if (starter != kNone && (kept == starter + 1 || last < next.combining)) {
      if (const char32_t whole = compose(chars[starter].c, next.c)) {
        chars[starter].c = whole;
        chars[starter].change += next.change - 1;
        continue;
      }
    }
    if (next.combining == 0) starter = kept;
    last = next.combining;
    chars[kept++] = next;
  }
  chars.resize(kept);
}

}  // namespace

uint16_t properties(char32_t c) {
  if (c >= 0x110000) return kCn;
  return kBlocks[kBlockOf[c >> 7]][c & 127];
}

bool in_one_grapheme(char32_t first, char32_t second) {
  if (first == '\r' && second == '\n') return true;
  if (first < 0x300 && second < 0x300) return false;
  if (is_in(kJoinsPrevious, second)) return !ends_graphemes(first);
  return is_in(kJoinsNext, first) && !ends_graphemes(second);
}

uint8_t combining_class(char32_t c) {
  if (c < 0x300 || !(properties(c) >> kNfdActive & 1)) return 0;
  const CombiningClass* row = find_row(kCombiningClasses, c, &CombiningClass::c);
  return row ? row->value : 0;
}

size_t decompose(char32_t c, char32_t (&out)[4]) {
  char32_t hangul[3];
  const std::span<const char32_t> parts = decomposition(c, false, hangul);
  if (parts.empty()) {
    out[0] = c;
    return 1;
  }
  std::copy(parts.begin(), parts.end(), out);
  return parts.size();
}

std::span<const CategoryRange> newer_characters() { return kNewer; }

bool is_cjk_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) ||
         (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

char32_t to_lowercase(char32_t c, char32_t& second) {
  second = 0;
  if (!has_lowercase(c)) return c;
  if (c == 0x130) {
    second = 0x307;
    return 'i';
  }
  const Lowercase* row = find_row(kLowercase, c, &Lowercase::from);
  return row ? row->to : c;
}

bool is_normal(std::string_view text, Form form) {
  const unsigned active = 1u << (form == Form::kNfc   ? kNfcActive
                                 : form == Form::kNfd ? kNfdActive
                                                      : kNfkdActive) |
                          (form == Form::kNfkc ? 1u << kNfcActive : 0);
  for (size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
    } else if (properties(next(text, at)) & active) {
      return false;
    }
  }
  return true;
}

std::vector<Change> normalize(std::string_view text, Form form) {
  std::vector<Decomposed> chars = decompose(text, form == Form::kNfkc || form == Form::kNfkd);
  if (form == Form::kNfc || form == Form::kNfkc) recompose(chars);
  std::vector<Change> out;
  out.reserve(chars.size());
  for (const Decomposed& d : chars) out.push_back({d.c, d.change});
  return out;
}

}  // namespace vecton::unicode
