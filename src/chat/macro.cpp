#include "chat/macro.h"

#include <algorithm>

namespace vecton::chat {

namespace {

// Takes the argument of a name away; missing when there is none.
Value pop(Arguments& arguments, std::string_view name) {
  const auto found = std::find_if(arguments.named.begin(), arguments.named.end(),
                                  [&](const auto& argument) { return argument.first == name; });
  if (found == arguments.named.end()) return {};
  Value value = std::move(found->second);
  arguments.named.erase(found);
  return value;
}

}  // namespace

Value Macro::call(Interpreter& interpreter, Arguments arguments) const {
  Heap& heap = interpreter.heap();
  const Signature& signature = node_.signature;
  const size_t count = signature.names.size();
  const size_t given = std::min(arguments.positional.size(), count);
  std::vector<Value> values(arguments.positional.begin(),
                            arguments.positional.begin() + static_cast<ptrdiff_t>(given));
  bool found_caller = given == count && signature.explicit_caller;
  for (size_t i = given; i < count; ++i) {
    values.push_back(pop(arguments, signature.names[i]));
    if (signature.names[i] == "caller") found_caller = true;
  }

  Value caller, kwargs, varargs;
  if (signature.takes_caller && !found_caller) {
    caller = pop(arguments, "caller");
    if (caller.missing() || caller.is_none()) caller = heap.undefined("No caller defined");
  }
  if (signature.takes_kwargs) {
    auto dict = std::make_unique<Dict>();
    for (auto& [name, value] : arguments.named) dict->set(heap.text(name), std::move(value));
    kwargs = heap.dict(std::move(dict));
  } else if (!arguments.named.empty()) {
    for (const auto& [name, value] : arguments.named) {
      if (name == "caller") {
        throw Failure("macro " + quoted_name() +
                      " was invoked with two values for the special caller argument. This is most "
                      "likely a bug.");
      }
    }
    throw Failure("macro " + quoted_name() + " takes no keyword argument '" +
                  arguments.named[0].first + "'");
  }
  if (signature.takes_varargs) {
    varargs = heap.tuple(
        {arguments.positional.begin() + static_cast<ptrdiff_t>(given), arguments.positional.end()});
  } else if (arguments.positional.size() > count) {
    throw Failure("macro " + quoted_name() + " takes not more than " + std::to_string(count) +
                  " argument(s)");
  }
  return interpreter.run_macro(node_, outer_, std::move(values), std::move(caller),
                               std::move(kwargs), std::move(varargs));
}

std::string Macro::quoted_name() const {
  return node_.kind == Statement::Kind::kMacro ? "'" + node_.text + "'" : "None";
}

std::string Macro::repr() const {
  return "<Macro " + (node_.kind == Statement::Kind::kMacro ? quoted_name() : "anonymous") + ">";
}

std::optional<Value> Macro::attribute(Interpreter& interpreter, std::string_view name) const {
  const Signature& signature = node_.signature;
  if (name == "name") {
    return node_.kind == Statement::Kind::kMacro ? interpreter.heap().text(node_.text)
                                                 : Value::none();
  }
  if (name == "arguments") {
    std::vector<Value> names;
    for (const std::string& parameter : signature.names) {
      names.push_back(interpreter.heap().text(parameter));
    }
    return interpreter.heap().tuple(std::move(names));
  }
  if (name == "catch_kwargs") return Value::boolean(signature.takes_kwargs);
  if (name == "catch_varargs") return Value::boolean(signature.takes_varargs);
  if (name == "caller") return Value::boolean(signature.takes_caller);
  return {};
}

}  // namespace vecton::chat
