#include "grammar/grammar.h"

#include <algorithm>

#include "grammar/limits.h"
#include "vecton/error.h"

namespace vecton::grammar {

int32_t Grammar::add_rule(std::string name) {
  rules_.push_back({std::move(name), 0});
  const auto rule = static_cast<int32_t>(rules_.size() - 1);
  rules_[rule].start = add_state(rule);
  return rule;
}

int32_t Grammar::add_state(int32_t rule) {
  if (states_.size() >= kMaxGrammarStates)
    throw Error(ErrorCode::kInvalidArgument,
                "the structure asked for is too complex: its grammar has more than " +
                    std::to_string(kMaxGrammarStates) + " states");
  states_.push_back({rule, false, false, false, {}});
  return static_cast<int32_t>(states_.size() - 1);
}

void Grammar::connect(int32_t from, int32_t to) {
  states_[from].edges.push_back({Edge::Kind::kNothing, to, 0, 0});
}

void Grammar::connect(int32_t from, Symbol symbol, int32_t to) {
  if (symbol.is_terminal() && symbol.index == kEmptyText) return connect(from, to);
  if (symbol.is_never()) return;
  states_[from].edges.push_back(
      {symbol.is_terminal() ? Edge::Kind::kTerminal : Edge::Kind::kRule, to, symbol.index, 0});
}

void Grammar::connect_fresh(int32_t from, int32_t to) {
  has_unique_arrays_ = true;
  states_[from].edges.push_back({Edge::Kind::kFresh, to, 0, 0});
  states_[to].item_done = true;
}

void Grammar::connect_repeated(int32_t from, int32_t to) {
  has_unique_arrays_ = true;
  states_[from].edges.push_back({Edge::Kind::kRepeated, to, 0, 0});
}

void Grammar::connect_repeat(int32_t from, Symbol symbol, int64_t least, int64_t most, int32_t to) {
  if (symbol.is_terminal())
    return connect(from, Symbol::terminal(pool.repeat(symbol.index, least, most)), to);
  if (most != kUnbounded && least > most) return;
  if (most == 0) return connect(from, to);
  states_[from].edges.push_back(
      {Edge::Kind::kRepeat, to, symbol.index, static_cast<int32_t>(bounds_.size())});
  bounds_.push_back({least, most});
}

void Grammar::define(int32_t rule, Symbol symbol) {
  const int32_t end = add_state(rule);
  connect(start(rule), symbol, end);
  set_final(end);
}

Symbol Grammar::sequence(const std::vector<Symbol>& parts) {
  std::vector<Symbol> joined;
  for (const Symbol part : parts) {
    if (part.is_never()) return part;
    if (part.is_terminal() && !joined.empty() && joined.back().is_terminal()) {
      joined.back().index = pool.concat(joined.back().index, part.index);
    } else {
      joined.push_back(part);
    }
  }
  if (joined.empty()) return Symbol::terminal(kEmptyText);
  if (joined.size() == 1) return joined[0];
  const int32_t rule = add_rule("");
  int32_t at = start(rule);
  for (const Symbol part : joined) {
    const int32_t next = add_state(rule);
    connect(at, part, next);
    at = next;
  }
  set_final(at);
  return Symbol::rule(rule);
}

Symbol Grammar::any_of(const std::vector<Symbol>& parts) {
  std::vector<Expr> terminals;
  std::vector<Symbol> kept;
  for (const Symbol part : parts) {
    if (part.is_terminal()) {
      terminals.push_back(part.index);
    } else {
      kept.push_back(part);
    }
  }
  const Symbol terminal = Symbol::terminal(pool.any_of(std::move(terminals)));
  if (kept.empty()) return terminal;
  if (!terminal.is_never()) kept.push_back(terminal);
  if (kept.size() == 1) return kept[0];
  const int32_t rule = add_rule("");
  const int32_t end = add_state(rule);
  for (const Symbol part : kept) connect(start(rule), part, end);
  set_final(end);
  return Symbol::rule(rule);
}

Symbol Grammar::repeat(Symbol part, int64_t least, int64_t most) {
  if (part.is_terminal()) return Symbol::terminal(pool.repeat(part.index, least, most));
  if (most != kUnbounded && least > most) return Symbol();
  if (most == 0) return Symbol::terminal(kEmptyText);
  if (least == 1 && most == 1) return part;
  const int32_t rule = add_rule("");
  const int32_t end = add_state(rule);
  connect_repeat(start(rule), part, least, most, end);
  set_final(end);
  return Symbol::rule(rule);
}

bool Grammar::edge_is_nullable(const Edge& edge) const {
  switch (edge.kind) {
    case Edge::Kind::kNothing:
    case Edge::Kind::kFresh:
    case Edge::Kind::kRepeated:
      return true;
    case Edge::Kind::kTerminal:
      return pool.nullable(edge.index);
    case Edge::Kind::kRule:
      return rules_[edge.index].nullable;
    default:
      return bounds(edge).least == 0 || rules_[edge.index].nullable;
  }
}

bool Grammar::edge_is_productive(const Edge& edge) const {
  switch (edge.kind) {
    case Edge::Kind::kNothing:
    case Edge::Kind::kFresh:
    case Edge::Kind::kRepeated:
      return true;
    case Edge::Kind::kTerminal:
      return edge.index != kNever;
    case Edge::Kind::kRule:
      return rules_[edge.index].productive;
    default:
      return bounds(edge).least == 0 || rules_[edge.index].productive;
  }
}

void Grammar::drop_vacant_terminals() {
  for (State& state : states_) {
    for (Edge& edge : state.edges) {
      if (edge.kind == Edge::Kind::kTerminal && !pool.has_text(edge.index)) edge.index = kNever;
    }
  }
}

Grammar::Backwards Grammar::backwards() const {
  Backwards out{.into = std::vector<std::vector<EdgeAt>>(states_.size()),
                .uses = std::vector<std::vector<EdgeAt>>(rules_.size())};
  for (size_t s = 0; s < states_.size(); ++s) {
    for (size_t e = 0; e < states_[s].edges.size(); ++e) {
      const Edge& edge = states_[s].edges[e];
      out.into[edge.target].push_back({static_cast<int32_t>(s), e});
      if (edge.kind == Edge::Kind::kRule || edge.kind == Edge::Kind::kRepeat)
        out.uses[edge.index].push_back({static_cast<int32_t>(s), e});
    }
  }
  return out;
}

std::vector<bool> Grammar::spread(const Backwards& backwards,
                                  bool (Grammar::*counts)(const Edge&) const, bool Rule::*known) {
  std::vector<bool> good(states_.size());
  std::vector<int32_t> open;
  const auto found = [&](int32_t s) {
    if (good[s]) return;
    good[s] = true;
    open.push_back(s);
  };
  for (size_t s = 0; s < states_.size(); ++s) {
    if (states_[s].final) found(static_cast<int32_t>(s));
  }
  while (!open.empty()) {
    const int32_t s = open.back();
    open.pop_back();
    for (const auto& [from, e] : backwards.into[s]) {
      if ((this->*counts)(states_[from].edges[e])) found(from);
    }
    const int32_t rule = states_[s].rule;
    if (rules_[rule].start != s) continue;
    rules_[rule].*known = true;
    for (const auto& [from, e] : backwards.uses[rule]) {
      const Edge& edge = states_[from].edges[e];
      if (good[edge.target] && (this->*counts)(edge)) found(from);
    }
  }
  return good;
}

bool Grammar::finish(Symbol root) {
  root_ = add_rule("root");
  define(root_, root);
  drop_vacant_terminals();
  const Backwards backwards = this->backwards();
  const std::vector<bool> productive =
      spread(backwards, &Grammar::edge_is_productive, &Rule::productive);
  spread(backwards, &Grammar::edge_is_nullable, &Rule::nullable);
  for (State& state : states_) {
    std::erase_if(state.edges, [&](Edge& edge) {
      if (edge.kind == Edge::Kind::kRepeat && !rules_[edge.index].productive &&
          bounds(edge).least == 0)
        edge.kind = Edge::Kind::kNothing;
      return !productive[edge.target] || !edge_is_productive(edge);
    });
  }
  return rules_[root_].productive;
}

}  // namespace vecton::grammar
