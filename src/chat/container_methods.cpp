#include <algorithm>
#include <array>
#include <cmath>

#include "chat/methods.h"
#include "chat/operators.h"

namespace vecton::chat {

namespace {

Value view_of(Interpreter& interpreter, const Value& self, View::Kind kind) {
  auto view = std::make_unique<View>();
  view->kind = kind;
  view->dict = self;
  return Value::of(Type::kView, interpreter.heap().own(std::move(view), sizeof(View)));
}

Value keys(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  bind("keys", arguments, {});
  return view_of(interpreter, self, View::Kind::kKeys);
}

Value values(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  bind("values", arguments, {});
  return view_of(interpreter, self, View::Kind::kValues);
}

Value items(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  bind("items", arguments, {});
  return view_of(interpreter, self, View::Kind::kItems);
}

Value get(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  if (!arguments.named.empty()) throw Failure("dict.get() takes no keyword arguments");
  const auto given = bind("get", arguments, {"key", "default"}, 1);
  check_hashable(interpreter.heap(), given[0]);
  if (const Value* found = self.get<Dict>().find(given[0])) return *found;
  return given[1].missing() ? Value::none() : given[1];
}

Value copy(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  bind("copy", arguments, {});
  if (self.is(Type::kList)) return interpreter.heap().list(items_of(interpreter.heap(), self));
  return self;  // a dict never changes
}

Value count(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const Value wanted = bind("count", arguments, {"value"}, 1)[0];
  Items all(interpreter.heap(), self);
  int64_t found = 0;
  for (Value item; all.next(item);) found += equal(interpreter.heap(), item, wanted);
  return Value::integer(found);
}

Value index(Interpreter& interpreter, const Value& self, const Arguments& arguments) {
  const auto given = bind("index", arguments, {"value", "start", "stop"}, 1);
  const auto size = static_cast<Int>(length(self));
  const auto bound = [&](const Value& value, Int otherwise) {
    if (value.missing()) return otherwise;
    const Int at = index_of(value);
    return std::clamp(at < 0 ? at + size : at, Int{0}, size);
  };
  const Int start = bound(given[1], 0), stop = bound(given[2], size);
  Items all(interpreter.heap(), self);
  Value item;
  for (Int i = 0; all.next(item) && i < stop; ++i) {
    if (i >= start && equal(interpreter.heap(), item, given[0])) return Value::integer(i);
  }
  throw Failure("the value is not in the " + std::string(type_name(self)));
}

Value is_integer(Interpreter&, const Value& self, const Arguments& arguments) {
  bind("is_integer", arguments, {});
  return Value::boolean(std::isfinite(self.real()) && std::floor(self.real()) == self.real());
}

constexpr Method kDictMethods[] = {
    {"copy", copy}, {"get", get}, {"items", items}, {"keys", keys}, {"values", values}};
constexpr Method kListMethods[] = {{"copy", copy}, {"count", count}, {"index", index}};
constexpr Method kTupleMethods[] = {{"count", count}, {"index", index}};
constexpr Method kFloatMethods[] = {{"is_integer", is_integer}};

template <size_t N>
const Method* find_in(const Method (&methods)[N], std::string_view name) {
  const Method* found = std::find_if(std::begin(methods), std::end(methods),
                                     [&](const Method& method) { return method.name == name; });
  return found == std::end(methods) ? nullptr : found;
}

template <size_t N>
bool is_among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const Method* find_container_method(const Value& value, std::string_view name) {
  switch (value.type()) {
    case Type::kDict:
      return find_in(kDictMethods, name);
    case Type::kList:
      return find_in(kListMethods, name);
    case Type::kTuple:
    case Type::kRange:
      return find_in(kTupleMethods, name);
    case Type::kFloat:
      return find_in(kFloatMethods, name);
    default:
      return nullptr;
  }
}

const Method* find_method(const Value& value, std::string_view name) {
  return value.is_text() ? find_text_method(name) : find_container_method(value, name);
}

bool is_unsafe_attribute(const Value& value, std::string_view name) {
  static constexpr std::array<std::string_view, 8> kList = {"append", "clear",  "extend",  "insert",
                                                            "pop",    "remove", "reverse", "sort"};
  static constexpr std::array<std::string_view, 6> kDict = {"clear",   "fromkeys",   "pop",
                                                            "popitem", "setdefault", "update"};
  static constexpr std::array<std::string_view, 24> kObject = {
      "__class__",   "__contains__", "__delattr__", "__dir__",           "__doc__",
      "__eq__",      "__format__",   "__ge__",      "__getattribute__",  "__gt__",
      "__hash__",    "__init__",     "__le__",      "__init_subclass__", "__lt__",
      "__ne__",      "__new__",      "__reduce__",  "__reduce_ex__",     "__repr__",
      "__setattr__", "__sizeof__",   "__str__",     "__subclasshook__"};
  if (value.is(Type::kList) && is_among(kList, name)) return true;
  if (value.is(Type::kDict) && is_among(kDict, name)) return true;
  return name.starts_with("__") && is_among(kObject, name);
}

}  // namespace vecton::chat
