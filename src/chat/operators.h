// Python's operators on values. Used by the interpreter, filters and tests. Wrong types throw
// Failure with Python's words.
#pragma once

#include "chat/value.h"

namespace vecton::chat {

enum class Operator : uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};

Value arithmetic(Heap& heap, Operator op, const Value& a, const Value& b);
bool compare(Heap& heap, Operator op, const Value& a, const Value& b);
Value negate(const Value& value);
Value positive(const Value& value);

bool equal(Heap& heap, const Value& a, const Value& b);
bool less(Heap& heap, const Value& a, const Value& b);
bool contains(Heap& heap, const Value& container, const Value& item);
bool same_object(const Value& a, const Value& b);  // the operator `is`

// Throws unless the value may be the key of a dict.
void check_hashable(Heap& heap, const Value& key);
// Throws the error of a value that is not there.
void check_defined(const Value& value);

// value[start:stop:step]; parts that are missing or None take their defaults.
Value slice(Heap& heap, const Value& value, const Value& start, const Value& stop,
            const Value& step);

// The index of a slice's bound, or of an item: an integer, else it throws.
Int index_of(const Value& value);

// a * b + c and the like, or Failure when the result has more than 127 bits.
Int checked_add(Int a, Int b);
Int checked_multiply(Int a, Int b);

// text % values.
Value format_percent(Heap& heap, const Value& format, const Value& values);

}  // namespace vecton::chat
