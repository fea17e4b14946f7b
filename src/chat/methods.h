// The methods that values have in a template, as Python's have them. What changes a list or dict is
// refused, as the sandbox of transformers refuses it. Used by the interpreter.
#pragma once

#include <string_view>

#include "chat/interpreter.h"

namespace vecton::chat {

struct Method {
  std::string_view name;
  Value (*run)(Interpreter& interpreter, const Value& self, const Arguments& arguments);
};

// The method of a value, or null.
const Method* find_method(const Value& value, std::string_view name);
// Python has an attribute of that name which templates may not use.
bool is_unsafe_attribute(const Value& value, std::string_view name);

// By type; sorted by name.
const Method* find_text_method(std::string_view name);
const Method* find_container_method(const Value& value, std::string_view name);

}  // namespace vecton::chat
