#include "chat/interpreter.h"

namespace vecton::chat {

Loop::Loop(Heap& heap, Value iterable, size_t depth)
    : heap(heap),
      iterable(std::move(iterable)),
      items(std::in_place, heap, this->iterable),
      depth(depth) {}

bool Loop::next(Value& item) {
  if (!after.missing()) {
    item = std::exchange(after, {});
  } else if (!items || !items->next(item)) {
    return false;
  }
  ++index0;
  before = std::exchange(current, item);
  return true;
}

bool Loop::next_pair(Heap& pair_heap, Value& pair) {
  Value item;
  if (!next(item)) return false;
  pair = pair_heap.tuple({item, Heap::refer(Type::kLoop, this)});
  return true;
}

const Value& Loop::peek() {
  if (after.missing() && items && !items->next(after)) after = {};
  return after;
}

size_t Loop::length() const {
  if (count) return *count;
  if (has_length(iterable)) {
    count = chat::length(iterable);
  } else {
    // Reads the rest ahead, to count it.
    Loop& self = const_cast<Loop&>(*this);
    std::vector<Value> rest;
    if (self.items) {
      for (Value item; self.items->next(item);) rest.push_back(item);
    }
    count = rest.size() + static_cast<size_t>(index0 + 1) + (after.missing() ? 0 : 1);
    self.items.emplace(heap, heap.list(std::move(rest)));
  }
  return *count;
}

std::string Loop::repr() const {
  return "<LoopContext " + std::to_string(index0 + 1) + "/" + std::to_string(length()) + ">";
}

void Loop::finish() {
  length();
  items.reset();
  iterable = before = current = after = {};
  last_changed.clear();
}

}  // namespace vecton::chat
