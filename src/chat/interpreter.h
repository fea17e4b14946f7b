// Interpreter: runs one rendering of a parsed template. Made by ChatTemplate for each call; belongs
// to one thread. Callable, Loop and the other objects that templates can hold are here too.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/ast.h"
#include "chat/iterate.h"
#include "chat/value.h"

namespace vecton::chat {

class Interpreter;

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

// The arguments in the order of `names`, missing where none was given. Throws Python's TypeError
// when one of the first `required` is missing, or one is unknown or given twice.
std::vector<Value> bind(const std::string& function, const Arguments& arguments,
                        std::initializer_list<std::string_view> names, size_t required = 0);

struct Callable : Object {
  virtual Value call(Interpreter& interpreter, Arguments arguments) const = 0;
  virtual const char* type_name() const { return "function"; }
  virtual std::string repr() const = 0;
  virtual std::optional<Value> attribute(Interpreter&, std::string_view) const { return {}; }
};

// The variables of a function that runs.
struct Activation : Object {
  std::vector<Value> slots;
  Activation* outer = nullptr;
  bool kept = false;  // a macro that may be called later reads its variables
};

// The variable `loop`, and what goes through the items of a loop that uses it.
struct Loop : Object {
  Loop(Heap& heap, Value iterable, size_t depth);

  bool next(Value& item);
  bool next_pair(Heap& heap, Value& pair);
  size_t length() const;
  const Value& peek();  // the next item; missing at the end
  std::string repr() const;
  void finish();  // lets go of the items

  Heap& heap;
  Value iterable;
  std::optional<Items> items;
  int64_t index0 = -1;
  size_t depth = 0;  // loops of its own around it, when it is recursive
  Value before, current, after;
  std::vector<Value> last_changed;
  bool was_changed = false;  // changed() was called
  mutable std::optional<size_t> count;
  const Statement* recursive = nullptr;  // the loop to run again for inner items
  Activation* outer = nullptr;
};

using Clock = std::optional<std::chrono::system_clock::time_point>;  // empty: the system's

class Interpreter {
 public:
  // `variables` are what the caller passes in; they hide the functions that all templates have.
  Interpreter(const Program& program, Heap& heap, const Dict& variables, Clock now);

  // The whole output. Throws Error with the line of the template.
  std::string run();

  Heap& heap() { return heap_; }
  Clock now() const { return now_; }

  Value call(const Value& callee, Arguments arguments);
  Value filter(const std::string& name, const Value& subject, Arguments arguments);
  bool test(const std::string& name, const Value& subject, Arguments arguments);

  // access.cpp: object.name and object[key]; what is not there is undefined.
  Value attribute(const Value& object, const std::string& name);
  Value attribute_only(const Value& object, const std::string& name);  // and no element of a dict
  Value item(const Value& object, const Value& key);

  // For Macro and Loop.
  Value run_macro(const Statement& node, Activation* outer, std::vector<Value> values, Value caller,
                  Value kwargs, Value varargs);
  Value run_recursive(const Statement& node, const Value& iterable, size_t depth,
                      Activation* outer);

 private:
  enum class Flow { kNext, kBreak, kContinue };
  class Running;
  class Capture;

  // statements.cpp
  Flow execute(const Body& body);
  Flow execute(const Statement& node);
  Flow execute_if(const Statement& node);
  Flow execute_for(const Statement& node);
  Flow execute_with(const Statement& node);
  Flow execute_filter_block(const Statement& node);
  Flow execute_set_block(const Statement& node);
  void execute_call_block(const Statement& node);
  void execute_block(const Statement& node);
  Flow run_loop(const Statement& node, Value iterable, size_t depth, Activation* outer);
  template <typename Next>
  bool run_rounds(const Statement& node, Next&& next, Loop* loop);
  Value filtered(const Statement& node, const Value& iterable, Activation* outer);
  void enter(const Scope& scope);
  void assign(const Expression& target, const Value& value, bool top_level);
  void assign_member(Namespace& object, const std::string& name, const Value& value);
  void check_members(const Expression& target);
  void set(const Expression& name, const Value& value, bool top_level);
  void print(const Value& value);
  void write(std::string_view text);
  Value make_macro(const Statement& node);

  // expressions.cpp
  Value evaluate(const Expression& node);
  Value evaluate_name(const Expression& node);
  Value evaluate_dict(const Expression& node);
  Value evaluate_compare(const Expression& node);
  Value evaluate_concat(const Expression& node);
  Value evaluate_call(const Expression& node, Value caller = {});
  Value evaluate_filter(const Expression& node, Value subject);
  Value filter_chain(const Expression& node, Value subject);
  Value evaluate_conditional(const Expression& node);
  std::vector<Value> evaluate_all(const std::vector<Expression*>& nodes);
  Arguments evaluate_arguments(const Expression& node);
  void spread_list(Arguments& arguments, const Value& value);
  void spread_dict(Arguments& arguments, const Value& value);

  Value& slot(const Slot& slot);
  Value context(const std::string& name) const;
  Activation* activate(const Function& function, Activation* outer);
  void keep_activation();

  const Program& program_;
  Heap& heap_;
  const Dict& variables_;
  const Clock now_;
  std::map<std::string, Value, std::less<>> exported_;  // set at the top of the template
  Activation* active_ = nullptr;
  std::vector<Activation*> unused_;
  std::string* out_ = nullptr;
  int line_ = 1;
};

// globals.cpp: the functions that every template has: range, dict, namespace, raise_exception ...
const Value* find_global(const std::string& name);

}  // namespace vecton::chat
