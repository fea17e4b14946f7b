// The tests of templates: `value is name(arguments)`. Used by the interpreter and the filters
// select and reject.
#pragma once

#include <string_view>

#include "chat/interpreter.h"

namespace vecton::chat {

struct Test {
  std::string_view name;
  bool (*run)(Interpreter& interpreter, const Value& value, const Arguments& arguments);
};

const Test* find_test(std::string_view name);  // or null

}  // namespace vecton::chat
