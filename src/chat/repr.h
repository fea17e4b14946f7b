// Python's str() and repr() of values: what {{ value }} prints.
#pragma once

#include <string>
#include <string_view>

#include "chat/value.h"

namespace vecton::chat {

std::string str(Heap& heap, const Value& value);
std::string repr(Heap& heap, const Value& value);

std::string repr_text(std::string_view text);
std::string repr_float(double value);
std::string repr_int(Int value);

// str() of a value as a value: the same one when it is a text already.
Value as_text(Heap& heap, const Value& value);

}  // namespace vecton::chat
