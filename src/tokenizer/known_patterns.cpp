// The splitting expressions of the GPT-2, Llama 3, Qwen, o200k, tekken and DeepSeek families,
// matched by hand. Each function below names the alternative of the expression that it stands for;
// the order of the alternatives is the order of the tests.
#include <array>

#include "tokenizer/pattern.h"

namespace vecton::tokenizer {

const std::string_view kGpt2Expression =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

const std::string_view kLlama3Expression =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kQwen2Expression =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kQwen35Expression =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kO200kExpression =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// tekken: o200k without contractions, its numbers digit by digit.
const std::string_view kTekkenExpression =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// DeepSeek-V3 splits by three expressions, one after the other.
const std::string_view kDeepSeekNumbers = R"(\p{N}{1,3})";
const std::string_view kDeepSeekCjk = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";
const std::string_view kDeepSeekWords =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

// Of DeepSeek's first generation; greedy backtracking would take the square of a run's length.
constexpr std::string_view kTrailingSpaces = R"(\s+$)";

// What the expressions ask about a character, as bits.
enum : uint8_t {
  kLetter = 1,    // \p{L}
  kMark = 2,      // \p{M}
  kNumber = 4,    // \p{N}
  kSpace = 8,     // \s
  kNewline = 16,  // [\r\n], also a space
  kUpper = 32,    // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
  kLower = 64,    // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
  kSign = 128,    // [\p{P}\p{S}]
};

uint8_t classify(char32_t c) {
  using namespace unicode;  // NOLINT: category names
  const uint32_t category = category_bit(c);
  uint8_t bits = 0;
  if (category & kLetters) bits |= kLetter;
  if (category & kMarks) bits |= kMark;
  if (category & kNumbers) bits |= kNumber;
  if (category & (kPunctuation | kSymbols)) bits |= kSign;
  if (is_white_space(c)) bits |= kSpace;
  if (c == '\r' || c == '\n') bits |= kNewline;
  if (category & (1u << kLu | 1u << kLt | 1u << kLm | 1u << kLo | kMarks)) bits |= kUpper;
  if (category & (1u << kLl | 1u << kLm | 1u << kLo | kMarks)) bits |= kLower;
  return bits;
}

// Reads a text forward, character by character with its class.
class Cursor {
 public:
  struct Char {
    uint8_t bits = 0;
    uint32_t length = 0;  // 0 = the end of the text
  };

  explicit Cursor(std::string_view text) : text_(text) {
    static const std::array<uint8_t, 128> kAscii = [] {
      std::array<uint8_t, 128> table;
      for (char32_t c = 0; c < 128; ++c) table[c] = classify(c);
      return table;
    }();
    ascii_ = kAscii.data();
  }

  Char at(size_t position) const {
    if (position >= text_.size()) return {};
    const unsigned char byte = text_[position];
    if (byte < 0x80) return {ascii_[byte], 1};
    size_t next = position;
    const char32_t c = unicode::next(text_, next);
    return {classify(c), static_cast<uint32_t>(next - position)};
  }
  char byte(size_t position) const { return position < text_.size() ? text_[position] : '\0'; }
  size_t size() const { return text_.size(); }

  // The end of the run of characters that have a bit of `some` and none of `none`.
  size_t run(size_t position, uint8_t some, uint8_t none = 0) const {
    for (Char c; (c = at(position)).length && (c.bits & some) && !(c.bits & none);)
      position += c.length;
    return position;
  }
  // The end of the run of characters that have no bit of `none`.
  size_t run_without(size_t position, uint8_t none) const {
    for (Char c; (c = at(position)).length && !(c.bits & none);) position += c.length;
    return position;
  }

  // 's|'t|'re|'ve|'m|'ll|'d: the end, or `position`. Without case U+017F, the long s, is an s too.
  size_t contraction(size_t position, bool any_case) const {
    if (byte(position) != '\'') return position;
    const auto letter = [&](size_t i) {
      const char c = byte(i);
      return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    };
    const char first = letter(position + 1), second = first ? letter(position + 2) : '\0';
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return position + 2;
    if ((first == 'r' || first == 'v') && second == 'e') return position + 3;
    if (first == 'l' && second == 'l') return position + 3;
    if (any_case && byte(position + 1) == '\xC5' && byte(position + 2) == '\xBF')
      return position + 3;
    return position;
  }

