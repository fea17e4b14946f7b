#include <algorithm>
#include <cmath>

#include "chat/markup.h"
#include "chat/operators.h"

namespace vecton::chat {

namespace {

[[noreturn]] void overflow() { throw Failure("integers of more than 127 bits are not supported"); }
const char* arithmetic_symbol(Operator op) {
  switch (op) {
    case Operator::kAdd:
      return "+";
    case Operator::kSubtract:
      return "-";
    case Operator::kMultiply:
      return "*";
    case Operator::kDivide:
      return "/";
    case Operator::kFloorDivide:
      return "//";
    case Operator::kModulo:
      return "%";
    default:
      return "** or pow()";
  }
}

[[noreturn]] void wrong_types(Operator op, const Value& a, const Value& b) {
  const std::string x = type_name(a), y = type_name(b);
  if (op == Operator::kAdd && (a.is_text() || a.is_sequence())) {
    throw Failure("can only concatenate " + x + " (not \"" + y + "\") to " + x);
  }
  throw Failure("unsupported operand type(s) for " + std::string(arithmetic_symbol(op)) + ": '" +
                x + "' and '" + y + "'");
}

Int floor_divide(Int a, Int b) {
  if (b == 0) throw Failure("integer division or modulo by zero");
  if (b == -1) {
    Int result;
    if (__builtin_sub_overflow(Int{0}, a, &result)) overflow();
    return result;
  }
  const Int quotient = a / b;
  return a % b != 0 && (a % b < 0) != (b < 0) ? quotient - 1 : quotient;
}

double divide(Int a, Int b) {
  constexpr Int kExact = Int{1} << 53;  // a double holds every integer up to here
  if (a >= -kExact && a <= kExact && b >= -kExact && b <= kExact) {
    return static_cast<double>(a) / static_cast<double>(b);
  }
  return static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b));
}

