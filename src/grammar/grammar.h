// Grammar: a context-free language whose terminals are expressions. Each rule is a small automaton
// over terminals and rules.
//
// A value. Built by one thread; after finish() the one Automaton of it extends its pool.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/expression.h"

namespace vecton::grammar {

// What stands at one place of a rule: a terminal or another rule.
struct Symbol {
  enum class Kind : uint8_t { kTerminal, kRule } kind = Kind::kTerminal;
  int32_t index = kNever;  // an expression, or a rule

  static Symbol terminal(Expr e) { return {Kind::kTerminal, e}; }
  static Symbol rule(int32_t r) { return {Kind::kRule, r}; }
  bool is_terminal() const { return kind == Kind::kTerminal; }
  bool is_never() const { return is_terminal() && index == kNever; }
};

struct Edge {
  // kFresh: without any text, where the item of the innermost array that ends there differs from
  // all before it; kRepeated: where it does not.
  enum class Kind : uint8_t { kNothing, kTerminal, kRule, kRepeat, kFresh, kRepeated } kind;
  int32_t target;
  int32_t index;   // expression or rule
  int32_t bounds;  // of kRepeat, number of its Bounds
};

// How often the rule of a kRepeat edge.
struct Bounds {
  int64_t least, most;
};

class Grammar {
 public:
  ExpressionPool pool;

  int32_t add_rule(std::string name);
  int32_t start(int32_t rule) const { return rules_[rule].start; }
  int32_t add_state(int32_t rule);
  void define(int32_t rule, Symbol symbol);  // it is the symbol, and what else it has
  void set_final(int32_t state) { states_[state].final = true; }
  void connect(int32_t from, int32_t to);  // without any text
  void connect(int32_t from, Symbol symbol, int32_t to);
  void connect_fresh(int32_t from, int32_t to);
  void connect_repeated(int32_t from, int32_t to);
  // Where an array begins whose items are compared: behind its bracket.
  void set_opens(int32_t state) { states_[state].opens = true; }
  void connect_repeat(int32_t from, Symbol symbol, int64_t least, int64_t most, int32_t to);

  // Symbols of symbols. What is made of terminals alone is a terminal.
  Symbol sequence(const std::vector<Symbol>& parts);
  Symbol any_of(const std::vector<Symbol>& parts);
  Symbol repeat(Symbol part, int64_t least, int64_t most);
  Symbol text(std::string_view literal) { return Symbol::terminal(pool.literal(literal)); }

  // Drops what can never end. False if nothing is left of `root`.
  bool finish(Symbol root);

  struct State {
    int32_t rule;
    bool final = false;
    bool opens = false;      // behind the bracket of an array whose items are compared
    bool item_done = false;  // behind an item of one that differs
    std::vector<Edge> edges;
  };
  struct Rule {
    std::string name;
    int32_t start;
    bool nullable = false, productive = false;
  };
  const std::vector<State>& states() const { return states_; }
  const std::vector<Rule>& rules() const { return rules_; }
  const Bounds& bounds(const Edge& edge) const { return bounds_[static_cast<size_t>(edge.bounds)]; }
  int32_t root() const { return root_; }
  bool edge_is_nullable(const Edge& edge) const;  // of one whose rule is known to be, or not
  bool has_unique_arrays() const { return has_unique_arrays_; }
  bool space_is_optional = true;  // between the tokens of its JSON

 private:
  struct EdgeAt {
    int32_t state;  // that it begins at
    size_t edge;    // of the state's
  };
  // Edges by the state that they lead to, and by the rule that they have.
  struct Backwards {
    std::vector<std::vector<EdgeAt>> into, uses;
  };

  void drop_vacant_terminals();
  Backwards backwards() const;
  // The states that are productive (nullable): final ones, and those of which an edge that is leads
  // to one that is. Found backwards from the final ones, and on from each rule whose start is
  // found, which is `known` from then on.
  std::vector<bool> spread(const Backwards& backwards, bool (Grammar::*counts)(const Edge&) const,
                           bool Rule::*known);
  bool edge_is_productive(const Edge& edge) const;

  std::vector<State> states_;
  std::vector<Rule> rules_;
  std::vector<Bounds> bounds_;
  int32_t root_ = 0;
  bool has_unique_arrays_ = false;
};

}  // namespace vecton::grammar
