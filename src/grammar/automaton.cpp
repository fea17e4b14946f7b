#include "grammar/automaton.h"

#include <algorithm>
#include <tuple>
#include <unordered_set>

#include "grammar/limits.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

using Item = ParseState::Item;

int32_t number_of(const ParseState* state) { return state ? state->number : -1; }

// By numbers, not addresses: the same on every run.
bool before(const Item& x, const Item& y) {
  return std::tuple(x.place, x.dfa, x.count, number_of(x.origin)) <
         std::tuple(y.place, y.dfa, y.count, number_of(y.origin));
}

size_t hash_of(const Item& item) {
  size_t hash = static_cast<size_t>(item.place);
  for (const auto part :
       {static_cast<int64_t>(item.dfa), item.count, static_cast<int64_t>(number_of(item.origin))}) {
    hash = (hash ^ static_cast<size_t>(part)) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 31;
  }
  return hash;
}

std::vector<Expr> roots_of(const Grammar& grammar, const std::vector<Expr>& groups) {
  std::vector<Expr> roots = groups;
  for (const Grammar::State& state : grammar.states()) {
    for (const Edge& edge : state.edges) {
      if (edge.kind == Edge::Kind::kTerminal) roots.push_back(edge.index);
    }
  }
  std::sort(roots.begin(), roots.end());
  roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
  return roots;
}

}  // namespace

Automaton::Automaton(Grammar& grammar, const std::vector<Expr>& groups, int group_bytes)
    : grammar_(grammar), dfa_(grammar.pool, roots_of(grammar, groups)), group_bytes_(group_bytes) {
  for (const Expr group : groups) groups_.push_back(dfa_.state(group));
  for (const Grammar::State& state : grammar.states()) {
    first_edge_.push_back(static_cast<int32_t>(edges_.size()));
    for (const Edge& edge : state.edges) {
      const bool terminal = edge.kind == Edge::Kind::kTerminal;
      edges_.push_back(
          {edge, terminal ? dfa_.state(edge.index) : Dfa::kDead, grammar.edge_is_nullable(edge)});
    }
  }
  first_edge_.push_back(static_cast<int32_t>(edges_.size()));
  start_ = intern({{grammar.start(grammar.root()), Dfa::kDead, 0, nullptr}});
}

// Adds to a state what its kernel leads to without a byte.
class Automaton::Closure {
 public:
  Closure(const Automaton& automaton, ParseState& state)
      : automaton_(automaton), grammar_(automaton.grammar_), state_(state) {}

  void make() {
    for (const Item& item : state_.kernel) {
      if (item.dfa != Dfa::kDead) {
        state_.scanning.push_back(item);
      } else {
        begin(item);
      }
    }
    for (size_t at = 0; at < open_.size(); ++at) {
      const Item item = open_[at];
      if (item.place < 0) {  // a repeat that goes on
        follow(-1 - item.place, item.count, item.origin);
      } else {
        predict(item);
        if (grammar_.states()[item.place].final) complete(item);
      }
    }
    std::stable_sort(state_.waits.begin(), state_.waits.end(),
                     [](const auto& x, const auto& y) { return x.rule < y.rule; });
  }

 private:
  struct ItemHash {
    size_t operator()(const Item& item) const { return hash_of(item); }
  };

  void begin(const Item& item) {
    add(item);
    if (item.place < 0) return;
    const Grammar::State& place = grammar_.states()[item.place];
    state_.opens = state_.opens || place.opens;
    state_.item_done = state_.item_done || place.item_done;
  }

  void predict(const Item& item) {
    const int32_t end = automaton_.first_edge_[item.place + 1];
    for (int32_t e = automaton_.first_edge_[item.place]; e < end; ++e) follow(e, 0, item.origin);
  }

  // An edge of an item whose rule began at `origin`, which is nullptr where it has read nothing.
  void follow(int32_t e, int64_t count, const ParseState* origin) {
    const FlatEdge& flat = automaton_.edges_[static_cast<size_t>(e)];
    const Item behind{flat.edge.target, Dfa::kDead, 0, origin};
    switch (flat.edge.kind) {
      case Edge::Kind::kNothing:
        add(behind);
        return;
      case Edge::Kind::kFresh:
        state_.pending_fresh.push_back(behind);
        return;
      case Edge::Kind::kRepeated:
        state_.pending_repeated.push_back(behind);
        return;
      case Edge::Kind::kTerminal:
        if (flat.first != Dfa::kDead) state_.scanning.push_back({e, flat.first, 0, origin});
        if (flat.nullable) add(behind);
        return;
      case Edge::Kind::kRule:
      case Edge::Kind::kRepeat: {
        const bool repeats = flat.edge.kind == Edge::Kind::kRepeat;
        const Bounds bounds = repeats ? grammar_.bounds(flat.edge) : Bounds{1, 1};
        if (bounds.most == kUnbounded || count < bounds.most) {
          state_.waits.push_back({flat.edge.index, e, count, origin});
          add({grammar_.start(flat.edge.index), Dfa::kDead, 0, nullptr});
        }
        if (count >= bounds.least || grammar_.rules()[flat.edge.index].nullable) add(behind);
        return;
      }
    }
  }

