#include "chat/format.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>

#include "chat/markup.h"
#include "chat/operators.h"
#include "chat/pieces.h"
#include "chat/repr.h"
#include "chat/unicode.h"

namespace vecton::chat {

namespace {

constexpr Int kMaxPrecision = 1000;  // digits that anybody asks for

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The number at `at`, which moves behind it; -1 when there is none.
Int take_number(std::string_view text, size_t& at) {
  if (at >= text.size() || !is_digit(text[at])) return -1;
  Int value = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    value = value * 10 + (text[at] - '0');
    if (value > INT32_MAX) throw Failure("Too many decimal digits in format string");
  }
  return value;
}

struct Spec {
  std::string fill = " ";
  char align = 0, sign = '-', group = 0, type = 0;
  bool alternate = false, no_negative_zero = false;
  Int width = -1, precision = -1;
};

bool is_align(char c) { return c == '<' || c == '>' || c == '=' || c == '^'; }

Spec parse_spec(std::string_view text, const Value& value) {
  const auto invalid = [&]() -> Failure {
    return Failure("Invalid format specifier '" + std::string(text) + "' for object of type '" +
                   type_name(value) + "'");
  };
  Spec spec;
  size_t at = 0, behind = 0;
  if (!text.empty()) unicode::next(text, behind);
  if (behind < text.size() && is_align(text[behind])) {
    spec.fill = text.substr(0, behind);
    spec.align = text[behind];
    at = behind + 1;
  } else if (!text.empty() && is_align(text[0])) {
    spec.align = text[0];
    at = 1;
  }
  const auto peek = [&] { return at < text.size() ? text[at] : '\0'; };
  if (peek() == '+' || peek() == '-' || peek() == ' ') spec.sign = text[at++];
  if (peek() == 'z') {
    spec.no_negative_zero = true;
    ++at;
  }
  if (peek() == '#') {
    spec.alternate = true;
    ++at;
  }
  if (peek() == '0') {
    if (!spec.align) {
      spec.fill = "0";
      if (!value.is_text())
        spec.align = '=';
      else
        spec.align = '<';
    }
    ++at;
  }
  spec.width = take_number(text, at);
  if (peek() == ',' || peek() == '_') spec.group = text[at++];
  if (peek() == '.') {
    ++at;
    spec.precision = take_number(text, at);
    if (spec.precision < 0) throw Failure("Format specifier missing precision");
  }
  if (at < text.size()) spec.type = text[at++];
  if (at < text.size()) throw invalid();
  return spec;
}

std::string grouped(const std::string& digits, char separator, size_t size) {
  if (!separator) return digits;
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % size == 0) out += separator;
    out += digits[i];
  }
  return out;
}

std::string digits_of(unsigned __int128 value, unsigned base, bool upper) {
  const char* kDigits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string out;
  do {
    out += kDigits[static_cast<unsigned>(value % base)];
    value /= base;
  } while (value != 0);
  std::reverse(out.begin(), out.end());
  return out;
}

unsigned __int128 magnitude(Int value) {
  return value < 0 ? -static_cast<unsigned __int128>(value) : static_cast<unsigned __int128>(value);
}

