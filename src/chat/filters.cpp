#include "chat/filters.h"

#include <algorithm>

#include "chat/unicode.h"

namespace vecton::chat {

namespace {

Value part_of_path(std::string_view part) {
  const bool number =
      !part.empty() && part.size() < 19 &&
      std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  return number ? Value::integer(std::stoll(std::string(part))) : Value::text(std::string(part));
}

}  // namespace

const Filter* find_filter(std::string_view name) {
  for (const auto find :
       {find_text_filter, find_number_filter, find_sequence_filter, find_selection_filter}) {
    if (const Filter* filter = find(name)) return filter;
  }
  return nullptr;
}

Value attribute_of(Interpreter& interpreter, Value item, const Value& path,
                   const Value& otherwise) {
  const auto step = [&](const Value& part) {
    item = interpreter.item(item, part);
    if (item.undefined() && !otherwise.missing() && !otherwise.is_none()) item = otherwise;
  };
  if (path.missing() || path.is_none()) return item;
  if (!path.is_text()) {
    step(path);
    return item;
  }
  const std::string_view text = path.text();
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('.', begin), text.size());
    step(part_of_path(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return item;
}

Value without_case(Interpreter& interpreter, const Value& value) {
  if (!value.is_text()) return value;
  return interpreter.heap().text(unicode::lower(value.text()));
}

}  // namespace vecton::chat
