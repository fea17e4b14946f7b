#include "chat/unicode.h"

#include <algorithm>
#include <iterator>

namespace vecton::chat::unicode {

namespace {

// Differences to the simple mappings of a character.
struct Record {
  uint16_t flags;
  int32_t upper, lower, title;
};

// A mapping to more than one character.
struct Special {
  char32_t from;
  const char* to;
};

#include "chat/unicode_tables.inc"

const Record& record(char32_t c) {
  if (c > 0x10FFFF) return kRecords[0];
  return kRecords[kRecordOf[kBlockOf[c / kBlock] * kBlock + c % kBlock]];
}

bool has(char32_t c, uint16_t flag) { return (record(c).flags & flag) != 0; }

template <size_t N>
bool append_special(std::string& out, const Special (&table)[N], char32_t c) {
  const Special* found =
      std::lower_bound(std::begin(table), std::end(table), c,
                       [](const Special& special, char32_t code) { return special.from < code; });
  if (found == std::end(table) || found->from != c) return false;
  out += found->to;
  return true;
}

void append_upper(std::string& out, char32_t c) {
  if (!append_special(out, kUpperSpecial, c)) append(out, c + record(c).upper);
}

void append_title(std::string& out, char32_t c) {
  if (!append_special(out, kTitleSpecial, c)) append(out, c + record(c).title);
}

// The sigma at the end of a word has a form of its own.
constexpr char32_t kSigma = 0x3A3, kSmallSigma = 0x3C3, kFinalSigma = 0x3C2;

struct Cursor {
  std::string_view text;
  size_t begin, end;  // of the character being mapped
};

char32_t previous(std::string_view text, size_t& at) {
  at = utf8::previous(text, at);
  return utf8::decode(text, at).code;
}

bool is_final_sigma(const Cursor& cursor) {
  size_t at = cursor.begin;
  bool after_cased = false;
  while (at > 0) {
    const char32_t c = previous(cursor.text, at);
    if (has(c, kIgnorable)) continue;
    after_cased = has(c, kCased);
    break;
  }
  if (!after_cased) return false;
  for (at = cursor.end; at < cursor.text.size();) {
    const char32_t c = next(cursor.text, at);
    if (!has(c, kIgnorable)) return !has(c, kCased);
  }
  return true;
}

void append_lower(std::string& out, char32_t c, const Cursor& cursor) {
  if (c == kSigma) {
    append(out, is_final_sigma(cursor) ? kFinalSigma : kSmallSigma);
  } else if (!append_special(out, kLowerSpecial, c)) {
    append(out, c + record(c).lower);
  }
}

}  // namespace

char32_t next(std::string_view text, size_t& at) {
  const utf8::Character c = utf8::decode(text, at);
  at += c.valid ? c.bytes : 1;
  return c.code;
}

size_t offset(std::string_view text, size_t index) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (!utf8::begins_character(text[at])) continue;
    if (index-- == 0) return at;
  }
  return at;
}

std::string valid(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) append(out, next(text, at));
  return out;
}

bool is_alpha(char32_t c) { return has(c, kAlpha); }
bool is_decimal(char32_t c) { return has(c, kDecimal); }
bool is_digit(char32_t c) { return has(c, kDigit); }
bool is_numeric(char32_t c) { return has(c, kNumeric); }
bool is_space(char32_t c) { return has(c, kSpace); }
bool is_printable(char32_t c) { return has(c, kPrintable); }
bool is_lower(char32_t c) { return has(c, kLower); }
bool is_upper(char32_t c) { return has(c, kUpper); }
bool is_title(char32_t c) { return has(c, kTitle); }
bool is_identifier_start(char32_t c) { return has(c, kStart); }
bool is_identifier(char32_t c) { return has(c, kContinue); }

std::string upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) append_upper(out, next(text, at));
  return out;
}

std::string lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = next(text, at);
    append_lower(out, c, {text, begin, at});
  }
  return out;
}

std::string casefold(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next(text, at);
    if (append_special(out, kFoldSpecial, c) || append_special(out, kLowerSpecial, c)) continue;
    append(out, c + record(c).lower);
  }
  return out;
}

std::string capitalize(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = next(text, at);
    if (begin == 0) {
      append_title(out, c);
    } else {
      append_lower(out, c, {text, begin, at});
    }
  }
  return out;
}

std::string title(std::string_view text) {
  std::string out;
  bool in_word = false;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = next(text, at);
    if (in_word) {
      append_lower(out, c, {text, begin, at});
    } else {
      append_title(out, c);
    }
    in_word = has(c, kCased);
  }
  return out;
}

std::string swapcase(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = next(text, at);
    if (has(c, kUpper)) {
      append_lower(out, c, {text, begin, at});
    } else if (has(c, kLower)) {
      append_upper(out, c);
    } else {
      append(out, c);
    }
  }
  return out;
}

}  // namespace vecton::chat::unicode