  // The rule of the item ends: those who wait for it go on.
  void complete(const Item& item) {
    const int32_t rule = grammar_.states()[item.place].rule;
    const bool begun_at_start = item.origin == automaton_.start_ || state_.number == 0;
    if (rule == grammar_.root() && begun_at_start) state_.accepting = true;
    if (!item.origin) return;  // read nothing: those who wait went on already
    const std::vector<ParseState::Wait>& waits = item.origin->waits;
    auto wait = std::lower_bound(waits.begin(), waits.end(), rule,
                                 [](const ParseState::Wait& w, int32_t r) { return w.rule < r; });
    for (; wait != waits.end() && wait->rule == rule; ++wait) {
      const Edge& edge = automaton_.edges_[static_cast<size_t>(wait->edge)].edge;
      const ParseState* origin = wait->origin ? wait->origin : item.origin;
      if (edge.kind == Edge::Kind::kRule) {
        add({edge.target, Dfa::kDead, 0, origin});
      } else {
        // Beyond what is counted, one number stands for all.
        const Bounds& bounds = grammar_.bounds(edge);
        const int64_t count =
            bounds.most == kUnbounded ? std::min(wait->count + 1, bounds.least) : wait->count + 1;
        add({-1 - wait->edge, Dfa::kDead, count, origin});
      }
    }
  }

  void add(const Item& item) {
    // Few items are compared one by one.
    constexpr size_t kFew = 24;
    if (open_.size() < kFew) {
      if (std::find(open_.begin(), open_.end(), item) != open_.end()) return;
    } else {
      if (seen_.empty()) seen_.insert(open_.begin(), open_.end());
      if (!seen_.insert(item).second) return;
    }
    if (open_.size() > kMaxItems)
      throw Error(ErrorCode::kInvalidArgument,
                  "the structure asked for is too ambiguous: more than " +
                      std::to_string(kMaxItems) + " ways to read the same text");
    open_.push_back(item);
  }

  const Automaton& automaton_;
  const Grammar& grammar_;
  ParseState& state_;
  // Items whose rule begins here have no origin: the state is not known by its number in its own
  // items, so that equal sets are equal wherever they stand.
  std::vector<Item> open_;
  std::unordered_set<Item, ItemHash> seen_;  // of many: those of open_
};

ParseState* Automaton::intern(std::vector<Item> kernel) {
  std::sort(kernel.begin(), kernel.end(), before);
  kernel.erase(std::unique(kernel.begin(), kernel.end()), kernel.end());
  size_t hash = kernel.size();
  for (const Item& item : kernel) hash = (hash ^ hash_of(item)) * 0xD6E8FEB86659FD93u;
  const auto [begin, end] = known_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    if (it->second->kernel == kernel) return it->second;
  }
  ParseState& state = states_.emplace_back();
  state.number = static_cast<int32_t>(states_.size() - 1);
  state.kernel = std::move(kernel);
  state.next.assign(static_cast<size_t>(dfa_.classes()), nullptr);
  Closure(*this, state).make();
  known_.emplace(hash, &state);
  bytes_ += sizeof(ParseState) + 64 + state.next.size() * sizeof(void*) +
            (state.kernel.size() + state.scanning.size() + state.pending_fresh.size() +
             state.pending_repeated.size()) *
                sizeof(Item) +
            state.waits.size() * sizeof(ParseState::Wait);
  return &state;
}

ParseState* Automaton::step(ParseState* state, int byte_class) {
  std::vector<Item> kernel;
  for (const Item& item : state->scanning) {
    const int32_t to = dfa_.next(item.dfa, byte_class);
    if (to == Dfa::kDead) continue;
    const ParseState* origin = item.origin ? item.origin : state;
    if (dfa_.extendable(to)) kernel.push_back({item.place, to, 0, origin});
    if (dfa_.accepting(to))
      kernel.push_back(
          {edges_[static_cast<size_t>(item.place)].edge.target, Dfa::kDead, 0, origin});
  }
  ParseState* to = kernel.empty() ? &dead_ : intern(std::move(kernel));
  state->next[static_cast<size_t>(byte_class)] = to;
  return to;
}

ParseState* Automaton::with(const ParseState& state,
                            std::initializer_list<const std::vector<Item>*> pending) {
  std::vector<Item> kernel = state.kernel;
  for (const std::vector<Item>* items : pending)
    kernel.insert(kernel.end(), items->begin(), items->end());
  return intern(std::move(kernel));
}

ParseState* Automaton::resolved(ParseState* state, bool fresh) {
  const std::vector<Item>& pending = fresh ? state->pending_fresh : state->pending_repeated;
  if (pending.empty()) return state->scanning.empty() && !state->accepting ? nullptr : state;
  ParseState*& known = fresh ? state->fresh : state->repeated;
  if (!known) known = with(*state, {&pending});
  return known;
}

ParseState* Automaton::either(ParseState* state) {
  if (!state->either)
    state->either = with(*state, {&state->pending_fresh, &state->pending_repeated});
  return state->either;
}

bool Automaton::contains(const ParseState& state, size_t group) {
  return std::any_of(state.scanning.begin(), state.scanning.end(), [&](const Item& item) {
    return dfa_.contains(item.dfa, groups_[group], group_bytes_);
  });
}

bool Automaton::extendable(ParseState* state) {
  for (int c = 0; c < dfa_.classes(); ++c) {
    ParseState* to = state->next[static_cast<size_t>(c)];
    if (!to) to = step(state, c);
    if (to != &dead_) return true;
  }
  return false;
}

}  // namespace vecton::grammar
