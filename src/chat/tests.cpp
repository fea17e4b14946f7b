#include "chat/tests.h"

#include <algorithm>

#include "chat/filters.h"
#include "chat/operators.h"
#include "chat/pieces.h"
#include "chat/repr.h"

namespace vecton::chat {

namespace {

using Arg = const Arguments&;

template <bool (*Holds)(const Value&)>
bool plain(Interpreter&, const Value& value, Arg arguments) {
  bind("test", arguments, {});
  return Holds(value);
}

template <Operator Op>
bool compared(Interpreter& interpreter, const Value& value, Arg arguments) {
  return compare(interpreter.heap(), Op, value, bind("test", arguments, {"other"}, 1)[0]);
}

bool is_defined(const Value& value) { return !value.undefined() && !value.missing(); }
bool is_undefined(const Value& value) { return !is_defined(value); }
bool is_none(const Value& value) { return value.is_none(); }
bool is_boolean(const Value& value) { return value.is(Type::kBool); }
bool is_true(const Value& value) { return value.is(Type::kBool) && value.boolean(); }
bool is_false(const Value& value) { return value.is(Type::kBool) && !value.boolean(); }
bool is_integer(const Value& value) { return value.is(Type::kInt); }
bool is_float(const Value& value) { return value.is(Type::kFloat); }
bool is_number(const Value& value) { return value.is_number(); }
bool is_string(const Value& value) { return value.is_text(); }
bool is_mapping(const Value& value) { return value.is(Type::kDict); }
bool is_callable(const Value& value) {
  return value.is(Type::kCallable) || value.is(Type::kLoop) || value.undefined();
}
bool is_escaped(const Value& value) { return value.is_text() && value.safe(); }

bool is_sequence(const Value& value) {
  return value.is_text() || value.is_sequence() || value.is(Type::kDict) ||
         value.is(Type::kRange) || is_undefined(value);
}

bool remainder_is(Interpreter& interpreter, const Value& value, const Value& divisor, Int wanted) {
  const Value rest = arithmetic(interpreter.heap(), Operator::kModulo, value, divisor);
  return equal(interpreter.heap(), rest, Value::integer(wanted));
}

bool is_odd(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("odd", arguments, {});
  return remainder_is(interpreter, value, Value::integer(2), 1);
}

bool is_even(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("even", arguments, {});
  return remainder_is(interpreter, value, Value::integer(2), 0);
}

bool is_divisible(Interpreter& interpreter, const Value& value, Arg arguments) {
  return remainder_is(interpreter, value, bind("divisibleby", arguments, {"num"}, 1)[0], 0);
}

bool has_lower_case(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("lower", arguments, {});
  return is_lower_text(str(interpreter.heap(), value));
}

bool has_upper_case(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("upper", arguments, {});
  return is_upper_text(str(interpreter.heap(), value));
}

bool is_same(Interpreter&, const Value& value, Arg arguments) {
  return same_object(value, bind("sameas", arguments, {"other"}, 1)[0]);
}

bool is_in(Interpreter& interpreter, const Value& value, Arg arguments) {
  return contains(interpreter.heap(), bind("in", arguments, {"seq"}, 1)[0], value);
}

bool is_filter(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("filter", arguments, {});
  check_hashable(interpreter.heap(), value);
  return value.is_text() && find_filter(value.text());
}

bool is_test(Interpreter& interpreter, const Value& value, Arg arguments) {
  bind("test", arguments, {});
  check_hashable(interpreter.heap(), value);
  return value.is_text() && find_test(value.text());
}

constexpr Test kTests[] = {
    {"!=", compared<Operator::kNotEqual>},
    {"<", compared<Operator::kLess>},
    {"<=", compared<Operator::kLessEqual>},
    {"==", compared<Operator::kEqual>},
    {">", compared<Operator::kGreater>},
    {">=", compared<Operator::kGreaterEqual>},
    {"boolean", plain<is_boolean>},
    {"callable", plain<is_callable>},
    {"defined", plain<is_defined>},
    {"divisibleby", is_divisible},
    {"eq", compared<Operator::kEqual>},
    {"equalto", compared<Operator::kEqual>},
    {"escaped", plain<is_escaped>},
    {"even", is_even},
    {"false", plain<is_false>},
    {"filter", is_filter},
    {"float", plain<is_float>},
    {"ge", compared<Operator::kGreaterEqual>},
    {"greaterthan", compared<Operator::kGreater>},
    {"gt", compared<Operator::kGreater>},
    {"in", is_in},
    {"integer", plain<is_integer>},
    {"iterable", plain<is_iterable>},
    {"le", compared<Operator::kLessEqual>},
    {"lessthan", compared<Operator::kLess>},
    {"lower", has_lower_case},
    {"lt", compared<Operator::kLess>},
    {"mapping", plain<is_mapping>},
    {"ne", compared<Operator::kNotEqual>},
    {"none", plain<is_none>},
    {"number", plain<is_number>},
    {"odd", is_odd},
    {"sameas", is_same},
    {"sequence", plain<is_sequence>},
    {"string", plain<is_string>},
    {"test", is_test},
    {"true", plain<is_true>},
    {"undefined", plain<is_undefined>},
    {"upper", has_upper_case},
};

}  // namespace

const Test* find_test(std::string_view name) {
  const Test* found = std::lower_bound(
      std::begin(kTests), std::end(kTests), name,
      [](const Test& test, std::string_view wanted) { return test.name < wanted; });
  return found != std::end(kTests) && found->name == name ? found : nullptr;
}

}  // namespace vecton::chat
