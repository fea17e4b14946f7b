// The functions that every template has.
#include <algorithm>
#include <map>

#include "chat/interpreter.h"
#include "chat/operators.h"
#include "chat/repr.h"
#include "chat/strftime.h"

namespace vecton::chat {

namespace {

constexpr Int kMaxRange = 100'000;  // as Jinja's sandbox has it

// A function written here.
class NativeFunction : public Callable {
 public:
  using Run = Value (*)(Interpreter&, const Arguments&);
  NativeFunction(std::string name, Run run) : name_(std::move(name)), run_(run) {}

  Value call(Interpreter& interpreter, Arguments arguments) const override {
    return run_(interpreter, arguments);
  }
  std::string repr() const override { return "<function " + name_ + ">"; }

 private:
  const std::string name_;
  const Run run_;
};

Value range(Interpreter& interpreter, const Arguments& arguments) {
  const std::vector<Value>& given = arguments.positional;
  if (!arguments.named.empty()) throw Failure("range() takes no keyword arguments");
  if (given.empty() || given.size() > 3) {
    throw Failure("range expected 1 to 3 arguments, got " + std::to_string(given.size()));
  }
  auto result = std::make_unique<Range>();
  const auto bound = [&](size_t i) {
    check_defined(given[i]);
    if (!given[i].is_integral()) {
      throw Failure("'" + std::string(type_name(given[i])) +
                    "' object cannot be interpreted as an integer");
    }
    constexpr Int kFar = Int{1} << 100;
    if (given[i].integer() > kFar || given[i].integer() < -kFar) {
      throw Failure("range() arguments of more than 100 bits are not supported");
    }
    return given[i].integer();
  };
  if (given.size() > 1) result->start = bound(0);
  result->stop = bound(given.size() > 1 ? 1 : 0);
  if (given.size() > 2) result->step = bound(2);
  if (result->step == 0) throw Failure("range() arg 3 must not be zero");
  if (result->length() > kMaxRange) {
    throw Failure("Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).");
  }
  return Value::of(Type::kRange, interpreter.heap().own(std::move(result), sizeof(Range)));
}

// dict(mapping or pairs, name=value ...)
std::unique_ptr<Dict> make_dict(Interpreter& interpreter, const Arguments& arguments) {
  Heap& heap = interpreter.heap();
  if (arguments.positional.size() > 1) {
    throw Failure("dict expected at most 1 argument, got " +
                  std::to_string(arguments.positional.size()));
  }
  auto dict = std::make_unique<Dict>();
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    check_defined(source);
    if (source.is(Type::kDict)) {
      heap.step(source.get<Dict>().items.size());
      for (const auto& [key, value] : source.get<Dict>().items) dict->set(key, value);
    } else {
      Items items(heap, source);
      for (Value item; items.next(item);) {
        const std::vector<Value> pair = items_of(heap, item);
        if (pair.size() != 2)
          throw Failure("dictionary update sequence element has length " +
                        std::to_string(pair.size()) + "; 2 is required");
        check_hashable(heap, pair[0]);
        dict->set(pair[0], pair[1]);
      }
    }
  }
  for (const auto& [name, value] : arguments.named) dict->set(heap.text(name), value);
  return dict;
}

class DictType : public Callable {
 public:
  Value call(Interpreter& interpreter, Arguments arguments) const override {
    return interpreter.heap().dict(make_dict(interpreter, arguments));
  }
  const char* type_name() const override { return "TemplateDict"; }
  std::string repr() const override { return "<TemplateDict object>"; }
  std::optional<Value> attribute(Interpreter& interpreter, std::string_view name) const override {
    if (name != "fromkeys") return {};
    auto function = std::make_unique<NativeFunction>("fromkeys", from_keys);
    return Value::of(Type::kCallable,
                     interpreter.heap().own(std::move(function), sizeof(NativeFunction)));
  }

