#include <algorithm>
#include <cmath>

#include "chat/iterate.h"
#include "chat/operators.h"
#include "chat/search.h"

namespace vecton::chat {

namespace {

const char* comparison_symbol(Operator op) {
  switch (op) {
    case Operator::kLess:
      return "<";
    case Operator::kLessEqual:
      return "<=";
    case Operator::kGreater:
      return ">";
    default:
      return ">=";
  }
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
  throw Failure("'" + std::string(comparison_symbol(op)) +
                "' not supported between instances of '" + type_name(a) + "' and '" + type_name(b) +
                "'");
}
}  // namespace

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
}  // namespace vecton::chat
