// "%s" % values.
#include <algorithm>
#include <cmath>

#include "chat/format.h"
#include "chat/markup.h"
#include "chat/operators.h"
#include "chat/pieces.h"
#include "chat/repr.h"
#include "chat/unicode.h"

namespace vecton::chat {

namespace {

class Percent {
 public:
  Percent(Heap& heap, const Value& format, const Value& values)
      : heap_(heap), format_(format.text()), safe_(format.safe()), values_(values) {}

  std::string run() {
    while (at_ < format_.size()) {
      const char c = format_[at_++];
      if (c != '%') {
        out_ += c;
      } else {
        conversion();
        heap_.step();
        heap_.check_room(out_.size());
      }
    }
    if (values_.is(Type::kTuple) && used_ < values_.items().size() && !by_name_) leftover();
    if (used_ == 0 && !by_name_ && !may_be_left()) leftover();
    return std::move(out_);
  }

 private:
  // Python looks into these for names, and so does not mind when there are none.
  bool may_be_left() const {
    switch (values_.type()) {
      case Type::kTuple:
      case Type::kDict:
      case Type::kList:
      case Type::kRange:
      case Type::kMissing:
      case Type::kUndefined:
        return true;
      default:
        return false;
    }
  }

  [[noreturn]] static void leftover() {
    throw Failure("not all arguments converted during string formatting");
  }

  char peek() const { return at_ < format_.size() ? format_[at_] : '\0'; }

  void conversion() {
    left_ = plus_ = space_ = zero_ = alternate_ = false;
    named_ = {};
    if (peek() == '(') name();
    flags();
    width_ = number(true);
    if (width_ < 0) {
      left_ = left_ || width_ < -1;
      width_ = width_ < -1 ? -width_ : 0;
    }
    precision_ = -1;
    if (peek() == '.') {
      ++at_;
      precision_ = std::max<Int>(number(false), 0);
    }
    while (peek() == 'l' || peek() == 'h' || peek() == 'L') ++at_;
    if (at_ >= format_.size()) throw Failure("incomplete format");
    convert(format_[at_++]);
  }

  void name() {
    if (!values_.is(Type::kDict)) throw Failure("format requires a mapping");
    const size_t begin = ++at_;
    for (int open = 1; open > 0; ++at_) {
      if (at_ >= format_.size()) throw Failure("incomplete format key");
      if (format_[at_] == '(') ++open;
      if (format_[at_] == ')') --open;
    }
    const std::string key = format_.substr(begin, at_ - begin - 1);
    const Value* found = values_.get<Dict>().find(key);
    if (!found) throw Failure("'" + key + "'");
    named_ = *found;
    by_name_ = true;
  }

  void flags() {
    for (;; ++at_) {
      switch (peek()) {
        case '-':
          left_ = true;
          break;
        case '+':
          plus_ = true;
          break;
        case ' ':
          space_ = true;
          break;
        case '#':
          alternate_ = true;
          break;
        case '0':
          zero_ = true;
          break;
        default:
          return;
      }
    }
  }

  // A width or precision; -1 when there is none.
  Int number(bool is_width) {
    if (peek() == '*') {
      ++at_;
      const Value value = next();
      if (!value.is_integral()) throw Failure("* wants int");
      const Int given = value.integer();
      if (given < -INT32_MAX || given > INT32_MAX) throw Failure("width too big");
      return is_width && given < 0 ? std::min<Int>(given, -2) : given;
    }
    if (peek() < '0' || peek() > '9') return -1;
    Int value = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      value = value * 10 + (peek() - '0');
      if (value > INT32_MAX) throw Failure("width too big");
    }
    return value;
  }

  Value next() {
    if (values_.is(Type::kTuple)) {
      if (used_ < values_.items().size()) return values_.items()[used_++];
    } else if (used_ == 0) {
      ++used_;
      return values_;
    }
    throw Failure("not enough arguments for format string");
  }