  // \s*[\r\n]+ (where `newlines`), \s+(?!\S), \s+
  size_t spaces(size_t position, bool newlines) const {
    size_t end = position, last = position, after_newline = position;
    for (Char c; (c = at(end)).length && (c.bits & kSpace);) {
      last = end;
      end += c.length;
      if (c.bits & kNewline) after_newline = end;
    }
    if (newlines && after_newline > position) return after_newline;
    return end == text_.size() || last == position ? end : last;
  }

 private:
  std::string_view text_;
  const uint8_t* ascii_;
};

struct Gpt2 {
  size_t operator()(const Cursor& text, size_t at) const {
    if (const size_t end = text.contraction(at, false); end > at) return end;
    const size_t word = at + (text.byte(at) == ' ');
    const Cursor::Char c = text.at(word);
    if (c.length) {
      if (c.bits & kLetter) return text.run(word, kLetter);  //  ?\p{L}+
      if (c.bits & kNumber) return text.run(word, kNumber);  //  ?\p{N}+
      if (!(c.bits & kSpace))
        return text.run_without(word, kSpace | kLetter | kNumber);  //  ?[^\s\p{L}\p{N}]+
    }
    return text.spaces(at, false);
  }
};

size_t numbers(const Cursor& text, size_t at, int most) {
  for (Cursor::Char c; most-- > 0 && (c = text.at(at)).length && (c.bits & kNumber);)
    at += c.length;
  return at;
}

// Llama 3 and Qwen: `letters` are the bits of a word's characters, `digits` the most digits of a
// number.
template <uint8_t letters, int digits>
struct Llama3 {
  size_t operator()(const Cursor& text, size_t at) const {
    if (const size_t end = text.contraction(at, true); end > at) return end;
    const Cursor::Char c = text.at(at);
    if (c.bits & letters) return text.run(at, letters);  // \p{L}+
    const bool number = c.bits & kNumber;
    const Cursor::Char next =
        number || (c.bits & kNewline) ? Cursor::Char{} : text.at(at + c.length);
    if (next.bits & letters) return text.run(at + c.length, letters);  // [^\r\n\p{L}\p{N}]\p{L}+
    if (number) return numbers(text, at, digits);
    const uint8_t word = kSpace | letters | kNumber;
    const bool space = text.byte(at) == ' ' && next.length && !(next.bits & word);
    if (space || !(c.bits & kSpace)) {  //  ?[^\s\p{L}\p{N}]+[\r\n]*
      return text.run(text.run_without(at + space, word), kNewline);
    }
    return text.spaces(at, true);
  }
};

// o200k and tekken: with contractions at the end of words, and the most digits of a number.
template <bool contractions, int digits>
struct O200k {
  size_t operator()(const Cursor& text, size_t at) const {
    const auto contracted = [&](size_t end) {
      return contractions ? text.contraction(end, true) : end;
    };
    const Cursor::Char c = text.at(at);
    if (!(c.bits & (kLetter | kNumber | kNewline))) {  // [^\r\n\p{L}\p{N}] before a word
      if (const size_t end = word(text, at + c.length, !(c.bits & kMark)); end > at + c.length) {
        return contracted(end);
      }
    }
    if (c.bits & (kLetter | kMark)) return contracted(word(text, at, true));
    if (c.bits & kNumber) return numbers(text, at, digits);
    const Cursor::Char next = text.at(at + 1);
    const uint8_t other = kSpace | kLetter | kNumber;
    const bool space = text.byte(at) == ' ' && next.length && !(next.bits & other);
    if (space || !(c.bits & kSpace)) {  //  ?[^\s\p{L}\p{N}]+[\r\n/]*
      size_t end = text.run_without(at + space, other);
      for (char b; (b = text.byte(end)) == '\r' || b == '\n' || b == '/';) ++end;
      return end;
    }
    return text.spaces(at, true);
  }

