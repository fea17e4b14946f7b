// Filters that apply a filter, a test or an attribute to each item: map, select, reject ...
#include <optional>

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

// What map() does to one item.
struct Mapping {
  std::string filter;
  Arguments arguments;
  Value attribute, otherwise;

  explicit Mapping(Arg given) {
    if (!given.positional.empty()) {
      filter = name_argument(given.positional[0]);
      arguments = behind(given, 1);
      return;
    }
    for (const auto& [name, argument] : given.named) {
      if (name == "attribute") attribute = argument;
      if (name == "default") otherwise = argument;
    }
    if (attribute.missing()) throw Failure("map requires a filter argument");
    for (const auto& [name, argument] : given.named) {
      if (name != "attribute" && name != "default") {
        throw Failure("Unexpected keyword argument " + repr_text(name));
      }
    }
  }

  Value apply(Interpreter& interpreter, const Value& item) const {
    if (!attribute.missing()) return attribute_of(interpreter, item, attribute, otherwise);
    return interpreter.filter(filter, item, arguments);
  }
};

Value map(Interpreter& interpreter, const Value& value, Arg arguments) {
  Heap& heap = interpreter.heap();
  return heap.iterator([&interpreter, arguments, empty = !truthy(value),
                        mapping = std::optional<Mapping>(),
                        all = LazyItems(heap, value)](Value& item) mutable {
    if (empty) return false;
    if (!mapping) mapping.emplace(arguments);
    if (!all.next(item)) return false;
    item = mapping->apply(interpreter, item);
    return true;
  });
}

// Whether select() takes an item.
template <bool ByAttribute>
struct Selection {
  Value attribute;
  std::string test;  // empty: the truth of the item
  Arguments arguments;

  explicit Selection(Arg given) {
    constexpr size_t kTest = ByAttribute ? 1 : 0;
    if (given.positional.size() < kTest) throw Failure("Missing parameter for attribute name");
    if (ByAttribute) attribute = given.positional[0];
    if (given.positional.size() <= kTest) return;
    test = name_argument(given.positional[kTest]);
    arguments = behind(given, kTest + 1);
  }

  bool holds(Interpreter& interpreter, const Value& item) const {
    const Value subject = ByAttribute ? attribute_of(interpreter, item, attribute) : item;
    return test.empty() ? truthy(subject) : interpreter.test(test, subject, arguments);
  }
};

template <bool Wanted, bool ByAttribute>
Value select(Interpreter& interpreter, const Value& value, Arg arguments) {
  Heap& heap = interpreter.heap();
  return heap.iterator([&interpreter, arguments, empty = !truthy(value),
                        choice = std::optional<Selection<ByAttribute>>(),
                        all = LazyItems(heap, value)](Value& item) mutable {
    if (empty) return false;
    if (!choice) choice.emplace(arguments);
    while (all.next(item)) {
      if (choice->holds(interpreter, item) == Wanted) return true;
    }
    return false;
  });
}

Value attribute(Interpreter& interpreter, const Value& value, Arg arguments) {
  const std::string name = name_argument(bind("attr", arguments, {"name"}, 1)[0]);
  return interpreter.attribute_only(value, name);
}

constexpr Filter kSelectionFilters[] = {
    {"attr", attribute},
    {"map", map},
    {"reject", select<false, false>},
    {"rejectattr", select<false, true>},
    {"select", select<true, false>},
    {"selectattr", select<true, true>},
};

}  // namespace

const Filter* find_selection_filter(std::string_view name) {
  return find_in(kSelectionFilters, name);
}

}  // namespace vecton::chat
