// Filters that order, group and cut sequences.
#include <algorithm>
#include <map>
#include <optional>

#include "chat/filters.h"
#include "chat/operators.h"
#include "chat/repr.h"
#include "chat/unicode.h"

namespace vecton::chat {

namespace {

using Arg = const Arguments&;

Value to_list(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("list", arguments, {});
  return interpreter.heap().list(items_of(interpreter.heap(), value));
}

Value default_filter(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind("default", arguments, {"default_value", "boolean"});
  if (!value.undefined() && !value.missing() && !(truthy(given[1]) && !truthy(value))) return value;
  return given[0].missing() ? interpreter.heap().text("") : given[0];
}

Value first(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("first", arguments, {});
  Items items(interpreter.heap(), value);
  Value item;
  return items.next(item) ? item
                          : interpreter.heap().undefined("No first item, sequence was empty.");
}

bool is_reversible(const Value& value) {
  return is_iterable(value) && !value.is(Type::kIterator) && !value.is(Type::kLoop);
}

Value last(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("last", arguments, {});
  if (!is_reversible(value)) {
    throw Failure("'" + std::string(type_name(value)) + "' object is not reversible");
  }
  std::vector<Value> items = items_of(interpreter.heap(), value);
  return items.empty() ? interpreter.heap().undefined("No last item, sequence was empty.")
                       : items.back();
}

// An iterator over items that are known already.
Value iterator_over(Heap& heap, std::vector<Value> items) {
  return heap.iterator([all = Items(heap, heap.list(std::move(items)))](Value& item) mutable {
    return all.next(item);
  });
}

Value reverse(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("reverse", arguments, {});
  Heap& heap = interpreter.heap();
  if (value.is_text()) {
    return slice(heap, value, {}, {}, Value::integer(-1));
  }
  if (!is_iterable(value)) throw Failure("argument must be iterable");
  std::vector<Value> items = items_of(heap, value);
  std::reverse(items.begin(), items.end());
  return is_reversible(value) ? iterator_over(heap, std::move(items)) : heap.list(std::move(items));
}

Value items_filter(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("items", arguments, {});
  Heap& heap = interpreter.heap();
  return heap.iterator([&heap, value, at = size_t{0}](Value& item) mutable {
    if (value.undefined()) return false;
    if (!value.is(Type::kDict)) throw Failure("Can only get item pairs from a mapping.");
    const auto& items = value.get<Dict>().items;
    if (at >= items.size()) return false;
    const auto& [key, member] = items[at++];
    item = heap.tuple({key, member});
    return true;
  });
}

struct Keyed {
  Value key, item;
};

void sort_by_key(Heap& heap, std::vector<Keyed>& items, bool reversed) {
  heap.step(items.size());
  std::stable_sort(items.begin(), items.end(), [&](const Keyed& a, const Keyed& b) {
    return reversed ? less(heap, b.key, a.key) : less(heap, a.key, b.key);
  });
}

// The keys of a comma-separated list of attributes.
Value keys_of(Interpreter& interpreter, const Value& item, const Value& attribute, bool with_case) {
  std::vector<Value> keys;
  const auto add = [&](const Value& path) {
    const Value key = attribute_of(interpreter, item, path);
    keys.push_back(with_case ? key : without_case(interpreter, key));
  };
  if (attribute.is_text()) {
    const std::string_view text = attribute.text();
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(',', begin), text.size());
      add(Value::text(std::string(text.substr(begin, end - begin))));
      begin = end + 1;
    }
  } else {
    add(attribute);
  }
  return interpreter.heap().list(std::move(keys));
}

Value items_in_order(Heap& heap, std::vector<Keyed> keyed, bool reversed) {
  sort_by_key(heap, keyed, reversed);
  std::vector<Value> items;
  items.reserve(keyed.size());
  for (Keyed& entry : keyed) items.push_back(std::move(entry.item));
  return heap.list(std::move(items));
}

Value sort(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  std::vector<Keyed> keyed;
  Items items(interpreter.heap(), value);
  for (Value item; items.next(item);) {
    keyed.push_back({keys_of(interpreter, item, given[2], truthy(given[1])), item});
  }
  return items_in_order(interpreter.heap(), std::move(keyed), truthy(given[0]));
}

Value dict_sort(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const std::string by = given[1].missing() ? "key" : str(interpreter.heap(), given[1]);
  if (by != "key" && by != "value") {
    throw Failure("You can only sort by either \"key\" or \"value\"");
  }
  check_defined(value);
  if (!value.is(Type::kDict)) {
    throw Failure("'" + std::string(type_name(value)) + "' object has no attribute 'items'");
  }
  std::vector<Keyed> keyed;
  for (const auto& [key, item] : value.get<Dict>().items) {
    const Value& order = by == "key" ? key : item;
    keyed.push_back({truthy(given[0]) ? order : without_case(interpreter, order),
                     interpreter.heap().tuple({key, item})});
  }
  return items_in_order(interpreter.heap(), std::move(keyed), truthy(given[2]));
}