Int modulo(Int a, Int b) {
  if (b == 0) throw Failure("integer modulo by zero");
  if (b == -1) return 0;
  const Int rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

Int power(Int base, Int exponent) {
  Int result = 1;
  while (exponent > 0) {
    if (exponent & 1) result = checked_multiply(result, base);
    exponent >>= 1;
    if (exponent > 0) {
      if (base == 0 || base == 1) return result * base;
      base = checked_multiply(base, base);
    }
  }
  return result;
}

double float_modulo(double a, double b) {
  if (b == 0) throw Failure("float modulo");
  double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  if ((rest < 0) != (b < 0)) rest += b;
  return rest;
}

double float_floor_divide(double a, double b) {
  if (b == 0) throw Failure("float floor division by zero");
  double rest = std::fmod(a, b), quotient = (a - rest) / b;
  if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floor = std::floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

double float_power(double a, double b) {
  if (a == 0 && b < 0) throw Failure("0.0 cannot be raised to a negative power");
  const double result = std::pow(a, b);
  if (std::isnan(result) && !std::isnan(a) && !std::isnan(b)) {
    throw Failure("complex numbers are not supported");
  }
  if (std::isinf(result) && std::isfinite(a) && std::isfinite(b)) {
    throw Failure("Numerical result out of range");
  }
  return result;
}

Value integer_arithmetic(Operator op, Int a, Int b) {
  switch (op) {
    case Operator::kAdd:
      return Value::integer(checked_add(a, b));
    case Operator::kSubtract: {
      Int result;
      if (__builtin_sub_overflow(a, b, &result)) overflow();
      return Value::integer(result);
    }
    case Operator::kMultiply:
      return Value::integer(checked_multiply(a, b));
    case Operator::kDivide:
      if (b == 0) throw Failure("division by zero");
      return Value::real(divide(a, b));
    case Operator::kFloorDivide:
      return Value::integer(floor_divide(a, b));
    case Operator::kModulo:
      return Value::integer(modulo(a, b));
    default:
      if (b < 0) return Value::real(float_power(static_cast<double>(a), static_cast<double>(b)));
      return Value::integer(power(a, b));
  }
}

Value float_arithmetic(Operator op, double a, double b) {
  switch (op) {
    case Operator::kAdd:
      return Value::real(a + b);
    case Operator::kSubtract:
      return Value::real(a - b);
    case Operator::kMultiply:
      return Value::real(a * b);
    case Operator::kDivide:
      if (b == 0) throw Failure("float division by zero");
      return Value::real(a / b);
    case Operator::kFloorDivide:
      return Value::real(float_floor_divide(a, b));
    case Operator::kModulo:
      return Value::real(float_modulo(a, b));
    default:
      return Value::real(float_power(a, b));
  }
}

Value add(Heap& heap, const Value& a, const Value& b) {
  if (a.is_text() && b.is_text()) {
    const bool safe = a.safe() || b.safe();
    heap.check_room(a.text().size() + b.text().size());
    if (!safe) return heap.text(a.text() + b.text());
    return heap
        .text((a.safe() ? a.text() : escape_markup(a.text())) +
              (b.safe() ? b.text() : escape_markup(b.text())))
        .as_safe(true);
  }
  if (a.is_sequence() && a.type() == b.type()) {
    heap.check_room((a.items().size() + b.items().size()) * sizeof(Value));
    std::vector<Value> items;
    items.reserve(a.items().size() + b.items().size());
    items.insert(items.end(), a.items().begin(), a.items().end());
    items.insert(items.end(), b.items().begin(), b.items().end());
    return a.is(Type::kList) ? heap.list(std::move(items)) : heap.tuple(std::move(items));
  }
  wrong_types(Operator::kAdd, a, b);
}

Value repeat(Heap& heap, const Value& value, Int count) {
  const size_t size = value.is_text() ? value.text().size() : value.items().size() * sizeof(Value);
  const Int times = size == 0 ? 0 : std::max<Int>(count, 0);
  if (size > 0 && times > static_cast<Int>(heap.limits().memory / size)) {
    heap.check_room(heap.limits().memory + 1);
  }
  heap.check_room(size * static_cast<size_t>(times));
  if (value.is_text()) {
    std::string out;
    out.reserve(size * static_cast<size_t>(times));
    for (Int i = 0; i < times; ++i) out += value.text();
    return heap.text(std::move(out)).as_safe(value.safe());
  }
  std::vector<Value> items;
  items.reserve(value.items().size() * static_cast<size_t>(times));
  for (Int i = 0; i < times; ++i) {
    items.insert(items.end(), value.items().begin(), value.items().end());
  }
  return value.is(Type::kList) ? heap.list(std::move(items)) : heap.tuple(std::move(items));
}
}  // namespace

Int checked_add(Int a, Int b) {
  Int result;
  if (__builtin_add_overflow(a, b, &result)) overflow();
  return result;
}

Int checked_multiply(Int a, Int b) {
  Int result;
  if (__builtin_mul_overflow(a, b, &result)) overflow();
  return result;
}

void check_defined(const Value& value) {
  if (value.undefined()) throw Failure(value.get<Undefined>().message);
  if (value.missing()) throw Failure("a value is undefined");
}

Value arithmetic(Heap& heap, Operator op, const Value& a, const Value& b) {
  if (op == Operator::kModulo && a.is_text()) return format_percent(heap, a, b);
  check_defined(a);
  check_defined(b);
  if (a.is_integral() && b.is_integral()) return integer_arithmetic(op, a.integer(), b.integer());
  if (a.is_number() && b.is_number()) return float_arithmetic(op, a.number(), b.number());
  if (op == Operator::kAdd) return add(heap, a, b);
  if (op == Operator::kMultiply) {
    const bool first = a.is_text() || a.is_sequence(), second = b.is_text() || b.is_sequence();
    if (first && b.is_integral()) return repeat(heap, a, b.integer());
    if (second && a.is_integral()) return repeat(heap, b, a.integer());
    if (first || second) {
      throw Failure("can't multiply sequence by non-int of type '" +
                    std::string(type_name(first ? b : a)) + "'");
    }
  }
  wrong_types(op, a, b);
}

Value negate(const Value& value) {
  check_defined(value);
  if (value.is(Type::kFloat)) return Value::real(-value.real());
  if (!value.is_integral()) {
    throw Failure("bad operand type for unary -: '" + std::string(type_name(value)) + "'");
  }
  return integer_arithmetic(Operator::kSubtract, 0, value.integer());
}

Value positive(const Value& value) {
  check_defined(value);
  if (value.is(Type::kFloat)) return value;
  if (!value.is_integral()) {
    throw Failure("bad operand type for unary +: '" + std::string(type_name(value)) + "'");
  }
  return Value::integer(value.integer());
}
}  // namespace vecton::chat
