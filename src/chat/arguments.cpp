#include <algorithm>

#include "chat/interpreter.h"

namespace vecton::chat {

std::vector<Value> bind(const std::string& function, const Arguments& arguments,
                        std::initializer_list<std::string_view> names, size_t required) {
  if (arguments.positional.size() > names.size()) {
    throw Failure(function + "() takes at most " + std::to_string(names.size()) + " arguments (" +
                  std::to_string(arguments.positional.size()) + " given)");
  }
  std::vector<Value> values = arguments.positional;
  values.resize(names.size());
  for (const auto& [name, value] : arguments.named) {
    const auto* place = std::find(names.begin(), names.end(), name);
    if (place == names.end()) {
      throw Failure(function + "() got an unexpected keyword argument '" + name + "'");
    }
    Value& target = values[static_cast<size_t>(place - names.begin())];
    if (!target.missing()) {
      throw Failure(function + "() got multiple values for argument '" + name + "'");
    }
    target = value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (values[i].missing()) {
      throw Failure(function + "() missing a required argument: '" + std::string(names.begin()[i]) +
                    "'");
    }
  }
  return values;
}

}  // namespace vecton::chat
