#include "chat/scopes.h"

#include <algorithm>
#include <map>
#include <set>

#include "chat/filters.h"
#include "chat/lexer.h"
#include "chat/tests.h"

namespace vecton::chat {

namespace {

// Finds out which of some special names a macro or loop uses without having set them.
class Undeclared {
 public:
  explicit Undeclared(std::set<std::string> names) : names_(std::move(names)) {}

  const std::set<std::string>& find(const Body& body) {
    statements(body);
    return found_;
  }

 private:
  void statements(const Body& body) {
    for (const Statement* statement : body) visit(*statement);
  }

  void visit(const Statement& node) {
    if (node.kind == Statement::Kind::kBlock) return;
    if (node.kind == Statement::Kind::kFilter) {
      statements(node.bodies[0]);
      load(node.filter);
      return;
    }
    if (node.kind == Statement::Kind::kCall) load(node.source);
    store(node.target);
    for (const Expression* target : node.targets) store(target);
    for (const std::string& name : node.signature.names) names_.erase(name);
    for (const Expression* value : node.signature.defaults) load(value);
    if (node.kind != Statement::Kind::kCall) load(node.source);
    for (const Expression* value : node.expressions) load(value);
    load(node.filter);
    for (const Body& body : node.bodies) statements(body);
    load(node.condition);
  }

  void store(const Expression* target) {
    if (!target) return;
    if (target->kind == Expression::Kind::kName) names_.erase(target->text);
    for (const Expression* item : target->items) store(item);
  }

  void load(const Expression* node) {
    if (!node) return;
    if (node->kind == Expression::Kind::kName && names_.count(node->text))
      found_.insert(node->text);
    for (const Expression* item : node->items) load(item);
    for (const Argument& argument : node->arguments) load(argument.value);
  }

  std::set<std::string> names_, found_;
};

// A function and the one around it; null around blocks and the template.
struct Frame {
  Function& function;
  Frame* outer;
};

class Symbols {
 public:
  Symbols(Symbols* parent, Frame& frame, Scope& scope)
      : parent_(parent), frame_(frame), scope_(scope) {}

  Frame& frame() { return frame_; }

  void parameter(const std::string& name) { define(name, {}); }

  // `in_branch`: in a body of an {% if %}, which may not run.
  void store(const std::string& name, bool in_branch) {
    if (refs_.count(name)) return;
    Load load;
    if (const Ref* outer = parent_ ? parent_->find(name) : nullptr) {
      load.source = Load::Source::kOuter;
      load.outer = slot(*outer);
    } else if (in_branch) {
      load.source = Load::Source::kContext;
    }
    define(name, load);
  }

  void load(const std::string& name) {
    if (find(name)) return;
    Load load;
    load.source = Load::Source::kContext;
    define(name, load);
  }

  Slot slot(const std::string& name) const { return slot(*find(name)); }

 private:
  struct Ref {
    const Frame* frame;
    int index;
  };

  const Ref* find(const std::string& name) const {
    for (const Symbols* symbols = this; symbols; symbols = symbols->parent_) {
      const auto found = symbols->refs_.find(name);
      if (found != symbols->refs_.end()) return &found->second;
    }
    return nullptr;
  }

  Slot slot(const Ref& ref) const {
    Slot slot{0, ref.index};
    for (const Frame* frame = &frame_; frame != ref.frame; frame = frame->outer) ++slot.hops;
    return slot;
  }

  void define(const std::string& name, Load load) {
    const auto known = refs_.find(name);
    load.index = known == refs_.end() ? frame_.function.slots++ : known->second.index;
    load.name = name;
    refs_[name] = {&frame_, load.index};
    std::erase_if(scope_.loads, [&](const Load& other) { return other.index == load.index; });
    scope_.loads.push_back(load);
  }

  Symbols* const parent_;
  Frame& frame_;
  Scope& scope_;
  std::map<std::string, Ref> refs_;
};

class Resolver {
 public:
  explicit Resolver(Program& program) : program_(program) {}

  void run() {
    Frame frame{program_.function, nullptr};
    Symbols symbols(nullptr, frame, program_.scope);
    collect(symbols, program_.body, false);
    resolve(symbols, program_.body, {.soft = false, .top = true});
  }

 private:
  // Where a statement stands.
  struct Place {
    bool soft = false;  // in an {% if %}: unknown filters are errors only when they run
    bool top = false;
  };

  // First pass: the names of a scope.
  void collect(Symbols& symbols, const Body& body, bool in_branch) {
    for (const Statement* statement : body) collect(symbols, *statement, in_branch);
  }