// Sign, prefix and digits of a number put into its width.
std::string laid_out(Heap& heap, const Spec& spec, bool negative, const std::string& prefix,
                     std::string digits, const std::string& rest, size_t group_size) {
  const std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  const std::string head = sign + prefix;
  const char align = spec.align ? spec.align : '>';
  if (align == '=' && spec.fill == "0" && spec.group) {
    // The zeros are grouped too.
    const Int room = std::min(spec.width, static_cast<Int>(kMaxPrecision)) -
                     static_cast<Int>(head.size() + rest.size());
    while (static_cast<Int>(grouped(digits, spec.group, group_size).size()) < room)
      digits.insert(0, "0");
    std::string body = grouped(digits, spec.group, group_size);
    if (static_cast<Int>(body.size()) > room && body[0] == '0' && body.size() > 1 &&
        body[1] == spec.group)
      return head + body + rest;
    return head + body + rest;
  }
  const std::string body = grouped(digits, spec.group, group_size) + rest;
  if (align == '=') {
    return head + pad_text(heap, body, spec.width - static_cast<Int>(head.size()), spec.fill,
                           Align::kRight);
  }
  if (align == '^') {
    const auto size = static_cast<Int>(unicode::length(head + body));
    const Int missing = std::max<Int>(spec.width - size, 0);
    const std::string left = pad_text(heap, "", missing / 2, spec.fill, Align::kLeft);
    return left + pad_text(heap, head + body, spec.width - missing / 2, spec.fill, Align::kLeft);
  }
  return pad_text(heap, head + body, spec.width, spec.fill,
                  align == '<' ? Align::kLeft : Align::kRight);
}

std::string format_text(Heap& heap, const Value& value, const Spec& spec) {
  if ((spec.type && spec.type != 's') || spec.align == '=' || spec.sign != '-' || spec.group ||
      spec.alternate) {
    throw Failure(std::string("Unknown format code '") + (spec.type ? spec.type : '?') +
                  "' for object of type 'str'");
  }
  std::string_view text = value.text();
  if (spec.precision >= 0)
    text = text.substr(0, unicode::offset(text, static_cast<size_t>(spec.precision)));
  Spec left = spec;
  if (!left.align) left.align = '<';
  return laid_out(heap, left, false, "", "", std::string(text), 3);
}

std::string format_float(Heap& heap, double value, Spec spec) {
  const bool plain = spec.type == 0;
  std::string suffix;
  if (spec.type == '%') {
    value *= 100;
    spec.type = 'f';
    suffix = "%";
  }
  bool negative = std::signbit(value) && !std::isnan(value);
  std::string text;
  if (plain && spec.precision < 0) {
    text = repr_float(std::fabs(value));
  } else {
    const char style = plain || spec.type == 'n' ? 'g' : spec.type;
    Int precision = spec.precision < 0 ? 6 : spec.precision;
    text = float_digits(std::fabs(value), style, precision, spec.alternate);
    if (plain && std::isfinite(value)) {  // as g, but never like an integer
      const double exponent = value == 0 ? 0 : std::floor(std::log10(std::fabs(value)));
      if (precision == 0) precision = 1;
      if (exponent >= static_cast<double>(precision - 1) && text.find('e') == std::string::npos) {
        text = float_digits(std::fabs(value), 'e', precision - 1, false);
        const size_t e = text.find('e'), point = text.find('.');
        if (point != std::string::npos) {
          size_t end = e;
          while (text[end - 1] == '0') --end;
          if (text[end - 1] == '.') --end;
          text.erase(end, e - end);
        }
      } else if (text.find_first_of(".e") == std::string::npos) {
        text += ".0";
      }
    }
  }
  if (spec.no_negative_zero && text.find_first_of("123456789") == std::string::npos)
    negative = false;
  const size_t whole = std::isfinite(value) ? text.find_first_not_of("0123456789") : 0;
  const size_t cut = whole == std::string::npos ? text.size() : whole;
  return laid_out(heap, spec, negative, "", text.substr(0, cut), text.substr(cut) + suffix, 3);
}

