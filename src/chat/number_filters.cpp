// Filters that give numbers.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "chat/filters.h"
#include "chat/format.h"
#include "chat/literal.h"
#include "chat/operators.h"
#include "chat/pieces.h"
#include "chat/repr.h"
#include "chat/unicode.h"

namespace vecton::chat {

namespace {

using Arg = const Arguments&;

// Drops the underscores that Python allows between digits; empty where one stands elsewhere.
std::string digits_of_python(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (i == 0 || i + 1 == text.size() || digit_of(text[i - 1]) == 99 ||
               digit_of(text[i + 1]) == 99) {
      return "";
    }
  }
  return out;
}

// Decimal digits of every script as those of ASCII, other characters as they are.
std::string with_ascii_digits(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = unicode::next(text, at);
    char32_t zero = c;  // scripts have their digits in a row
    if (c >= 128 && unicode::is_decimal(c)) {
      while (unicode::is_decimal(zero - 1)) --zero;
      unicode::append(out, '0' + (c - zero) % 10);
    } else {
      unicode::append(out, c);
    }
  }
  return out;
}

// int(text, base), or nothing when that is no integer.
std::optional<Int> parse_int(std::string_view text, Int base) {
  if (base != 0 && (base < 2 || base > 36)) return {};
  text = strip_space(text, Side::kBoth);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto prefixed = [&](char letter, int meant) {
    if (text.size() < 2 || text[0] != '0' || (text[1] | 32) != letter) return false;
    if (base != 0 && base != meant) return false;
    base = meant;
    text.remove_prefix(2);
    if (text.starts_with('_')) text.remove_prefix(1);
    return true;
  };
  if (!prefixed('x', 16) && !prefixed('o', 8) && !prefixed('b', 2) && base == 0) {
    if (text.size() > 1 && text[0] == '0' && text.find_first_not_of("0_") != std::string_view::npos)
      return {};
    base = 10;
  }
  const std::string digits = digits_of_python(text);
  if (digits.empty()) return {};
  Int value = 0;
  for (const char c : digits) {
    if (digit_of(c) >= base) return {};
    value = checked_add(checked_multiply(value, base), digit_of(c));
  }
  return negative ? -value : value;
}

// float(text), or nothing when that is no number.
std::optional<double> parse_real(std::string_view text) {
  text = strip_space(text, Side::kBoth);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::string plain = digits_of_python(text);
  if (plain.empty() || plain[0] == '-') return {};
  std::string lower = plain;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
  double value = 0;
  if (lower == "inf" || lower == "infinity") {
    value = HUGE_VAL;
  } else if (lower == "nan") {
    value = std::nan("");
  } else {
    if (lower.find_first_not_of("0123456789.e+-") != std::string::npos) return {};
    const auto parsed = std::from_chars(lower.data(), lower.data() + lower.size(), value);
    if (parsed.ptr != lower.data() + lower.size()) return {};
    if (parsed.ec == std::errc::result_out_of_range) {
      value = std::strtod(lower.c_str(), nullptr);
    } else if (parsed.ec != std::errc()) {
      return {};
    }
  }
  return negative ? -value : value;
}

Int truncated(double value) {
  if (std::isnan(value)) throw Failure("cannot convert float NaN to integer");
  if (std::isinf(value)) throw Failure("cannot convert float infinity to integer");
  if (std::fabs(value) >= 1.7e38) throw Failure("integers of more than 127 bits are not supported");
  return static_cast<Int>(value);
}

Value to_int(Interpreter&, const Value& value, Arg arguments) {
  const auto given = bind("int", arguments, {"default", "base"});
  const Value otherwise = given[0].missing() ? Value::integer(0) : given[0];
  check_defined(value);
  if (value.is_integral()) return Value::integer(value.integer());
  if (value.is(Type::kFloat)) {
    return std::isnan(value.real()) ? otherwise : Value::integer(truncated(value.real()));
  }
  if (!value.is_text()) return otherwise;
  const std::string text = with_ascii_digits(value.text());
  if (const auto parsed = parse_int(text, given[1].missing() ? 10 : index_of(given[1]))) {
    return Value::integer(*parsed);
  }
  const auto real = parse_real(text);
  return real && std::isfinite(*real) ? Value::integer(truncated(*real)) : otherwise;
}

Value to_float(Interpreter&, const Value& value, Arg arguments) {
  const Value given = bind("float", arguments, {"default"})[0];
  check_defined(value);
  if (value.is_number()) return Value::real(value.number());
  if (value.is_text()) {
    if (const auto parsed = parse_real(with_ascii_digits(value.text()))) {
      return Value::real(*parsed);
    }
  }
  return given.missing() ? Value::real(0) : given;
}

Value absolute(Interpreter&, const Value& value, Arg arguments) {
  bind("abs", arguments, {});
  check_defined(value);
  if (value.is(Type::kFloat)) return Value::real(std::fabs(value.real()));
  if (!value.is_integral()) {
    throw Failure("bad operand type for abs(): '" + std::string(type_name(value)) + "'");
  }
  return value.integer() < 0 ? negate(value) : Value::integer(value.integer());
}

