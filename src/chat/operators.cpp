#include "chat/operators.h"

#include <algorithm>
#include <cmath>

#include "chat/iterate.h"
#include "chat/markup.h"
#include "chat/repr.h"
#include "chat/search.h"
#include "chat/unicode.h"

namespace vecton::chat {

namespace {

[[noreturn]] void overflow() { throw Failure("integers of more than 127 bits are not supported"); }

const char* symbol(Operator op) {
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
    case Operator::kPower:
      return "** or pow()";
    case Operator::kLess:
      return "<";
    case Operator::kLessEqual:
      return "<=";
    case Operator::kGreater:
      return ">";
    case Operator::kGreaterEqual:
      return ">=";
    default:
      return "?";
  }
}

[[noreturn]] void wrong_types(Operator op, const Value& a, const Value& b) {
  const std::string x = type_name(a), y = type_name(b);
  if (op == Operator::kAdd && (a.is_text() || a.is_sequence())) {
    throw Failure("can only concatenate " + x + " (not \"" + y + "\") to " + x);
  }
  throw Failure("unsupported operand type(s) for " + std::string(symbol(op)) + ": '" + x +
                "' and '" + y + "'");
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
        .text((a.safe() ? a.text() : escape(a.text())) + (b.safe() ? b.text() : escape(b.text())))
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

bool equal_items(Heap& heap, const std::vector<Value>& a, const std::vector<Value>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!same_object(a[i], b[i]) && !equal(heap, a[i], b[i])) return false;
  }
  return true;
}

bool equal_dicts(Heap& heap, const Dict& a, const Dict& b) {
  if (a.items.size() != b.items.size()) return false;
  for (const auto& [key, value] : a.items) {
    const Value* other = b.find(key);
    if (!other || (!same_object(value, *other) && !equal(heap, value, *other))) return false;
  }
  return true;
}

bool equal_views(Heap& heap, const Value& a, const Value& b) {
  const View &x = a.get<View>(), &y = b.get<View>();
  if (x.kind != y.kind || x.kind == View::Kind::kValues) return a.object() == b.object();
  const Dict &first = x.dict.get<Dict>(), &second = y.dict.get<Dict>();
  if (x.kind == View::Kind::kItems) return equal_dicts(heap, first, second);
  return first.items.size() == second.items.size() &&
         std::all_of(first.items.begin(), first.items.end(),
                     [&](const auto& item) { return second.find(item.first) != nullptr; });
}

bool equal_ranges(const Range& a, const Range& b) {
  const Int length = a.length();
  return length == b.length() && (length == 0 || a.start == b.start) &&
         (length < 2 || a.step == b.step);
}

// Of numbers: -1, 0, 1, or 2 where there is no order.
int order_of_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) {
    return a.integer() < b.integer() ? -1 : a.integer() > b.integer();
  }
  const double x = a.number(), y = b.number();
  return std::isnan(x) || std::isnan(y) ? 2 : x < y ? -1 : x > y;
}

// The order of two values: -1, 0, 1, or 2 where numbers have none. `op` is named in the error.
int order(Heap& heap, Operator op, const Value& a, const Value& b) {
  const Heap::Depth depth(heap);
  heap.step();
  check_defined(a);
  check_defined(b);
  if (a.is_number() && b.is_number()) return order_of_numbers(a, b);
  if (a.is_text() && b.is_text()) {
    heap.touch(std::min(a.text().size(), b.text().size()));
    const int result = a.text().compare(b.text());
    return result < 0 ? -1 : result > 0;
  }
  if (a.is_sequence() && a.type() == b.type()) {
    const auto &x = a.items(), &y = b.items();
    for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
      if (!same_object(x[i], y[i]) && !equal(heap, x[i], y[i])) return order(heap, op, x[i], y[i]);
    }
    return x.size() < y.size() ? -1 : x.size() > y.size();
  }
  throw Failure("'" + std::string(symbol(op)) + "' not supported between instances of '" +
                type_name(a) + "' and '" + type_name(b) + "'");
}

struct Bounds {
  Int start, count, step;
};

// What slice.indices() gives for a sequence of `size` items.
Bounds bounds(const Value& start, const Value& stop, const Value& step, Int size) {
  constexpr Int kFar = Int{1} << 62;  // beyond every sequence
  const auto given = [](const Value& value) { return !value.missing() && !value.is_none(); };
  const Int by = given(step) ? std::clamp(index_of(step), -kFar, kFar) : 1;
  if (by == 0) throw Failure("slice step cannot be zero");
  const Int least = by > 0 ? 0 : -1, most = by > 0 ? size : size - 1;
  const auto clamp = [&](const Value& value, Int otherwise) {
    if (!given(value)) return otherwise;
    const Int index = std::clamp(index_of(value), -kFar, kFar);
    return std::clamp(index < 0 ? index + size : index, least, most);
  };
  const Int from = clamp(start, by > 0 ? least : most), to = clamp(stop, by > 0 ? most : least);
  const Int count = by > 0 ? (from < to ? (to - from - 1) / by + 1 : 0)
                           : (from > to ? (from - to - 1) / -by + 1 : 0);
  return {from, count, by};
}

