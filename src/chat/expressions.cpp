#include <algorithm>

#include "chat/filters.h"
#include "chat/interpreter.h"
#include "chat/methods.h"
#include "chat/operators.h"
#include "chat/repr.h"
#include "chat/tests.h"

namespace vecton::chat {

using Kind = Expression::Kind;

Value Interpreter::evaluate(const Expression& node) {
  const Heap::Depth depth(heap_);
  heap_.step();
  line_ = node.line;
  switch (node.kind) {
    case Kind::kConstant:
      return node.value;
    case Kind::kName:
      return evaluate_name(node);
    case Kind::kTuple:
      return heap_.tuple(evaluate_all(node.items));
    case Kind::kList:
      return heap_.list(evaluate_all(node.items));
    case Kind::kDict:
      return evaluate_dict(node);
    case Kind::kArithmetic: {
      const Value a = evaluate(*node.items[0]), b = evaluate(*node.items[1]);
      line_ = node.line;
      return arithmetic(heap_, node.ops[0], a, b);
    }
    case Kind::kNegative:
      return negate(evaluate(*node.items[0]));
    case Kind::kPositive:
      return positive(evaluate(*node.items[0]));
    case Kind::kNot:
      return Value::boolean(!truthy(evaluate(*node.items[0])));
    case Kind::kAnd: {
      Value left = evaluate(*node.items[0]);
      return truthy(left) ? evaluate(*node.items[1]) : left;
    }
    case Kind::kOr: {
      Value left = evaluate(*node.items[0]);
      return truthy(left) ? left : evaluate(*node.items[1]);
    }
    case Kind::kCompare:
      return evaluate_compare(node);
    case Kind::kConcat:
      return evaluate_concat(node);
    case Kind::kAttribute: {
      const Value object = evaluate(*node.items[0]);
      line_ = node.line;
      return attribute(object, node.text);
    }
    case Kind::kItem: {
      const Value object = evaluate(*node.items[0]);
      const Expression& key = *node.items[1];
      if (key.kind == Kind::kSlice) {
        Value part[3];
        for (int i = 0; i < 3; ++i) {
          if (key.items[i]) part[i] = evaluate(*key.items[i]);
        }
        line_ = node.line;
        return slice(heap_, object, part[0], part[1], part[2]);
      }
      const Value value = evaluate(key);
      line_ = node.line;
      return item(object, value);
    }
    case Kind::kCall:
      return evaluate_call(node);
    case Kind::kFilter:
      return evaluate_filter(node, evaluate(*node.items[0]));
    case Kind::kTest: {
      const Value subject = evaluate(*node.items[0]);
      Arguments arguments = evaluate_arguments(node);
      line_ = node.line;
      return Value::boolean(test(node.text, subject, std::move(arguments)));
    }
    case Kind::kConditional:
      return evaluate_conditional(node);
    case Kind::kSlice:
    case Kind::kMember:
      break;
  }
  throw Failure("an expression that cannot be evaluated");
}

Value Interpreter::evaluate_name(const Expression& node) {
  const Value& value = slot(node.slot);
  return value.missing() ? heap_.undefined("'" + node.text + "' is undefined") : value;
}

std::vector<Value> Interpreter::evaluate_all(const std::vector<Expression*>& nodes) {
  std::vector<Value> values;
  values.reserve(nodes.size());
  for (const Expression* node : nodes) values.push_back(evaluate(*node));
  return values;
}

Value Interpreter::evaluate_dict(const Expression& node) {
  auto dict = std::make_unique<Dict>();
  for (size_t i = 0; i + 1 < node.items.size(); i += 2) {
    const Value key = evaluate(*node.items[i]);
    Value value = evaluate(*node.items[i + 1]);
    check_hashable(heap_, key);
    dict->set(key, std::move(value));
  }
  return heap_.dict(std::move(dict));
}

Value Interpreter::evaluate_compare(const Expression& node) {
  Value left = evaluate(*node.items[0]);
  for (size_t i = 0; i < node.ops.size(); ++i) {
    Value right = evaluate(*node.items[i + 1]);
    line_ = node.line;
    if (!compare(heap_, node.ops[i], left, right)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Interpreter::evaluate_concat(const Expression& node) {
  std::string out;
  for (const Value& value : evaluate_all(node.items)) {
    if (value.is_text()) {
      heap_.check_room(out.size() + value.text().size());
      out += value.text();
    } else {
      out += str(heap_, value);
    }
  }
  return heap_.text(std::move(out));
}

Value Interpreter::evaluate_conditional(const Expression& node) {
  const Value condition = evaluate(*node.items[1]);
  if (truthy(condition)) return evaluate(*node.items[0]);
  if (node.items[2]) return evaluate(*node.items[2]);
  return heap_.undefined("the inline if-expression on line " + std::to_string(node.line) +
                         " evaluated to false and no else section was defined.");
}

void Interpreter::spread_list(Arguments& arguments, const Value& value) {
  for (Value& item : items_of(heap_, value)) arguments.positional.push_back(std::move(item));
}

void Interpreter::spread_dict(Arguments& arguments, const Value& value) {
  if (!value.is(Type::kDict)) {
    throw Failure("argument after ** must be a mapping, not " + std::string(type_name(value)));
  }
  for (const auto& [key, item] : value.get<Dict>().items) {
    if (!key.is_text()) throw Failure("keywords must be strings");
    for (const auto& [name, other] : arguments.named) {
      if (name == key.text()) {
        throw Failure("got multiple values for keyword argument '" + name + "'");
      }
    }
    arguments.named.emplace_back(key.text(), item);
  }
}

Arguments Interpreter::evaluate_arguments(const Expression& node) {
  Arguments arguments;
  for (const Argument& argument : node.arguments) {
    Value value = evaluate(*argument.value);
    switch (argument.kind) {
      case Argument::Kind::kPositional:
        arguments.positional.push_back(std::move(value));
        break;
      case Argument::Kind::kNamed:
        arguments.named.emplace_back(argument.name, std::move(value));
        break;
      case Argument::Kind::kList:
        spread_list(arguments, value);
        break;
      case Argument::Kind::kDict:
        spread_dict(arguments, value);
        break;
    }
  }
  return arguments;
}

Value Interpreter::evaluate_call(const Expression& node, Value caller) {
  const Expression& callee = *node.items[0];
  const Method* method = nullptr;
  Value object;
  if (callee.kind == Kind::kAttribute) {  // a method is called without making a value of it
    object = evaluate(*callee.items[0]);
    method = find_method(object, callee.text);
    line_ = callee.line;
    if (!method) object = attribute(object, callee.text);
  } else {
    object = evaluate(callee);
  }
  Arguments arguments = evaluate_arguments(node);
  if (!caller.missing()) arguments.named.emplace_back("caller", std::move(caller));
  line_ = node.line;
  Value result =
      method ? method->run(*this, object, arguments) : call(object, std::move(arguments));
  line_ = node.line;
  return result;
}

Value Interpreter::evaluate_filter(const Expression& node, Value subject) {
  Arguments arguments = evaluate_arguments(node);
  line_ = node.line;
  return filter(node.text, subject, std::move(arguments));
}

Value Interpreter::call(const Value& callee, Arguments arguments) {
  check_defined(callee);
  if (callee.is(Type::kCallable)) {
    const Heap::Depth depth(heap_);
    return callee.get<Callable>().call(*this, std::move(arguments));
  }
  if (callee.is(Type::kLoop)) {
    const Loop& loop = callee.get<Loop>();
    if (!loop.recursive) {
      throw Failure("The loop must have the 'recursive' marker to be called recursively.");
    }
    const Value iterable = bind("loop", arguments, {"iterable"}, 1)[0];
    return run_recursive(*loop.recursive, iterable, loop.depth + 1, loop.outer);
  }
  throw Failure("'" + std::string(type_name(callee)) + "' object is not callable");
}

Value Interpreter::filter(const std::string& name, const Value& subject, Arguments arguments) {
  const Filter* filter = find_filter(name);
  if (!filter) throw Failure("No filter named '" + name + "' found.");
  return filter->run(*this, subject, arguments);
}

bool Interpreter::test(const std::string& name, const Value& subject, Arguments arguments) {
  const Test* test = find_test(name);
  if (!test) throw Failure("No test named '" + name + "' found.");
  return test->run(*this, subject, arguments);
}

Value& Interpreter::slot(const Slot& slot) {
  Activation* activation = active_;
  for (int i = 0; i < slot.hops; ++i) activation = activation->outer;
  return activation->slots[static_cast<size_t>(slot.index)];
}

}  // namespace vecton::chat