Value unique(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind("unique", arguments, {"case_sensitive", "attribute"});
  Heap& heap = interpreter.heap();
  return heap.iterator([&interpreter, &heap, with_case = truthy(given[0]), attribute = given[1],
                        all = LazyItems(heap, value),
                        seen = std::map<Value, bool, KeyLess>()](Value& item) mutable {
    while (all.next(item)) {
      Value key = attribute_of(interpreter, item, attribute);
      if (!with_case) key = without_case(interpreter, key);
      check_hashable(heap, key);
      if (seen.emplace(key, true).second) {
        heap.check_room(seen.size() * 128);
        return true;
      }
    }
    return false;
  });
}

template <bool Greatest>
Value extreme(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind(Greatest ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  Heap& heap = interpreter.heap();
  Items items(heap, value);
  Value best, best_key;
  for (Value item; items.next(item);) {
    Value key = attribute_of(interpreter, item, given[1]);
    if (!truthy(given[0])) key = without_case(interpreter, key);
    if (best_key.missing() || (Greatest ? less(heap, best_key, key) : less(heap, key, best_key))) {
      best = item;
      best_key = key;
    }
  }
  return best_key.missing() ? heap.undefined("No aggregated item, sequence was empty.") : best;
}

Value group_by(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  const bool with_case = truthy(given[2]);
  Heap& heap = interpreter.heap();
  std::vector<Keyed> keyed;
  Items all(heap, value);
  for (Value item; all.next(item);) {
    const Value key = attribute_of(interpreter, item, given[0], given[1]);
    keyed.push_back({with_case ? key : without_case(interpreter, key), item});
  }
  sort_by_key(heap, keyed, false);
  std::vector<Value> groups;
  for (size_t begin = 0; begin < keyed.size();) {
    std::vector<Value> members;
    size_t end = begin;
    for (; end < keyed.size() && equal(heap, keyed[begin].key, keyed[end].key); ++end) {
      members.push_back(keyed[end].item);
    }
    if (end == begin) members.push_back(keyed[end++].item);  // not even equal to itself
    const Value key = attribute_of(interpreter, members[0], given[0], given[1]);
    groups.push_back(heap.group(key, heap.list(std::move(members))));
    begin = end;
  }
  return heap.list(std::move(groups));
}

Value batch(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind("batch", arguments, {"linecount", "fill_with"}, 1);
  Heap& heap = interpreter.heap();
  return heap.iterator([&heap, lines = given[0], fill = given[1], all = LazyItems(heap, value),
                        pending = Value(), ended = false](Value& out) mutable {
    if (ended) return false;
    const Int size = index_of(lines);
    std::vector<Value> row;
    if (!pending.missing()) row.push_back(std::exchange(pending, {}));
    for (Value item; all.next(item);) {
      if (static_cast<Int>(row.size()) == size) {
        pending = item;
        out = heap.list(std::move(row));
        return true;
      }
      row.push_back(item);
    }
    ended = true;
    if (row.empty()) return false;
    if (!fill.missing() && !fill.is_none() && static_cast<Int>(row.size()) < size) {
      if (size > static_cast<Int>(heap.limits().memory / sizeof(Value)))
        heap.check_room(heap.limits().memory + 1);
      heap.check_room(static_cast<size_t>(size) * sizeof(Value));
      row.resize(static_cast<size_t>(size), fill);
    }
    out = heap.list(std::move(row));
    return true;
  });
}

// The rows of slice(): as many as asked for, the first ones longer where it does not come out even.
std::vector<Value> slices_of(Heap& heap, const Value& value, Int slices, const Value& fill) {
  const std::vector<Value> items = items_of(heap, value);
  if (slices == 0) throw Failure("integer division or modulo by zero");
  const auto count = static_cast<Int>(items.size());
  const Int size = slices < 0 ? 0 : count / slices, extra = slices < 0 ? 0 : count % slices;
  std::vector<Value> rows;
  auto begin = items.begin();
  for (Int i = 0; i < slices; ++i) {
    const auto end = begin + static_cast<ptrdiff_t>(size + (i < extra ? 1 : 0));
    std::vector<Value> row(begin, end);
    if (i >= extra && !fill.missing() && !fill.is_none()) row.push_back(fill);
    rows.push_back(heap.list(std::move(row)));
    heap.step();
    begin = end;
  }
  return rows;
}

Value slice_filter(Interpreter& interpreter, const Value& value, Arg arguments) {
  const auto given = bind("slice", arguments, {"slices", "fill_with"}, 1);
  Heap& heap = interpreter.heap();
  return heap.iterator(
      [&heap, value, given, rows = std::optional<LazyItems>()](Value& item) mutable {
        if (!rows) {
          rows.emplace(heap, heap.list(slices_of(heap, value, index_of(given[0]), given[1])));
        }
        return rows->next(item);
      });
}

constexpr Filter kSequenceFilters[] = {
    {"batch", batch},        {"d", default_filter},   {"default", default_filter},
    {"dictsort", dict_sort}, {"first", first},        {"groupby", group_by},
    {"items", items_filter}, {"last", last},          {"list", to_list},
    {"max", extreme<true>},  {"min", extreme<false>}, {"reverse", reverse},
    {"slice", slice_filter}, {"sort", sort},          {"unique", unique},
};

}  // namespace

const Filter* find_sequence_filter(std::string_view name) {
  return find_in(kSequenceFilters, name);
}

}  // namespace vecton::chat