 private:
  static Value from_keys(Interpreter& interpreter, const Arguments& arguments) {
    const auto given = bind("fromkeys", arguments, {"iterable", "value"}, 1);
    Heap& heap = interpreter.heap();
    auto dict = std::make_unique<Dict>();
    Items items(heap, given[0]);
    for (Value key; items.next(key);) {
      check_hashable(heap, key);
      dict->set(key, given[1].missing() ? Value::none() : given[1]);
    }
    return heap.dict(std::move(dict));
  }
};

Value make_namespace(Interpreter& interpreter, const Arguments& arguments) {
  Heap& heap = interpreter.heap();
  const std::unique_ptr<Dict> given = make_dict(interpreter, arguments);
  auto object = std::make_unique<Namespace>();
  for (const auto& [key, value] : given->items) {
    if (key.is_text() && key.text().starts_with('_')) {
      throw Failure(
          "Chat templates cannot store underscore-prefixed attributes on a namespace, but got " +
          repr_text(key.text()) + ". Please rename the attribute.");
    }
    object->attributes.set(key, value);
  }
  const size_t bytes = sizeof(Namespace) + bytes_of_items(given->items.size());
  return Heap::refer(Type::kNamespace, heap.keep(std::move(object), bytes));
}

Value raise_exception(Interpreter& interpreter, const Arguments& arguments) {
  const Value message = bind("raise_exception", arguments, {"message"}, 1)[0];
  throw Failure(str(interpreter.heap(), message));
}

Value strftime_now(Interpreter& interpreter, const Arguments& arguments) {
  const Value format = bind("strftime_now", arguments, {"format"}, 1)[0];
  if (!format.is_text())
    throw Failure("strftime() argument 1 must be str, not " + std::string(type_name(format)));
  return interpreter.heap().text(format_time(interpreter.heap(), format.text(), interpreter.now()));
}

// cycler(a, b ...): gives its items in turn.
class Cycler : public Callable {
 public:
  explicit Cycler(std::vector<Value> items) : items_(std::move(items)) {}

  Value call(Interpreter&, Arguments) const override {
    throw Failure("'Cycler' object is not callable");
  }
  const char* type_name() const override { return "Cycler"; }
  std::string repr() const override { return "<Cycler object>"; }
  std::optional<Value> attribute(Interpreter& interpreter, std::string_view name) const override {
    if (name == "current") return items_[at_];
    if (name != "next" && name != "reset") return {};
    auto step = std::make_unique<Step>(*this, name == "next");
    return Value::of(Type::kCallable, interpreter.heap().own(std::move(step), sizeof(Step)));
  }

 private:
  class Step : public Callable {
   public:
    Step(const Cycler& cycler, bool next) : cycler_(cycler), next_(next) {}
    Value call(Interpreter&, Arguments arguments) const override {
      bind("next", arguments, {});
      if (!next_) {
        cycler_.at_ = 0;
        return Value::none();
      }
      const Value item = cycler_.items_[cycler_.at_];
      cycler_.at_ = (cycler_.at_ + 1) % cycler_.items_.size();
      return item;
    }
    std::string repr() const override { return "<bound method>"; }

   private:
    const Cycler& cycler_;
    const bool next_;
  };

  const std::vector<Value> items_;
  mutable size_t at_ = 0;
};

Value make_cycler(Interpreter& interpreter, const Arguments& arguments) {
  if (!arguments.named.empty()) throw Failure("cycler() got an unexpected keyword argument");
  if (arguments.positional.empty()) throw Failure("at least one item has to be provided");
  const size_t bytes = sizeof(Cycler) + arguments.positional.size() * sizeof(Value);
  auto cycler = std::make_unique<Cycler>(arguments.positional);
  return Heap::refer(Type::kCallable, interpreter.heap().keep(std::move(cycler), bytes));
}

// joiner(separator): nothing the first time, the separator afterwards.
class Joiner : public Callable {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}

  Value call(Interpreter&, Arguments arguments) const override {
    bind("joiner", arguments, {});
    return std::exchange(used_, true) ? separator_ : Value::text("");
  }
  const char* type_name() const override { return "Joiner"; }
  std::string repr() const override { return "<Joiner object>"; }

 private:
  const Value separator_;
  mutable bool used_ = false;
};

Value make_joiner(Interpreter& interpreter, const Arguments& arguments) {
  const Value given = bind("joiner", arguments, {"sep"})[0];
  auto joiner = std::make_unique<Joiner>(given.missing() ? Value::text(", ") : given);
  return Heap::refer(Type::kCallable, interpreter.heap().keep(std::move(joiner)));
}

std::map<std::string, Value> all_globals() {
  std::map<std::string, Value> all;
  const auto add = [&](const char* name, NativeFunction::Run run) {
    all.emplace(name, Value::of(Type::kCallable, std::make_shared<NativeFunction>(name, run)));
  };
  add("cycler", make_cycler);
  add("joiner", make_joiner);
  add("namespace", make_namespace);
  add("raise_exception", raise_exception);
  add("range", range);
  add("strftime_now", strftime_now);
  all.emplace("dict", Value::of(Type::kCallable, std::make_shared<DictType>()));
  return all;
}

}  // namespace

const Value* find_global(const std::string& name) {
  static const std::map<std::string, Value> kGlobals = all_globals();
  const auto found = kGlobals.find(name);
  return found == kGlobals.end() ? nullptr : &found->second;
}

}  // namespace vecton::chat
