#include <algorithm>

#include "chat/interpreter.h"
#include "chat/macro.h"
#include "chat/operators.h"
#include "chat/repr.h"
#include "vecton/error.h"

namespace vecton::chat {

using StatementKind = Statement::Kind;

// Runs a function: its variables are the active ones while it lives.
class Interpreter::Running {
 public:
  Running(Interpreter& interpreter, const Function& function, Activation* outer)
      : interpreter_(interpreter), before_(interpreter.active_) {
    interpreter.active_ = interpreter.activate(function, outer);
  }
  ~Running() {
    if (!interpreter_.active_->kept) interpreter_.unused_.push_back(interpreter_.active_);
    interpreter_.active_ = before_;
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Interpreter& interpreter_;
  Activation* const before_;
};

// Collects what is printed while it lives.
class Interpreter::Capture {
 public:
  explicit Capture(Interpreter& interpreter)
      : interpreter_(interpreter), before_(interpreter.out_) {
    interpreter.out_ = &text_;
  }
  ~Capture() { interpreter_.out_ = before_; }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  std::string take() { return std::move(text_); }

 private:
  Interpreter& interpreter_;
  std::string* const before_;
  std::string text_;
};

Interpreter::Interpreter(const Program& program, Heap& heap, const Dict& variables, Clock now)
    : program_(program), heap_(heap), variables_(variables), now_(now) {}

std::string Interpreter::run() {
  std::string out;
  out_ = &out;
  try {
    const Running running(*this, program_.function, nullptr);
    enter(program_.scope);
    execute(program_.body);
  } catch (const Failure& failure) {
    throw Error(ErrorCode::kInvalidArgument,
                "chat template, line " + std::to_string(line_) + ": " + failure.what(), "messages");
  }
  return out;
}

Activation* Interpreter::activate(const Function& function, Activation* outer) {
  const auto slots = static_cast<size_t>(function.slots);
  Activation* activation;
  if (unused_.empty()) {
    activation = heap_.keep(std::make_unique<Activation>(), slots * sizeof(Value));
  } else {
    activation = unused_.back();
    unused_.pop_back();
  }
  activation->slots.assign(slots, {});
  activation->outer = outer;
  return activation;
}

void Interpreter::keep_activation() {
  for (Activation* a = active_; a && !a->kept; a = a->outer) a->kept = true;
}

Value Interpreter::context(const std::string& name) const {
  if (const auto found = exported_.find(name); found != exported_.end()) return found->second;
  if (const Value* value = variables_.find(name)) return *value;
  const Value* global = find_global(name);
  return global ? *global : Value();
}

void Interpreter::enter(const Scope& scope) {
  for (const Load& load : scope.loads) {
    Value value;
    if (load.source == Load::Source::kOuter) value = slot(load.outer);
    if (load.source == Load::Source::kContext) value = context(load.name);
    active_->slots[static_cast<size_t>(load.index)] = std::move(value);
  }
}

void Interpreter::write(std::string_view text) {
  heap_.touch(text.size());
  if (text.size() > heap_.limits().output - std::min(out_->size(), heap_.limits().output)) {
    throw Failure("the template prints more than " + std::to_string(heap_.limits().output >> 20) +
                  " MiB");
  }
  out_->append(text);
}

void Interpreter::print(const Value& value) {
  if (value.is_text()) {
    write(value.text());
  } else {
    write(str(heap_, value));
  }
}

Interpreter::Flow Interpreter::execute(const Body& body) {
  for (const Statement* statement : body) {
    const Flow flow = execute(*statement);
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::execute(const Statement& node) {
  const Heap::Depth depth(heap_);
  heap_.step();
  line_ = node.line;
  switch (node.kind) {
    case StatementKind::kText:
      write(node.text);
      break;
    case StatementKind::kOutput:
      for (const Expression* value : node.expressions) print(evaluate(*value));
      break;
    case StatementKind::kIf:
      return execute_if(node);
    case StatementKind::kFor:
      return execute_for(node);
    case StatementKind::kSet:
      check_members(*node.target);
      assign(*node.target, evaluate(*node.source), node.top_level);
      break;
    case StatementKind::kSetBlock:
      return execute_set_block(node);
    case StatementKind::kMacro: {
      const Value macro = make_macro(node);
      slot(node.slot) = macro;
      if (node.top_level) exported_[node.text] = macro;
      break;
    }
    case StatementKind::kCall:
      execute_call_block(node);
      break;
    case StatementKind::kFilter:
      return execute_filter_block(node);
    case StatementKind::kWith:
      return execute_with(node);
    case StatementKind::kBlock:
      execute_block(node);
      break;
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::execute_if(const Statement& node) {
  for (size_t i = 0; i < node.expressions.size(); ++i) {
    if (truthy(evaluate(*node.expressions[i]))) return execute(node.bodies[i]);
  }
  return node.bodies.size() > node.expressions.size() ? execute(node.bodies.back()) : Flow::kNext;
}

Interpreter::Flow Interpreter::execute_with(const Statement& node) {
  const std::vector<Value> values = evaluate_all(node.expressions);
  enter(node.scope);
  for (size_t i = 0; i < values.size(); ++i) assign(*node.targets[i], values[i], false);
  return execute(node.bodies[0]);
}

Interpreter::Flow Interpreter::execute_filter_block(const Statement& node) {
  enter(node.scope);
  std::string text;
  {
    Capture capture(*this);
    if (const Flow flow = execute(node.bodies[0]); flow != Flow::kNext) return flow;
    text = capture.take();
  }
  const Value filtered = filter_chain(*node.filter, heap_.text(std::move(text)));
  if (!filtered.is_text()) {
    throw Failure("a filter block must give a string, not " + std::string(type_name(filtered)));
  }
  print(filtered);
  return Flow::kNext;
}

Interpreter::Flow Interpreter::execute_set_block(const Statement& node) {
  enter(node.scope);
  Value value;
  {
    Capture capture(*this);
    if (const Flow flow = execute(node.bodies[0]); flow != Flow::kNext) return flow;
    value = heap_.text(capture.take());
  }
  if (node.filter) value = filter_chain(*node.filter, value);
  check_members(*node.target);
  assign(*node.target, value, node.top_level);
  return Flow::kNext;
}

// The filters of a block, the innermost of which has no subject of its own.
Value Interpreter::filter_chain(const Expression& node, Value subject) {
  if (node.items[0]) subject = filter_chain(*node.items[0], std::move(subject));
  return evaluate_filter(node, std::move(subject));
}

void Interpreter::set(const Expression& name, const Value& value, bool top_level) {
  slot(name.slot) = value;
  if (top_level) exported_[name.text] = value;
}

void Interpreter::check_members(const Expression& target) {
  if (target.kind == Expression::Kind::kMember) {
    if (!slot(target.items[0]->slot).is(Type::kNamespace)) {
      throw Failure("cannot assign attribute on non-namespace object");
    }
  } else {
    for (const Expression* item : target.items) check_members(*item);
  }
}

void Interpreter::assign(const Expression& target, const Value& value, bool top_level) {
  if (target.kind == Expression::Kind::kName) {
    set(target, value, top_level);
    return;
  }
  if (target.kind == Expression::Kind::kMember) {
    assign_member(slot(target.items[0]->slot).get<Namespace>(), target.text, value);
    return;
  }
  if (!is_iterable(value)) {
    throw Failure("cannot unpack non-iterable " + std::string(type_name(value)) + " object");
  }
  const std::vector<Value> values = items_of(heap_, value);
  const size_t wanted = target.items.size();
  if (values.size() > wanted) {
    throw Failure("too many values to unpack (expected " + std::to_string(wanted) + ")");
  }
  if (values.size() < wanted) {
    throw Failure("not enough values to unpack (expected " + std::to_string(wanted) + ", got " +
                  std::to_string(values.size()) + ")");
  }
  for (size_t i = 0; i < wanted; ++i) assign(*target.items[i], values[i], top_level);
}

void Interpreter::assign_member(Namespace& object, const std::string& name, const Value& value) {
  if (name.starts_with('_')) {
    throw Failure(
        "Chat templates cannot store underscore-prefixed attributes on a namespace, but got '" +
        name + "'. Please rename the attribute.");
  }
  heap_.step();
  if (!object.attributes.find(name)) heap_.take_items(1);
  object.attributes.set(Value::text(name), value);
}

Interpreter::Flow Interpreter::execute_for(const Statement& node) {
  const Value iterable = evaluate(*node.source);
  line_ = node.line;
  if (!node.recursive) return run_loop(node, iterable, 0, active_);
  print(run_recursive(node, iterable, 0, active_));
  return Flow::kNext;
}

Value Interpreter::run_recursive(const Statement& node, const Value& iterable, size_t depth,
                                 Activation* outer) {
  const Heap::Depth nesting(heap_);
  const Running running(*this, node.function, outer);
  keep_activation();
  Capture capture(*this);
  run_loop(node, iterable, depth, outer);
  return heap_.text(capture.take());
}

// What the `else` of the loop ends with: a {% break %} there is one of the loop around.
Interpreter::Flow Interpreter::run_loop(const Statement& node, Value iterable, size_t depth,
                                        Activation* outer) {
  if (node.condition) iterable = filtered(node, iterable, outer);
  bool finished_round;
  if (node.extended) {
    Loop* loop = heap_.keep(std::make_unique<Loop>(heap_, iterable, depth), sizeof(Loop));
    if (node.recursive) {
      loop->recursive = &node;
      loop->outer = outer;
    }
    finished_round = run_rounds(
        node, [&](Value& item) { return loop->next(item); }, loop);
    loop->finish();
  } else {
    Items items(heap_, iterable);
    finished_round = run_rounds(
        node, [&](Value& item) { return items.next(item); }, nullptr);
  }
  if (node.bodies.size() < 2 || finished_round) return Flow::kNext;
  enter(node.else_scope);
  return execute(node.bodies[1]);
}

// Whether any round came to its end: as in Jinja, `else` also follows rounds that were all cut
// short.
template <typename Next>
bool Interpreter::run_rounds(const Statement& node, Next&& next, Loop* loop) {
  bool finished_round = false;
  Value item;
  while (next(item)) {
    enter(node.scope);
    assign(*node.target, item, false);
    if (loop) slot(node.slot) = Heap::refer(Type::kLoop, loop);
    const Flow flow = execute(node.bodies[0]);
    if (flow == Flow::kBreak) break;
    if (flow == Flow::kNext) finished_round = true;
    line_ = node.line;
  }
  return finished_round;
}

// The items for which the condition of a loop holds, tested one by one as the loop asks for them.
Value Interpreter::filtered(const Statement& node, const Value& iterable, Activation* outer) {
  keep_activation();
  Activation* own = activate(node.test_function, outer);
  own->kept = true;
  return heap_.iterator([this, &node, own, items = Items(heap_, iterable)](Value& item) mutable {
    Activation* before = std::exchange(active_, own);
    bool found = false;
    while (!found && items.next(item)) {
      enter(node.test_scope);
      assign(*node.test_target, item, false);
      found = truthy(evaluate(*node.condition));
    }
    if (found) item = evaluate(*node.test_target);
    active_ = before;
    return found;
  });
}

Value Interpreter::make_macro(const Statement& node) {
  keep_activation();
  auto macro = std::make_unique<Macro>(node, active_);
  return Value::of(Type::kCallable, heap_.own(std::move(macro), sizeof(Macro)));
}

void Interpreter::execute_call_block(const Statement& node) {
  const Value caller = make_macro(node);
  print(node.generation ? call(caller, {}) : evaluate_call(*node.source, caller));
}

void Interpreter::execute_block(const Statement& node) {
  const Running running(*this, node.function, nullptr);
  enter(node.scope);
  execute(node.bodies[0]);
}

Value Interpreter::run_macro(const Statement& node, Activation* outer, std::vector<Value> values,
                             Value caller, Value kwargs, Value varargs) {
  const Signature& signature = node.signature;
  const Running running(*this, node.function, outer);
  enter(node.scope);
  for (size_t i = 0; i < values.size(); ++i) slot(signature.slots[i]) = std::move(values[i]);
  if (signature.takes_caller && !signature.explicit_caller)
    slot(signature.caller) = std::move(caller);
  if (signature.takes_kwargs) slot(signature.kwargs) = std::move(kwargs);
  if (signature.takes_varargs) slot(signature.varargs) = std::move(varargs);
  const size_t plain = signature.names.size() - signature.defaults.size();
  for (size_t i = 0; i < signature.names.size(); ++i) {
    if (!slot(signature.slots[i]).missing()) continue;
    slot(signature.slots[i]) =
        i < plain ? heap_.undefined("parameter '" + signature.names[i] + "' was not provided")
                  : evaluate(*signature.defaults[i - plain]);
  }
  Capture capture(*this);
  execute(node.bodies[0]);
  return heap_.text(capture.take());
}

}  // namespace vecton::chat
