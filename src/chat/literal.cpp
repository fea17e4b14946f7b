#include "chat/literal.h"

#include <algorithm>
#include <charconv>

#include "chat/lexer.h"
#include "chat/unicode.h"

namespace vecton::chat {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

namespace {

// Bytes of (_?digit)+ or, where `first` holds, digit(_?digit)*, from `at`.
size_t digits_length(std::string_view text, size_t at, int base, bool plain_first) {
  const size_t begin = at;
  while (at < text.size()) {
    size_t next = at;
    if (text[next] == '_' && !(plain_first && at == begin)) ++next;
    if (next >= text.size() || digit_of(text[next]) >= base) break;
    at = next + 1;
  }
  return at - begin;
}

int base_of(std::string_view text) {
  if (text.size() < 3 || text[0] != '0') return 10;
  switch (text[1]) {
    case 'b':
    case 'B':
      return 2;
    case 'o':
    case 'O':
      return 8;
    case 'x':
    case 'X':
      return 16;
    default:
      return 10;
  }
}

std::string without_underscores(std::string_view text) {
  std::string out(text);
  out.erase(std::remove(out.begin(), out.end(), '_'), out.end());
  return out;
}

class Unescaper {
 public:
  Unescaper(std::string_view text, int line) : text_(text), line_(line) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (text_[at_] != '\\') {
        out_ += text_[at_++];
      } else {
        ++at_;
        escape();
      }
    }
    return std::move(out_);
  }

 private:
  void escape() {
    const char c = text_[at_++];
    switch (c) {
      case '\n':
        return;
      case '\\':
      case '\'':
      case '"':
        out_ += c;
        return;
      case 'x':
        return hex(2);
      case 'u':
        return hex(4);
      case 'U':
        return hex(8);
      case 'N':
        syntax_error(line_, "\\N{...} in a text is not supported: write the character");
      default:
        break;
    }
    constexpr std::string_view kNames = "abfnrtv", kCodes = "\a\b\f\n\r\t\v";
    if (const size_t i = kNames.find(c); i != std::string_view::npos) {
      out_ += kCodes[i];
    } else if (c >= '0' && c <= '7') {
      --at_;
      octal();
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      --at_;
      spelled_out();
    } else {
      out_ += {'\\', c};
    }
  }

  void octal() {
    char32_t code = 0;
    for (int i = 0; i < 3 && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '7'; ++i) {
      code = code * 8 + static_cast<char32_t>(text_[at_++] - '0');
    }
    unicode::append(out_, code);
  }

  void hex(int digits) {
    char32_t code = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      if (at_ >= text_.size() || digit_of(text_[at_]) >= 16) {
        syntax_error(line_, "truncated \\" +
                                std::string(digits == 2   ? "xXX"
                                            : digits == 4 ? "uXXXX"
                                                          : "UXXXXXXXX") +
                                " escape");
      }
      code = code * 16 + static_cast<char32_t>(digit_of(text_[at_]));
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
      syntax_error(line_, "an escape in a text is no character");
    }
    unicode::append(out_, code);
  }

  // Jinja escapes such a character before it reads escapes, so that its code becomes text.
  void spelled_out() {
    const char32_t c = unicode::next(text_, at_);
    const int digits = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
    out_ += digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
    for (int i = digits - 1; i >= 0; --i) out_ += "0123456789abcdef"[c >> (4 * i) & 15];
  }

  const std::string_view text_;
  const int line_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

size_t float_length(std::string_view text) {
  const size_t whole = digits_length(text, 0, 10, true);
  if (whole == 0) return 0;
  size_t end = whole;
  bool is_float = false;
  if (end < text.size() && text[end] == '.') {
    const size_t fraction = digits_length(text, end + 1, 10, true);
    if (fraction > 0) {
      end += 1 + fraction;
      is_float = true;
    }
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    size_t power = end + 1;
    if (power < text.size() && (text[power] == '+' || text[power] == '-')) ++power;
    const size_t digits = digits_length(text, power, 10, true);
    if (digits > 0) return power + digits;
  }
  return is_float ? end : 0;
}

size_t integer_length(std::string_view text) {
  if (const int base = base_of(text); base != 10) {
    const size_t digits = digits_length(text, 2, base, false);
    if (digits > 0) return 2 + digits;
  }
  return text[0] == '0' ? digits_length(text, 0, 1, true) : digits_length(text, 0, 10, true);
}

double parse_float(std::string_view text) {
  const std::string plain = without_underscores(text);
  double value = 0;
  const auto result = std::from_chars(plain.data(), plain.data() + plain.size(), value);
  // Out of range: the library that everybody has says whether it is zero or infinite.
  return result.ec == std::errc::result_out_of_range ? std::strtod(plain.c_str(), nullptr) : value;
}

Int parse_integer(std::string_view text, int line) {
  const int base = base_of(text);
  Int value = 0;
  for (const char c : text.substr(base == 10 ? 0 : 2)) {
    if (c == '_') continue;
    if (__builtin_mul_overflow(value, Int{base}, &value) ||
        __builtin_add_overflow(value, Int{digit_of(c)}, &value)) {
      syntax_error(line, "integers of more than 127 bits are not supported");
    }
  }
  return value;
}

std::string unescape_literal(std::string_view quoted, int line) {
  return Unescaper(quoted, line).run();
}

}  // namespace vecton::chat