  void convert(char type) {
    if (type == '%') {
      out_ += '%';
      return;
    }
    const Value value = named_.missing() ? next() : named_;
    switch (type) {
      case 's':
      case 'r':
      case 'a':
        return text(type == 's' ? shown(value) : repr(heap_, value));
      case 'c':
        return text(character(value));
      case 'd':
      case 'i':
      case 'u':
      case 'o':
      case 'x':
      case 'X':
        return integer(value, type);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        return real(value, type);
      default:
        throw Failure(std::string("unsupported format character '") + type + "'");
    }
  }

  std::string shown(const Value& value) {
    const std::string text = str(heap_, value);
    return safe_ && !value.safe() ? escape_markup(text) : text;
  }

  std::string character(const Value& value) {
    if (value.is_text() && unicode::length(value.text()) == 1) return value.text();
    if (!value.is_integral() || value.integer() < 0 || value.integer() > 0x10FFFF) {
      throw Failure("%c requires int or char");
    }
    std::string out;
    unicode::append(out, static_cast<char32_t>(value.integer()));
    return out;
  }

  void text(const std::string& value) {
    std::string_view shown = value;
    if (precision_ >= 0)
      shown = shown.substr(0, unicode::offset(shown, static_cast<size_t>(precision_)));
    out_ += pad_text(heap_, shown, width_, " ", left_ ? Align::kLeft : Align::kRight);
  }

  void integer(const Value& value, char type) {
    check_defined(value);
    Int number;
    if (value.is_integral()) {
      number = value.integer();
    } else if (value.is(Type::kFloat) && (type == 'd' || type == 'i' || type == 'u')) {
      if (!(std::fabs(value.real()) < 1e38)) throw Failure("cannot convert float to integer");
      number = static_cast<Int>(value.real());
    } else {
      throw Failure(std::string("%") + type + " format: " +
                    (type == 'd' || type == 'i' || type == 'u' ? "a real number" : "an integer") +
                    " is required, not " + type_name(value));
    }
    const char base = type == 'i' || type == 'u' ? 'd' : type;
    const Int magnitude = number < 0 ? negate(Value::integer(number)).integer() : number;
    std::string digits = format_value(heap_, Value::integer(magnitude), std::string(1, base));
    if (precision_ > static_cast<Int>(digits.size())) {
      digits = pad_text(heap_, digits, precision_, "0", Align::kRight);
    }
    const std::string prefix = alternate_ && base != 'd' ? std::string("0") + base : "";
    laid_out(number < 0, prefix, digits);
  }

  void real(const Value& value, char type) {
    check_defined(value);
    if (!value.is_number()) {
      throw Failure("must be real number, not " + std::string(type_name(value)));
    }
    const double number = value.number();
    laid_out(std::signbit(number) && !std::isnan(number), "",
             float_digits(std::fabs(number), type, precision_ < 0 ? 6 : precision_, alternate_));
  }

  void laid_out(bool negative, const std::string& prefix, const std::string& digits) {
    const std::string head = (negative ? "-" : plus_ ? "+" : space_ ? " " : "") + prefix;
    if (zero_ && !left_) {
      out_ += head +
              pad_text(heap_, digits, width_ - static_cast<Int>(head.size()), "0", Align::kRight);
    } else {
      out_ += pad_text(heap_, head + digits, width_, " ", left_ ? Align::kLeft : Align::kRight);
    }
  }

  Heap& heap_;
  const std::string& format_;
  const bool safe_;
  const Value& values_;
  size_t at_ = 0, used_ = 0;
  bool by_name_ = false, left_ = false, plus_ = false, space_ = false, zero_ = false,
       alternate_ = false;
  Int width_ = 0, precision_ = -1;
  Value named_;
  std::string out_;
};

}  // namespace

Value format_percent(Heap& heap, const Value& format, const Value& values) {
  heap.touch(format.text().size());
  return heap.text(Percent(heap, format, values).run()).as_safe(format.safe());
}

}  // namespace vecton::chat
