// Macro: {% macro %} and the body of {% call %} as a value that can be called.
#pragma once

#include "chat/interpreter.h"

namespace vecton::chat {

class Macro : public Callable {
 public:
  // `outer`: the variables that its body sees; they outlive it.
  Macro(const Statement& node, Activation* outer) : node_(node), outer_(outer) {}

  Value call(Interpreter& interpreter, Arguments arguments) const override;
  const char* type_name() const override { return "Macro"; }
  std::string repr() const override;
  std::optional<Value> attribute(Interpreter& interpreter, std::string_view name) const override;

 private:
  std::string quoted_name() const;

  const Statement& node_;
  Activation* const outer_;
};

}  // namespace vecton::chat