  // [upper]*[lower]+ or, when `capitals`, [upper]+[lower]*: the end, or `at`. The first gives back
  // what it took until a character is left that is lower too.
  static size_t word(const Cursor& text, size_t at, bool capitals) {
    size_t end = at, both = at;
    for (Cursor::Char c; (c = text.at(end)).length && (c.bits & kUpper);) {
      end += c.length;
      if (c.bits & kLower) both = end;
    }
    if (text.at(end).bits & kLower) return text.run(end, kLower);
    if (both > at || !capitals) return both;
    return end;
  }
};

struct DeepSeekNumbers {
  size_t operator()(const Cursor& text, size_t at) const { return numbers(text, at, 3); }
};

struct DeepSeekWords {
  size_t operator()(const Cursor& text, size_t at) const {
    const Cursor::Char c = text.at(at);
    if (c.length == 1 && (c.bits & kSign) && is_ascii_letter(text.byte(at + 1))) {
      size_t end = at + 2;  // [!-~ without letters and digits][A-Za-z]+
      while (is_ascii_letter(text.byte(end))) ++end;
      return end;
    }
    constexpr uint8_t kWord = kLetter | kMark;
    if (c.bits & kWord) return text.run(at, kWord);  // [\p{L}\p{M}]+
    const Cursor::Char next = text.at(at + c.length);
    if (!(c.bits & (kNewline | kSign)) && (next.bits & kWord))
      return text.run(at + c.length, kWord);  // [^\r\n\p{L}\p{P}\p{S}][\p{L}\p{M}]+
    if ((c.bits & kSign) || (text.byte(at) == ' ' && (next.bits & kSign)))
      return text.run(text.run(at + (text.byte(at) == ' '), kSign), kNewline);
    return c.bits & kSpace ? text.spaces(at, true) : at;
  }

  static bool is_ascii_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
};

// `Next` gives the end of the match at a place, or the place itself where none begins.
template <typename Next>
class KnownPattern : public Pattern {
 public:
  void find_all(std::string_view text, std::vector<Span>& matches) const override {
    const Cursor cursor(text);
    const Next next;
    for (size_t at = 0; at < text.size();) {
      const size_t end = next(cursor, at);
      if (end > at) {
        matches.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
        at = end;
      } else {
        at += unicode::length_at(text, at);
      }
    }
  }
};

class DeepSeekCjk : public Pattern {
 public:
  void find_all(std::string_view text, std::vector<Span>& matches) const override {
    uint32_t begin = 0;
    bool inside = false;
    for (size_t at = 0; at < text.size();) {
      const uint32_t start = static_cast<uint32_t>(at);
      const char32_t c = unicode::next(text, at);
      const bool cjk = (c >= 0x4E00 && c <= 0x9FA5) || (c >= 0x3040 && c <= 0x30FF);
      if (cjk && !inside) begin = start;
      if (!cjk && inside) matches.push_back({begin, start});
      inside = cjk;
    }
    if (inside) matches.push_back({begin, static_cast<uint32_t>(text.size())});
  }
};

// Of each run of spaces what lies before its last line end, or all of it at the end of the text.
class TrailingSpaces : public Pattern {
 public:
  void find_all(std::string_view text, std::vector<Span>& matches) const override {
    for (size_t at = 0; at < text.size();) {
      const size_t begin = at;
      size_t line_end = begin;
      while (at < text.size()) {
        size_t next = at;
        if (!unicode::is_white_space(unicode::next(text, next))) break;
        if (text[at] == '\n') line_end = at;
        at = next;
      }
      if (at == text.size()) line_end = at;
      if (line_end > begin)
        matches.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(line_end)});
      if (at == begin) at += unicode::length_at(text, at);
    }
  }
};

}  // namespace

std::unique_ptr<const Pattern> make_known_pattern(std::string_view expression) {
  if (expression == kGpt2Expression) return std::make_unique<KnownPattern<Gpt2>>();
  if (expression == kLlama3Expression) return std::make_unique<KnownPattern<Llama3<kLetter, 3>>>();
  if (expression == kQwen2Expression) return std::make_unique<KnownPattern<Llama3<kLetter, 1>>>();
  if (expression == kQwen35Expression)
    return std::make_unique<KnownPattern<Llama3<kLetter | kMark, 1>>>();
  if (expression == kO200kExpression) return std::make_unique<KnownPattern<O200k<true, 3>>>();
  if (expression == kTekkenExpression) return std::make_unique<KnownPattern<O200k<false, 1>>>();
  if (expression == kDeepSeekNumbers) return std::make_unique<KnownPattern<DeepSeekNumbers>>();
  if (expression == kDeepSeekWords) return std::make_unique<KnownPattern<DeepSeekWords>>();
  if (expression == kDeepSeekCjk) return std::make_unique<DeepSeekCjk>();
  if (expression == kTrailingSpaces) return std::make_unique<TrailingSpaces>();
  return nullptr;
}

}  // namespace vecton::tokenizer
