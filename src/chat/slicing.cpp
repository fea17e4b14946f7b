#include <algorithm>

#include "chat/iterate.h"
#include "chat/operators.h"
#include "chat/unicode.h"

namespace vecton::chat {

namespace {

struct Bounds {
  Int start, count, step;
};

// What slice.indices() gives for a sequence of `size` items.
Bounds bounds(const Value& start, const Value& stop, const Value& step, Int size) {
  constexpr Int kFar = Int{1} << 62;  // beyond every sequence
  const auto given = [](const Value& value) { return !value.missing() && !value.is_none(); };
  const Int by = given(step) ? std::clamp(index_of(step), -kFar, kFar) : 1;
  if (by == 0) throw Failure("slice step cannot be zero");
  const Int least = by > 0 ? 0 : -1, most = by > 0 ? size : size - 1;
  const auto clamp = [&](const Value& value, Int otherwise) {
    if (!given(value)) return otherwise;
    const Int index = std::clamp(index_of(value), -kFar, kFar);
    return std::clamp(index < 0 ? index + size : index, least, most);
  };
  const Int from = clamp(start, by > 0 ? least : most), to = clamp(stop, by > 0 ? most : least);
  const Int count = by > 0 ? (from < to ? (to - from - 1) / by + 1 : 0)
                           : (from > to ? (from - to - 1) / -by + 1 : 0);
  return {from, count, by};
}

Value slice_text(Heap& heap, const Value& value, const Bounds& part) {
  const std::string_view text = value.text();
  heap.touch(text.size());
  std::string out;
  if (part.step == 1) {
    const size_t begin = unicode::offset(text, static_cast<size_t>(part.start));
    const std::string_view rest = text.substr(begin);
    out = rest.substr(0, unicode::offset(rest, static_cast<size_t>(part.count)));
  } else {
    std::vector<size_t> starts;
    for (size_t at = 0; at < text.size(); unicode::next(text, at)) starts.push_back(at);
    for (Int i = 0; i < part.count; ++i) {
      const size_t begin = starts[static_cast<size_t>(part.start + i * part.step)];
      size_t end = begin;
      unicode::next(text, end);
      out += text.substr(begin, end - begin);
    }
  }
  return heap.text(std::move(out)).as_safe(value.safe());
}
}  // namespace

Int index_of(const Value& value) {
  check_defined(value);
  if (!value.is_integral()) {
    throw Failure("slice indices must be integers or None or have an __index__ method");
  }
  return value.integer();
}

Value slice(Heap& heap, const Value& value, const Value& start, const Value& stop,
            const Value& step) {
  check_defined(value);
  if (!value.is_text() && !value.is_sequence() && !value.is(Type::kRange)) {
    throw Failure("'" + std::string(type_name(value)) + "' object is not subscriptable");
  }
  const Bounds part = bounds(start, stop, step, static_cast<Int>(length(value)));
  if (value.is_text()) return slice_text(heap, value, part);
  if (value.is(Type::kRange)) {
    const Range& range = value.get<Range>();
    auto result = std::make_unique<Range>();
    result->start = range.start + part.start * range.step;
    result->step = checked_multiply(range.step, part.step);
    result->stop = result->start + part.count * result->step;
    return Value::of(Type::kRange, heap.own(std::move(result), sizeof(Range)));
  }
  std::vector<Value> items;
  for (Int i = 0; i < part.count; ++i) {
    items.push_back(value.items()[static_cast<size_t>(part.start + i * part.step)]);
  }
  return value.is(Type::kList) ? heap.list(std::move(items)) : heap.tuple(std::move(items));
}

}  // namespace vecton::chat