std::string format_integer(Heap& heap, const Value& value, const Spec& spec) {
  const Int number = value.integer();
  switch (spec.type) {
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case '%':
      return format_float(heap, static_cast<double>(number), spec);
    case 'c': {
      if (number < 0 || number > 0x10FFFF) throw Failure("%c arg not in range(0x110000)");
      std::string text;
      unicode::append(text, static_cast<char32_t>(number));
      Spec left = spec;
      if (!left.align) left.align = '<';
      return laid_out(heap, left, false, "", "", text, 3);
    }
    default:
      break;
  }
  if (spec.precision >= 0) throw Failure("Precision not allowed in integer format specifier");
  const char type = spec.type ? spec.type : 'd';
  const unsigned base = type == 'b' ? 2 : type == 'o' ? 8 : type == 'x' || type == 'X' ? 16 : 10;
  if (base == 10 && type != 'd' && type != 'n') {
    throw Failure(std::string("Unknown format code '") + type + "' for object of type '" +
                  type_name(value) + "'");
  }
  const std::string prefix = spec.alternate && base != 10 ? std::string("0") + type : "";
  return laid_out(heap, spec, number < 0, prefix, digits_of(magnitude(number), base, type == 'X'),
                  "", base == 10 ? 3 : 4);
}

// Puts values into "{}", "{name.part[0]!r:>10}".
class Braces {
 public:
  Braces(Interpreter& interpreter, const Arguments& arguments, bool safe)
      : interpreter_(interpreter), arguments_(arguments), safe_(safe) {}

  std::string run(std::string_view format, int depth) {
    if (depth > 2) throw Failure("Max string recursion exceeded");
    std::string out;
    for (size_t at = 0; at < format.size();) {
      const char c = format[at++];
      if (c != '{' && c != '}') {
        out += c;
      } else if (at < format.size() && format[at] == c && depth == 1) {
        out += c;
        ++at;
      } else if (c == '}') {
        throw Failure("Single '}' encountered in format string");
      } else {
        const size_t end = end_of_field(format, at);
        field(out, format.substr(at, end - at), depth);
        at = end + 1;
        interpreter_.heap().step();
        interpreter_.heap().check_room(out.size());
      }
    }
    return out;
  }

 private:
  static size_t end_of_field(std::string_view format, size_t at) {
    int open = 1;
    bool in_index = false;
    for (; at < format.size(); ++at) {
      if (format[at] == '[' && open == 1) in_index = true;
      if (format[at] == ']') in_index = false;
      if (in_index) continue;
      if (format[at] == '{') ++open;
      if (format[at] == '}' && --open == 0) return at;
    }
    throw Failure("expected '}' before end of string");
  }

  void field(std::string& out, std::string_view text, int depth) {
    size_t name_end = 0;
    bool in_index = false;
    while (name_end < text.size() &&
           (in_index || (text[name_end] != '!' && text[name_end] != ':'))) {
      if (text[name_end] == '[') in_index = true;
      if (text[name_end] == ']') in_index = false;
      ++name_end;
    }
    Value value = lookup(text.substr(0, name_end));
    std::string_view rest = text.substr(name_end);
    if (rest.starts_with('!')) {
      if (rest.size() < 2) throw Failure("end of string while looking for conversion specifier");
      value = converted(value, rest[1]);
      rest.remove_prefix(2);
      if (!rest.empty() && rest[0] != ':') throw Failure("expected ':' after conversion specifier");
    }
    const std::string spec = rest.empty() ? "" : run(rest.substr(1), depth + 1);
    const std::string shown = format_value(interpreter_.heap(), value, spec);
    out += safe_ && depth == 1 && !value.safe() ? escape_markup(shown) : shown;
  }

  Value converted(const Value& value, char how) {
    Heap& heap = interpreter_.heap();
    if (how == 's') return heap.text(str(heap, value));
    if (how == 'r') return heap.text(repr(heap, value));
    throw Failure(std::string("Unknown conversion specifier ") + how);
  }

  // A name or number, then .attribute and [index] parts.
  Value lookup(std::string_view path) {
    size_t at = std::min(path.find_first_of(".["), path.size());
    Value value = first(path.substr(0, at));
    while (at < path.size()) {
      if (path[at] == '.') {
        const size_t end = std::min(path.find_first_of(".[", at + 1), path.size());
        value = interpreter_.attribute(value, std::string(path.substr(at + 1, end - at - 1)));
        at = end;
      } else if (path[at] == '[') {
        const size_t end = path.find(']', at);
        if (end == std::string_view::npos) throw Failure("Missing ']' in format string");
        value = interpreter_.item(value, key(path.substr(at + 1, end - at - 1)));
        at = end + 1;
      } else {
        throw Failure("Only '.' or '[' may follow ']' in format field specifier");
      }
    }
    return value;
  }