  void collect(Symbols& symbols, const Statement& node, bool in_branch) {
    switch (node.kind) {
      case Statement::Kind::kOutput:
      case Statement::Kind::kWith:
        for (const Expression* value : node.expressions) collect_loads(symbols, value);
        break;
      case Statement::Kind::kIf:
        for (size_t i = 0; i < node.bodies.size(); ++i) {
          if (i < node.expressions.size()) collect_loads(symbols, node.expressions[i]);
          collect(symbols, node.bodies[i], true);
        }
        break;
      case Statement::Kind::kFor:
      case Statement::Kind::kCall:
        collect_loads(symbols, node.source);
        break;
      case Statement::Kind::kSet:
        collect_loads(symbols, node.source);
        collect_target(symbols, *node.target, in_branch);
        break;
      case Statement::Kind::kSetBlock:
        collect_target(symbols, *node.target, in_branch);
        break;
      case Statement::Kind::kMacro:
        symbols.store(node.text, in_branch);
        break;
      case Statement::Kind::kFilter:
        collect_loads(symbols, node.filter);
        break;
      default:
        break;
    }
  }

  void collect_loads(Symbols& symbols, const Expression* node) {
    if (!node) return;
    if (node->kind == Expression::Kind::kName) symbols.load(node->text);
    for (const Expression* item : node->items) collect_loads(symbols, item);
    for (const Argument& argument : node->arguments) collect_loads(symbols, argument.value);
  }

  void collect_target(Symbols& symbols, const Expression& target, bool in_branch) {
    if (target.kind == Expression::Kind::kMember) {
      symbols.load(target.items[0]->text);
    } else if (target.kind == Expression::Kind::kName) {
      symbols.store(target.text, in_branch);
    } else {
      for (const Expression* item : target.items) collect_target(symbols, *item, in_branch);
    }
  }

  void collect_parameters(Symbols& symbols, const Expression& target) {
    if (target.kind == Expression::Kind::kName) symbols.parameter(target.text);
    for (const Expression* item : target.items) collect_parameters(symbols, *item);
  }

  // Second pass: the slots of a scope, and the scopes inside.
  void resolve(Symbols& symbols, const Body& body, Place place) {
    for (Statement* statement : body) resolve(symbols, *statement, place);
  }

  void resolve(Symbols& symbols, Statement& node, Place place) {
    node.top_level = place.top;
    switch (node.kind) {
      case Statement::Kind::kOutput:
        for (Expression* value : node.expressions) names(symbols, value, place.soft);
        break;
      case Statement::Kind::kIf:
        for (Expression* condition : node.expressions) names(symbols, condition, true);
        for (const Body& body : node.bodies)
          resolve(symbols, body, {.soft = true, .top = place.top});
        break;
      case Statement::Kind::kFor:
        resolve_for(symbols, node, place.soft);
        break;
      case Statement::Kind::kSet:
        names(symbols, node.source, place.soft);
        target(symbols, *node.target);
        break;
      case Statement::Kind::kSetBlock:
        target(symbols, *node.target);
        resolve_inner(symbols, node, node.filter);
        break;
      case Statement::Kind::kFilter:
        resolve_inner(symbols, node, node.filter);
        break;
      case Statement::Kind::kMacro:
        node.slot = symbols.slot(node.text);
        resolve_macro(symbols, node);
        break;
      case Statement::Kind::kCall:
        names(symbols, node.source, place.soft);
        resolve_macro(symbols, node);
        break;
      case Statement::Kind::kWith:
        resolve_with(symbols, node, place.soft);
        break;
      case Statement::Kind::kBlock:
        resolve_block(node);
        break;
      default:
        break;
    }
  }

  void names(Symbols& symbols, Expression* node, bool soft) {
    if (!node) return;
    if (node->kind == Expression::Kind::kConditional) soft = true;
    if (node->kind == Expression::Kind::kName) node->slot = symbols.slot(node->text);
    if (node->kind == Expression::Kind::kFilter && !soft && !find_filter(node->text)) {
      syntax_error(node->line, "No filter named '" + node->text + "'.");
    }
    if (node->kind == Expression::Kind::kTest && !soft && !find_test(node->text)) {
      syntax_error(node->line, "No test named '" + node->text + "'.");
    }
    for (Expression* item : node->items) names(symbols, item, soft);
    for (Argument& argument : node->arguments) names(symbols, argument.value, soft);
  }

  void target(Symbols& symbols, Expression& node) {
    if (node.kind == Expression::Kind::kName) {
      if (node.text == "loop" && loops_ > 0) {
        syntax_error(node.line, "Can't assign to special loop variable in for-loop target");
      }
      node.slot = symbols.slot(node.text);
    } else if (node.kind == Expression::Kind::kMember) {
      node.items[0]->slot = symbols.slot(node.items[0]->text);
    } else {
      for (Expression* item : node.items) target(symbols, *item);
    }
  }

