// Filters that apply a filter, a test or an attribute to each item: map, select, reject ...
#include "chat/filters.h"
#include "chat/operators.h"
#include "chat/repr.h"

namespace vecton::chat {

namespace {

using Arg = const Arguments&;

// The arguments without the first `count` positional ones.
Arguments behind(Arg arguments, size_t count) {
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() + static_cast<ptrdiff_t>(count));
  return rest;
}

std::string name_argument(const Value& value) {
  if (!value.is_text()) throw Failure("expected the name of a filter or test");
  return value.text();
}

Value nothing(Heap& heap) {
  return heap.iterator([](Value&) { return false; });
}

Value map(Interpreter& interpreter, const Value& value, Arg arguments) {
  Heap& heap = interpreter.heap();
  if (!truthy(value)) return nothing(heap);
  if (arguments.positional.empty()) {
    Value attribute, otherwise;
    for (const auto& [name, argument] : arguments.named) {
      if (name == "attribute") {
        attribute = argument;
      } else if (name == "default") {
        otherwise = argument;
      }
    }
    if (attribute.missing()) throw Failure("map requires a filter argument");
    for (const auto& [name, argument] : arguments.named) {
      if (name != "attribute" && name != "default") {
        throw Failure("Unexpected keyword argument " + repr_text(name));
      }
    }
    return heap.iterator(
        [&interpreter, attribute, otherwise, all = Items(heap, value)](Value& item) mutable {
          if (!all.next(item)) return false;
          item = attribute_of(interpreter, item, attribute, otherwise);
          return true;
        });
  }
  return heap.iterator([&interpreter, name = name_argument(arguments.positional[0]),
                        rest = behind(arguments, 1),
                        all = Items(heap, value)](Value& item) mutable {
    if (!all.next(item)) return false;
    item = interpreter.filter(name, item, rest);
    return true;
  });
}

template <bool Wanted, bool ByAttribute>
Value select(Interpreter& interpreter, const Value& value, Arg arguments) {
  Heap& heap = interpreter.heap();
  if (!truthy(value)) return nothing(heap);
  constexpr size_t kTest = ByAttribute ? 1 : 0;
  if (arguments.positional.size() < kTest) throw Failure("Missing parameter for attribute name");
  const Value attribute = ByAttribute ? arguments.positional[0] : Value();
  const bool tested = arguments.positional.size() > kTest;
  const std::string name = tested ? name_argument(arguments.positional[kTest]) : "";
  return heap.iterator([&interpreter, attribute, tested, name,
                        rest = behind(arguments, tested ? kTest + 1 : kTest),
                        all = Items(heap, value)](Value& item) mutable {
    while (all.next(item)) {
      const Value subject = ByAttribute ? attribute_of(interpreter, item, attribute) : item;
      const bool holds = tested ? interpreter.test(name, subject, rest) : truthy(subject);
      if (holds == Wanted) return true;
    }
    return false;
  });
}

Value attribute(Interpreter& interpreter, const Value& value, Arg arguments) {
  const std::string name = name_argument(bind("attr", arguments, {"name"}, 1)[0]);
  return interpreter.attribute_only(value, name);
}

constexpr Filter kFilters[] = {
    {"attr", attribute},
    {"map", map},
    {"reject", select<false, false>},
    {"rejectattr", select<false, true>},
    {"select", select<true, false>},
    {"selectattr", select<true, true>},
};

}  // namespace

const Filter* find_selection_filter(std::string_view name) { return find_in(kFilters, name); }

}  // namespace vecton::chat
