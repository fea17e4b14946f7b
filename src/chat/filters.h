// The filters of templates: `value | name(arguments)`. Used by the interpreter.
#pragma once

#include <string_view>

#include "chat/interpreter.h"

namespace vecton::chat {

struct Filter {
  std::string_view name;
  Value (*run)(Interpreter& interpreter, const Value& value, const Arguments& arguments);
};

const Filter* find_filter(std::string_view name);  // or null

// By what they work on; sorted by name.
const Filter* find_text_filter(std::string_view name);
const Filter* find_number_filter(std::string_view name);
const Filter* find_sequence_filter(std::string_view name);
const Filter* find_selection_filter(std::string_view name);

template <size_t N>
const Filter* find_in(const Filter (&filters)[N], std::string_view name) {
  for (const Filter& filter : filters) {
    if (filter.name == name) return &filter;
  }
  return nullptr;
}

// The element of `item` that a path names ("address.city", or an index); `otherwise` where it is
// not there, unless that is missing.
Value attribute_of(Interpreter& interpreter, Value item, const Value& path,
                   const Value& otherwise = {});
// Lower case of a text, other values as they are: how filters compare unless told otherwise.
Value without_case(Interpreter& interpreter, const Value& value);

}  // namespace vecton::chat