  Value key(std::string_view text) {
    if (text.empty()) throw Failure("Empty attribute in format string");
    size_t at = 0;
    const Int number = take_number(text, at);
    if (number >= 0 && at == text.size()) return Value::integer(number);
    return interpreter_.heap().text(std::string(text));
  }

  Value first(std::string_view name) {
    size_t at = 0;
    Int index = take_number(name, at);
    if (name.empty()) {
      if (numbering_ == Numbering::kManual) {
        throw Failure("cannot switch from manual field specification to automatic field numbering");
      }
      numbering_ = Numbering::kAutomatic;
      index = next_++;
    } else if (index < 0 || at < name.size()) {
      for (const auto& [key, value] : arguments_.named) {
        if (key == name) return value;
      }
      throw Failure("'" + std::string(name) + "'");
    } else {
      if (numbering_ == Numbering::kAutomatic) {
        throw Failure("cannot switch from automatic field numbering to manual field specification");
      }
      numbering_ = Numbering::kManual;
    }
    if (index >= static_cast<Int>(arguments_.positional.size())) {
      throw Failure("Replacement index " + repr_int(index) +
                    " out of range for positional args tuple");
    }
    return arguments_.positional[static_cast<size_t>(index)];
  }

  enum class Numbering { kNone, kAutomatic, kManual };

  Interpreter& interpreter_;
  const Arguments& arguments_;
  const bool safe_;
  Numbering numbering_ = Numbering::kNone;
  Int next_ = 0;
};

}  // namespace

std::string float_digits(double value, char style, Int precision, bool keep_point) {
  if (std::isnan(value) || std::isinf(value)) {
    const std::string text = std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
    return std::isupper(static_cast<unsigned char>(style)) ? std::isnan(value) ? "NAN"
                                                             : value > 0       ? "INF"
                                                                               : "-INF"
                                                           : text;
  }
  if (precision > kMaxPrecision)
    throw Failure("a precision of more than 1000 digits is not supported");
  const char pattern[] = {'%', keep_point ? '#' : '-', '.', '*', style, '\0'};
  std::string out(static_cast<size_t>(precision) + 400, '\0');
  const int size =
      std::snprintf(out.data(), out.size(), pattern, static_cast<int>(precision), value);
  out.resize(static_cast<size_t>(size));
  return out;
}

std::string format_value(Heap& heap, const Value& value, std::string_view spec) {
  if (spec.empty()) return str(heap, value);
  if (value.is_text()) return format_text(heap, value, parse_spec(spec, value));
  if (value.is_integral()) {
    const Spec parsed = parse_spec(spec, value);
    if (value.is(Type::kBool) && parsed.type == 's')
      throw Failure("Unknown format code 's' for object of type 'bool'");
    return format_integer(heap, value, parsed);
  }
  if (value.is(Type::kFloat)) {
    const Spec parsed = parse_spec(spec, value);
    if (parsed.type && std::string_view("eEfFgGn%").find(parsed.type) == std::string_view::npos) {
      throw Failure(std::string("Unknown format code '") + parsed.type +
                    "' for object of type 'float'");
    }
    return format_float(heap, value.real(), parsed);
  }
  throw Failure("unsupported format string passed to " + std::string(type_name(value)) +
                ".__format__");
}

std::string format_braces(Interpreter& interpreter, const Value& format,
                          const Arguments& arguments) {
  interpreter.heap().touch(format.text().size());
  return Braces(interpreter, arguments, format.safe()).run(format.text(), 1);
}

}  // namespace vecton::chat
