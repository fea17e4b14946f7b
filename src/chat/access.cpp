#include <algorithm>

#include "chat/filters.h"
#include "chat/interpreter.h"
#include "chat/methods.h"
#include "chat/operators.h"
#include "chat/repr.h"
#include "chat/unicode.h"

namespace vecton::chat {

namespace {

// value.method, not called yet.
class BoundMethod : public Callable {
 public:
  BoundMethod(const Method& method, Value self) : method_(method), self_(std::move(self)) {}

  Value call(Interpreter& interpreter, Arguments arguments) const override {
    return method_.run(interpreter, self_, arguments);
  }
  const char* type_name() const override { return "builtin_function_or_method"; }
  std::string repr() const override {
    return "<built-in method " + std::string(method_.name) + " of " + chat::type_name(self_) +
           " object>";
  }

 private:
  const Method& method_;
  const Value self_;
};

// loop.cycle and loop.changed.
class LoopMethod : public Callable {
 public:
  LoopMethod(Loop& loop, bool cycle) : loop_(loop), cycle_(cycle) {}

  Value call(Interpreter& interpreter, Arguments arguments) const override {
    if (!arguments.named.empty()) {
      throw Failure("got an unexpected keyword argument '" + arguments.named[0].first + "'");
    }
    const std::vector<Value>& values = arguments.positional;
    if (cycle_) {
      if (values.empty()) throw Failure("no items for cycling given");
      return values[static_cast<size_t>(loop_.index0) % values.size()];
    }
    if (loop_.was_changed && same(interpreter.heap(), loop_.last_changed, values)) {
      return Value::boolean(false);
    }
    loop_.was_changed = true;
    loop_.last_changed = values;
    return Value::boolean(true);
  }
  const char* type_name() const override { return "method"; }
  std::string repr() const override { return "<bound method>"; }

 private:
  static bool same(Heap& heap, const std::vector<Value>& a, const std::vector<Value>& b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(),
                      [&](const Value& x, const Value& y) { return equal(heap, x, y); });
  }

  Loop& loop_;
  const bool cycle_;
};

Value loop_attribute(Heap& heap, const Value& object, const std::string& name) {
  Loop& loop = object.get<Loop>();
  const auto number = [](int64_t value) { return Value::integer(value); };
  const auto length = [&] { return static_cast<int64_t>(loop.length()); };
  if (name == "index") return number(loop.index0 + 1);
  if (name == "index0") return number(loop.index0);
  if (name == "first") return Value::boolean(loop.index0 == 0);
  if (name == "last") return Value::boolean(loop.peek().missing());
  if (name == "length") return number(length());
  if (name == "revindex") return number(length() - loop.index0);
  if (name == "revindex0") return number(length() - loop.index0 - 1);
  if (name == "depth") return number(static_cast<int64_t>(loop.depth) + 1);
  if (name == "depth0") return number(static_cast<int64_t>(loop.depth));
  if (name == "previtem") {
    return loop.index0 == 0 || loop.before.missing() ? heap.undefined("there is no previous item")
                                                     : loop.before;
  }
  if (name == "nextitem") {
    return loop.peek().missing() ? heap.undefined("there is no next item") : loop.peek();
  }
  if (name == "cycle" || name == "changed") {
    auto method = std::make_unique<LoopMethod>(loop, name == "cycle");
    return Value::of(Type::kCallable, heap.own(std::move(method), sizeof(LoopMethod)));
  }
  return {};
}

Value range_attribute(const Range& range, std::string_view name) {
  if (name == "start") return Value::integer(range.start);
  if (name == "stop") return Value::integer(range.stop);
  if (name == "step") return Value::integer(range.step);
  return {};
}

// What object.name is when it is no element; missing when there is none.
Value own_attribute(Interpreter& interpreter, const Value& object, const std::string& name) {
  Heap& heap = interpreter.heap();
  if (const Method* method = find_method(object, name)) {
    auto bound = std::make_unique<BoundMethod>(*method, object);
    return Value::of(Type::kCallable, heap.own(std::move(bound), sizeof(BoundMethod)));
  }
  if (is_unsafe_attribute(object, name)) {
    return heap.undefined("access to attribute " + repr_text(name) + " of '" + type_name(object) +
                          "' object is unsafe.");
  }
  switch (object.type()) {
    case Type::kLoop:
      return loop_attribute(heap, object, name);
    case Type::kRange:
      return range_attribute(object.get<Range>(), name);
    case Type::kNamespace: {
      const Value* value = object.get<Namespace>().attributes.find(name);
      return value ? *value : Value();
    }
    case Type::kTuple:
      if (!object.get<Sequence>().group) return {};
      return name == "grouper" ? object.items()[0] : name == "list" ? object.items()[1] : Value();
    case Type::kCallable:
      return object.get<Callable>().attribute(interpreter, name).value_or(Value());
    default:
      return {};
  }
}

std::string described(const Value& object) {
  if (object.is_none()) return "None";
  const std::string name = type_name(object);
  if (object.is(Type::kNamespace)) return "jinja2.utils.Namespace object";
  if (object.is(Type::kLoop)) return "jinja2.runtime.LoopContext object";
  return name + " object";
}

Value no_attribute(Heap& heap, const Value& object, const std::string& name) {
  return heap.undefined(repr_text(described(object)) + " has no attribute " + repr_text(name));
}

// The element of a sequence or text, or missing.
Value element(Heap& heap, const Value& object, Int index) {
  const auto size = static_cast<Int>(length(object));
  if (index < -size || index >= size) return {};
  if (index < 0) index += size;
  switch (object.type()) {
    case Type::kText: {
      const std::string_view text = object.text();
      heap.touch(text.size());
      const size_t begin = unicode::offset(text, static_cast<size_t>(index));
      size_t end = begin;
      unicode::next(text, end);
      return character(heap, text.substr(begin, end - begin)).as_safe(object.safe());
    }
    case Type::kRange:
      return Value::integer(object.get<Range>().start + index * object.get<Range>().step);
    default:
      return object.items()[static_cast<size_t>(index)];
  }
}

}  // namespace

Value Interpreter::attribute(const Value& object, const std::string& name) {
  if (!is_unsafe_attribute(object, name)) check_defined(object);
  Value value = own_attribute(*this, object, name);
  if (!value.missing()) return value;
  if (object.is(Type::kDict)) {
    if (const Value* found = object.get<Dict>().find(name)) return *found;
  }
  return no_attribute(heap_, object, name);
}

Value Interpreter::attribute_only(const Value& object, const std::string& name) {
  check_defined(object);
  Value value = own_attribute(*this, object, name);
  return value.missing() ? no_attribute(heap_, object, name) : value;
}

Value Interpreter::item(const Value& object, const Value& key) {
  check_defined(object);
  if (object.is(Type::kDict)) {
    if (key.is(Type::kList) || key.is(Type::kDict) || key.is(Type::kView)) {
      return heap_.undefined("dict object has no element " + repr(heap_, key));
    }
    check_hashable(heap_, key);
    if (const Value* found = object.get<Dict>().find(key)) return *found;
  } else if (key.is_integral() &&
             (object.is_text() || object.is_sequence() || object.is(Type::kRange))) {
    const Value found = element(heap_, object, key.integer());
    if (!found.missing()) return found;
  }
  if (!key.is_text()) {
    return heap_.undefined(described(object) + " has no element " + repr(heap_, key));
  }
  const Value value = own_attribute(*this, object, key.text());
  return value.missing() ? no_attribute(heap_, object, key.text()) : value;
}

}  // namespace vecton::chat
