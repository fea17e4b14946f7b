// Going through the items of a value, as Python's iter() does. Used by loops, filters and methods.
#pragma once

#include <optional>
#include <vector>

#include "chat/value.h"

namespace vecton::chat {

class Items {
 public:
  // Throws when the value has no items: "'int' object is not iterable".
  Items(Heap& heap, Value value);

  bool next(Value& item);

 private:
  bool next_of_view(Value& item);

  Heap& heap_;
  Value value_;
  size_t at_ = 0;  // index of the item, byte of a text
};

// The same for generators, which look at the value only when somebody asks for its items.
class LazyItems {
 public:
  LazyItems(Heap& heap, Value value) : heap_(&heap), value_(std::move(value)) {}

  bool next(Value& item) {
    if (!items_) items_.emplace(*heap_, std::move(value_));
    return items_->next(item);
  }

 private:
  Heap* heap_;
  Value value_;
  std::optional<Items> items_;
};

bool is_iterable(const Value& value);
std::vector<Value> items_of(Heap& heap, const Value& value);
// Number of items; throws where Python's len() does.
size_t length(const Value& value);
bool has_length(const Value& value);
// One character of a text.
Value character(Heap& heap, std::string_view text);

}  // namespace vecton::chat