  // The body of a set or filter block, and its filters, which see what the body sets.
  void resolve_inner(Symbols& outer, Statement& node, Expression* filter) {
    Symbols symbols(&outer, outer.frame(), node.scope);
    collect(symbols, node.bodies[0], false);
    collect_loads(symbols, filter);
    resolve(symbols, node.bodies[0], {});
    names(symbols, filter, false);
  }

  void resolve_with(Symbols& outer, Statement& node, bool soft) {
    for (Expression* value : node.expressions) names(outer, value, soft);
    Symbols symbols(&outer, outer.frame(), node.scope);
    for (const Expression* name : node.targets) collect_parameters(symbols, *name);
    collect(symbols, node.bodies[0], false);
    for (Expression* name : node.targets) target(symbols, *name);
    resolve(symbols, node.bodies[0], {});
  }

  void resolve_block(Statement& node) {
    Frame frame{node.function, nullptr};
    Symbols symbols(nullptr, frame, node.scope);
    collect(symbols, node.bodies[0], false);
    resolve(symbols, node.bodies[0], {});
  }

  void resolve_for(Symbols& outer, Statement& node, bool soft) {
    names(outer, node.source, soft);
    ++loops_;
    node.extended = node.recursive || !Undeclared({"loop"}).find(node.bodies[0]).empty();
    if (node.condition) resolve_condition(outer, node);
    Frame own{node.function, &outer.frame()};
    Frame& frame = node.recursive ? own : outer.frame();
    Symbols symbols(&outer, frame, node.scope);
    if (node.extended) symbols.parameter("loop");
    collect_parameters(symbols, *node.target);
    collect(symbols, node.bodies[0], false);
    if (node.extended) node.slot = symbols.slot("loop");
    target(symbols, *node.target);
    resolve(symbols, node.bodies[0], {});
    if (node.bodies.size() > 1) {
      Symbols otherwise(&outer, frame, node.else_scope);
      collect(otherwise, node.bodies[1], false);
      resolve(otherwise, node.bodies[1], {});
    }
    --loops_;
  }

  // The condition runs between the rounds of the loop, with variables of its own.
  void resolve_condition(Symbols& outer, Statement& node) {
    Frame frame{node.test_function, &outer.frame()};
    Symbols symbols(&outer, frame, node.test_scope);
    node.test_target = copy_target(*node.target);
    collect_parameters(symbols, *node.test_target);
    collect_loads(symbols, node.condition);
    target(symbols, *node.test_target);
    names(symbols, node.condition, false);
  }

  Expression* copy_target(const Expression& node) {
    program_.expressions.push_back(std::make_unique<Expression>(node));
    Expression* copy = program_.expressions.back().get();
    for (Expression*& item : copy->items) item = copy_target(*item);
    return copy;
  }

  void resolve_macro(Symbols& outer, Statement& node) {
    Frame frame{node.function, &outer.frame()};
    Symbols symbols(&outer, frame, node.scope);
    Signature& signature = node.signature;
    for (const std::string& name : signature.names) symbols.parameter(name);
    for (const Expression* value : signature.defaults) collect_loads(symbols, value);
    collect(symbols, node.bodies[0], false);

    const auto& names_of = signature.names;
    const auto is_parameter = [&](const char* name) {
      return std::find(names_of.begin(), names_of.end(), name) != names_of.end();
    };
    const auto special = Undeclared({"caller", "kwargs", "varargs"}).find(node.bodies[0]);
    signature.explicit_caller = is_parameter("caller");
    if (special.count("caller")) {
      signature.takes_caller = true;
      if (signature.explicit_caller) {
        check_caller_default(node);
      } else {
        symbols.parameter("caller");
      }
      signature.caller = symbols.slot("caller");
    }
    if (special.count("kwargs") && !is_parameter("kwargs")) {
      signature.takes_kwargs = true;
      symbols.parameter("kwargs");
      signature.kwargs = symbols.slot("kwargs");
    }
    if (special.count("varargs") && !is_parameter("varargs")) {
      signature.takes_varargs = true;
      symbols.parameter("varargs");
      signature.varargs = symbols.slot("varargs");
    }
    for (const std::string& name : names_of) signature.slots.push_back(symbols.slot(name));
    for (Expression* value : signature.defaults) names(symbols, value, false);
    resolve(symbols, node.bodies[0], {});
  }

  static void check_caller_default(const Statement& node) {
    const auto& names_of = node.signature.names;
    const auto at = static_cast<size_t>(std::find(names_of.begin(), names_of.end(), "caller") -
                                        names_of.begin());
    if (at + node.signature.defaults.size() < names_of.size()) {
      syntax_error(node.line,
                   "When defining macros or call blocks the special \"caller\" argument must be "
                   "omitted or be given a default.");
    }
  }

  Program& program_;
  int loops_ = 0;  // around the statement
};

}  // namespace

void resolve_names(Program& program) { Resolver(program).run(); }

}  // namespace vecton::chat
