// Python's two ways to put values into text: "%s" % value and "{}".format(value). Used by the
// operator %, the filter format and the methods format and format_map.
#pragma once

#include <string>
#include <string_view>

#include "chat/interpreter.h"

namespace vecton::chat {

// A format that is safe escapes what it shows.
std::string format_braces(Interpreter& interpreter, const Value& format,
                          const Arguments& arguments);

// What format(value, spec) gives: "{:>8.2f}".
std::string format_value(Heap& heap, const Value& value, std::string_view spec);

// Text of a float with so many digits: style is one of e E f F g G; `keep_point` as the flag # has
// it.
std::string float_digits(double value, char style, Int precision, bool keep_point);

}  // namespace vecton::chat