Int power_of_ten(Int exponent) {
  Int power = 1;
  for (Int i = 0; i < exponent; ++i) power = checked_multiply(power, 10);
  return power;
}

// To a multiple of 10 ** digits, halves to the even one.
Int rounded_to_power(Int value, Int digits) {
  if (digits > 38) return 0;
  const Int unit = power_of_ten(digits);
  Int rest = value % unit;
  if (rest < 0) rest += unit;
  const Int floor = value - rest;
  const bool odd = floor / unit % 2 != 0;
  return rest > unit - rest || (rest == unit - rest && odd) ? checked_add(floor, unit) : floor;
}

// To so many decimal digits, correctly: by the exact decimal value of the float.
double rounded(double value, Int digits) {
  if (!std::isfinite(value) || value == 0 || digits > 330) return value;
  if (digits >= 0) return std::strtod(float_digits(value, 'f', digits, false).c_str(), nullptr);
  if (digits < -310) return std::copysign(0.0, value);
  const std::string scientific = float_digits(value, 'e', 0, false);
  const Int exponent = std::stoi(scientific.substr(scientific.find('e') + 1));
  if (exponent + digits >= 0) {
    return std::strtod(float_digits(value, 'e', exponent + digits, false).c_str(), nullptr);
  }
  const double unit = std::pow(10.0, static_cast<double>(-digits));
  return std::fabs(value) > unit / 2 ? std::copysign(unit, value) : std::copysign(0.0, value);
}

Value round_filter(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind("round", arguments, {"precision", "method"});
  const std::string method = given[1].missing() ? "common" : str(interpreter.heap(), given[1]);
  if (method != "common" && method != "ceil" && method != "floor") {
    throw Failure("method must be common, ceil or floor");
  }
  const Int digits = given[0].missing() || given[0].is_none() ? 0 : index_of(given[0]);
  check_defined(value);
  if (!value.is_number()) {
    throw Failure("type " + std::string(type_name(value)) + " doesn't define __round__ method");
  }
  if (method == "common") {
    if (value.is(Type::kFloat)) return Value::real(rounded(value.real(), digits));
    return Value::integer(digits >= 0 ? value.integer()
                                      : rounded_to_power(value.integer(), -digits));
  }
  Heap& heap = interpreter.heap();
  const Value power =
      arithmetic(heap, Operator::kPower, Value::integer(10), Value::integer(digits));
  const Value scaled = arithmetic(heap, Operator::kMultiply, value, power);
  const Value whole = scaled.is(Type::kFloat)
                          ? Value::integer(truncated(method == "ceil" ? std::ceil(scaled.real())
                                                                      : std::floor(scaled.real())))
                          : scaled;
  return arithmetic(heap, Operator::kDivide, whole, power);
}

Value file_size(Interpreter&, const Value& value, Arg arguments) {
  const bool binary = truthy(bind("filesizeformat", arguments, {"binary"})[0]);
  check_defined(value);
  double bytes = 0;
  if (value.is_number()) {
    bytes = value.number();
  } else if (const auto parsed = value.is_text() ? parse_real(value.text()) : std::nullopt) {
    bytes = *parsed;
  } else {
    throw Failure("filesizeformat: expected a number, not " + std::string(type_name(value)));
  }
  const double base = binary ? 1024 : 1000;
  if (bytes == 1) return Value::text("1 Byte");
  if (bytes < base) return Value::text(repr_int(truncated(bytes)) + " Bytes");
  constexpr char kPrefixes[] = {'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'};
  double unit = base;
  for (size_t i = 0;; ++i) {
    unit *= base;
    if (bytes < unit || i + 1 == std::size(kPrefixes)) {
      const char prefix = binary && i == 0 ? 'K' : kPrefixes[i];
      return Value::text(float_digits(base * bytes / unit, 'f', 1, false) + " " + prefix +
                         (binary ? "iB" : "B"));
    }
  }
}

Value length_filter(Interpreter&, const Value& value, Arg arguments) {
  bind("length", arguments, {});
  return Value::integer(static_cast<Int>(length(value)));
}

Value sum(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind("sum", arguments, {"attribute", "start"});
  Value total = given[1].missing() ? Value::integer(0) : given[1];
  if (total.is_text()) throw Failure("sum() can't sum strings [use ''.join(seq) instead]");
  Items items(interpreter.heap(), value);
  for (Value item; items.next(item);) {
    if (!given[0].missing()) item = attribute_of(interpreter, item, given[0]);
    total = arithmetic(interpreter.heap(), Operator::kAdd, total, item);
  }
  return total;
}

constexpr Filter kNumberFilters[] = {
    {"abs", absolute},
    {"count", length_filter},
    {"filesizeformat", file_size},
    {"float", to_float},
    {"int", to_int},
    {"length", length_filter},
    {"round", round_filter},
    {"sum", sum},
};

}  // namespace

const Filter* find_number_filter(std::string_view name) { return find_in(kNumberFilters, name); }

}  // namespace vecton::chat