Value slice_text(Heap& heap, const Value& value, const Bounds& part) {
  const std::string_view text = value.text();
  heap.touch(text.size());
  std::string out;
  if (part.step == 1) {
    const size_t begin = unicode::offset(text, static_cast<size_t>(part.start));
    const std::string_view rest = text.substr(begin);
    out = rest.substr(0, unicode::offset(rest, static_cast<size_t>(part.count)));
  } else {
    std::vector<size_t> starts;
    for (size_t at = 0; at < text.size(); unicode::next(text, at)) starts.push_back(at);
    for (Int i = 0; i < part.count; ++i) {
      const size_t begin = starts[static_cast<size_t>(part.start + i * part.step)];
      size_t end = begin;
      unicode::next(text, end);
      out += text.substr(begin, end - begin);
    }
  }
  return heap.text(std::move(out)).as_safe(value.safe());
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

bool same_object(const Value& a, const Value& b) {
  if (a.type() != b.type()) return a.missing() + b.missing() + a.undefined() + b.undefined() == 2;
  switch (a.type()) {
    case Type::kBool:
    case Type::kInt:
      return a.integer() == b.integer();
    case Type::kFloat:
      return a.real() == b.real();
    case Type::kText:
      return a.object() == b.object() || a.text() == b.text();
    default:
      return a.object() == b.object();
  }
}

bool equal(Heap& heap, const Value& a, const Value& b) {
  const Heap::Depth depth(heap);
  heap.step();
  if (a.is_number() && b.is_number()) return order_of_numbers(a, b) == 0;
  if (a.type() != b.type()) return (a.undefined() || a.missing()) && (b.undefined() || b.missing());
  switch (a.type()) {
    case Type::kMissing:
    case Type::kUndefined:
    case Type::kNone:
      return true;
    case Type::kText:
      heap.touch(std::min(a.text().size(), b.text().size()));
      return a.text() == b.text();
    case Type::kList:
    case Type::kTuple:
      return equal_items(heap, a.items(), b.items());
    case Type::kDict:
      return equal_dicts(heap, a.get<Dict>(), b.get<Dict>());
    case Type::kRange:
      return equal_ranges(a.get<Range>(), b.get<Range>());
    case Type::kView:
      return equal_views(heap, a, b);
    default:
      return a.object() == b.object();
  }
}

bool less(Heap& heap, const Value& a, const Value& b) {
  return order(heap, Operator::kLess, a, b) == -1;
}

bool compare(Heap& heap, Operator op, const Value& a, const Value& b) {
  switch (op) {
    case Operator::kEqual:
      return equal(heap, a, b);
    case Operator::kNotEqual:
      return !equal(heap, a, b);
    case Operator::kIn:
      return contains(heap, b, a);
    case Operator::kNotIn:
      return !contains(heap, b, a);
    case Operator::kLess:
      return order(heap, op, a, b) == -1;
    case Operator::kLessEqual:
      return order(heap, op, a, b) <= 0;
    case Operator::kGreater:
      return order(heap, op, a, b) == 1;
    default: {
      const int result = order(heap, op, a, b);
      return result == 0 || result == 1;
    }
  }
}

void check_hashable(Heap& heap, const Value& key) {
  const Heap::Depth depth(heap);
  switch (key.type()) {
    case Type::kList:
    case Type::kDict:
    case Type::kView:
      throw Failure("unhashable type: '" + std::string(type_name(key)) + "'");
    case Type::kTuple:
      for (const Value& item : key.items()) check_hashable(heap, item);
      break;
    default:
      break;
  }
}

bool contains(Heap& heap, const Value& container, const Value& item) {
  if (container.is_text()) {
    if (!item.is_text()) {
      throw Failure("'in <string>' requires string as left operand, not " +
                    std::string(type_name(item)));
    }
    heap.touch(container.text().size());
    return find_text(container.text(), item.text()) != std::string::npos;
  }
  if (container.is(Type::kDict)) {
    check_hashable(heap, item);
    return container.get<Dict>().find(item) != nullptr;
  }
  if (container.is(Type::kView) && container.get<View>().kind == View::Kind::kKeys) {
    return contains(heap, container.get<View>().dict, item);
  }
  if (!is_iterable(container)) {
    throw Failure("argument of type '" + std::string(type_name(container)) + "' is not iterable");
  }
  Items items(heap, container);
  for (Value candidate; items.next(candidate);) {
    if (same_object(candidate, item) || equal(heap, candidate, item)) return true;
  }
  return false;
}

Int index_of(const Value& value) {
  check_defined(value);
  if (!value.is_integral()) {
    throw Failure("slice indices must be integers or None or have an __index__ method");
  }
  return value.integer();
}

Value slice(Heap& heap, const Value& value, const Value& start, const Value& stop,
            const Value& step) {
  check_defined(value);
  if (!value.is_text() && !value.is_sequence() && !value.is(Type::kRange)) {
    throw Failure("'" + std::string(type_name(value)) + "' object is not subscriptable");
  }
  const Bounds part = bounds(start, stop, step, static_cast<Int>(length(value)));
  if (value.is_text()) return slice_text(heap, value, part);
  if (value.is(Type::kRange)) {
    const Range& range = value.get<Range>();
    auto result = std::make_unique<Range>();
    result->start = range.start + part.start * range.step;
    result->step = checked_multiply(range.step, part.step);
    result->stop = result->start + part.count * result->step;
    return Value::of(Type::kRange, heap.own(std::move(result), sizeof(Range)));
  }
  std::vector<Value> items;
  for (Int i = 0; i < part.count; ++i) {
    items.push_back(value.items()[static_cast<size_t>(part.start + i * part.step)]);
  }
  return value.is(Type::kList) ? heap.list(std::move(items)) : heap.tuple(std::move(items));
}

}  // namespace vecton::chat
