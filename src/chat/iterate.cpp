#include "chat/iterate.h"

#include "chat/interpreter.h"
#include "chat/unicode.h"

namespace vecton::chat {

bool is_iterable(const Value& value) {
  switch (value.type()) {
    case Type::kNone:
    case Type::kBool:
    case Type::kInt:
    case Type::kFloat:
    case Type::kNamespace:
    case Type::kCallable:
      return false;
    default:
      return true;
  }
}

Items::Items(Heap& heap, Value value) : heap_(heap), value_(std::move(value)) {
  if (!is_iterable(value_)) {
    throw Failure("'" + std::string(type_name(value_)) + "' object is not iterable");
  }
}

bool Items::next(Value& item) {
  heap_.step();
  switch (value_.type()) {
    case Type::kText: {
      const std::string& text = value_.text();
      if (at_ >= text.size()) return false;
      const size_t begin = at_;
      unicode::next(text, at_);
      item = character(heap_, std::string_view(text).substr(begin, at_ - begin));
      return true;
    }
    case Type::kList:
    case Type::kTuple:
      if (at_ >= value_.items().size()) return false;
      item = value_.items()[at_++];
      return true;
    case Type::kDict: {
      const auto& items = value_.get<Dict>().items;
      if (at_ >= items.size()) return false;
      item = items[at_++].first;
      return true;
    }
    case Type::kRange: {
      const Range& range = value_.get<Range>();
      if (static_cast<Int>(at_) >= range.length()) return false;
      item = Value::integer(range.start + static_cast<Int>(at_++) * range.step);
      return true;
    }
    case Type::kView:
      return next_of_view(item);
    case Type::kIterator: {
      const Heap::Depth depth(heap_);
      return value_.get<Iterator>().next(item);
    }
    case Type::kLoop:
      return value_.get<Loop>().next_pair(heap_, item);
    default:
      return false;
  }
}

bool Items::next_of_view(Value& item) {
  const View& view = value_.get<View>();
  const auto& items = view.dict.get<Dict>().items;
  if (at_ >= items.size()) return false;
  const auto& [key, member] = items[at_++];
  if (view.kind == View::Kind::kItems) {
    item = heap_.tuple({key, member});
  } else {
    item = view.kind == View::Kind::kKeys ? key : member;
  }
  return true;
}

std::vector<Value> items_of(Heap& heap, const Value& value) {
  if (value.is_sequence()) {
    heap.step(value.items().size() / 8);
    heap.check_room(value.items().size() * sizeof(Value));
    return value.items();
  }
  std::vector<Value> out;
  Items items(heap, value);
  for (Value item; items.next(item);) {
    out.push_back(item);
    if (out.size() % 1024 == 0) heap.check_room(out.size() * sizeof(Value));
  }
  return out;
}

bool has_length(const Value& value) { return is_iterable(value) && !value.is(Type::kIterator); }

size_t length(const Value& value) {
  switch (value.type()) {
    case Type::kText:
      return unicode::length(value.text());
    case Type::kList:
    case Type::kTuple:
      return value.items().size();
    case Type::kDict:
      return value.get<Dict>().items.size();
    case Type::kRange:
      return static_cast<size_t>(value.get<Range>().length());
    case Type::kView:
      return length(value.get<View>().dict);
    case Type::kLoop:
      return value.get<Loop>().length();
    case Type::kMissing:
    case Type::kUndefined:
      return 0;
    default:
      throw Failure("object of type '" + std::string(type_name(value)) + "' has no len()");
  }
}

Value character(Heap& heap, std::string_view text) {
  static const auto kCharacters = [] {
    std::vector<Value> all;
    for (int c = 0; c < 128; ++c) all.push_back(Value::text(std::string(1, static_cast<char>(c))));
    return all;
  }();
  if (text.size() == 1 && static_cast<unsigned char>(text[0]) < 128) {
    return kCharacters[static_cast<unsigned char>(text[0])];
  }
  return heap.text(std::string(text));
}

}  // namespace vecton::chat
