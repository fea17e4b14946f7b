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

struct ItemHash {
  size_t operator()(const Item& item) const { return hash_of(item); }
};

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
  close(state);
  known_.emplace(hash, &state);
  bytes_ += sizeof(ParseState) + 64 + state.next.size() * sizeof(void*) +
            (state.kernel.size() + state.scanning.size() + state.pending_fresh.size() +
             state.pending_repeated.size()) *
                sizeof(Item) +
            state.waits.size() * sizeof(ParseState::Wait);
  return &state;
}

void Automaton::close(ParseState& state) {
  // Items whose rule begins here have no origin: the state is not known by its number in its own
  // items, so that equal sets are equal wherever they stand.
  std::unordered_set<Item, ItemHash> seen;
  std::vector<Item> open;
  const auto add = [&](const Item& item) {
    // Few items are compared one by one.
    constexpr size_t kFew = 24;
    if (open.size() < kFew) {
      if (std::find(open.begin(), open.end(), item) != open.end()) return;
    } else {
      if (seen.empty()) seen.insert(open.begin(), open.end());
      if (!seen.insert(item).second) return;
    }
    if (open.size() > kMaxItems)
      throw Error(ErrorCode::kInvalidArgument,
                  "the structure asked for is too ambiguous: more than " +
                      std::to_string(kMaxItems) + " ways to read the same text");
    open.push_back(item);
  };
  const bool first = state.number == 0;
  for (const Item& item : state.kernel) {
    if (item.dfa != Dfa::kDead) {
      state.scanning.push_back(item);
    } else {
      add(item);
      if (item.place < 0) continue;
      state.opens = state.opens || grammar_.states()[item.place].opens;
      state.item_done = state.item_done || grammar_.states()[item.place].item_done;
    }
  }
  for (size_t at = 0; at < open.size(); ++at) {
    const Item item = open[at];
    // An item whose rule began here has read nothing.
    const auto visit = [&](int32_t e, int64_t count) {
      const FlatEdge& flat = edges_[static_cast<size_t>(e)];
      switch (flat.edge.kind) {
        case Edge::Kind::kNothing:
          add({flat.edge.target, Dfa::kDead, 0, item.origin});
          return;
        case Edge::Kind::kFresh:
          state.pending_fresh.push_back({flat.edge.target, Dfa::kDead, 0, item.origin});
          return;
        case Edge::Kind::kRepeated:
          state.pending_repeated.push_back({flat.edge.target, Dfa::kDead, 0, item.origin});
          return;
        case Edge::Kind::kTerminal:
          if (flat.first != Dfa::kDead) state.scanning.push_back({e, flat.first, 0, item.origin});
          if (flat.nullable) add({flat.edge.target, Dfa::kDead, 0, item.origin});
          return;
        case Edge::Kind::kRule:
        case Edge::Kind::kRepeat: {
          const bool repeats = flat.edge.kind == Edge::Kind::kRepeat;
          const bool rule_nullable = grammar_.rules()[flat.edge.index].nullable;
          const Bounds bounds = repeats ? grammar_.bounds(flat.edge) : Bounds{1, 1};
          if (bounds.most == kUnbounded || count < bounds.most) {
            state.waits.push_back({flat.edge.index, e, count, item.origin});
            add({grammar_.start(flat.edge.index), Dfa::kDead, 0, nullptr});
          }
          if (rule_nullable || count >= bounds.least)
            add({flat.edge.target, Dfa::kDead, 0, item.origin});
          return;
        }
      }
    };
    if (item.place < 0) {  // a repeat that goes on
      visit(-1 - item.place, item.count);
      continue;
    }
    for (int32_t e = first_edge_[item.place]; e < first_edge_[item.place + 1]; ++e) visit(e, 0);
    const Grammar::State& place = grammar_.states()[item.place];
    if (!place.final) continue;
    if (place.rule == grammar_.root() && (item.origin == start_ || first)) state.accepting = true;
    if (!item.origin) continue;  // read nothing: those who wait went on already
    const std::vector<ParseState::Wait>& waits = item.origin->waits;
    auto wait = std::lower_bound(waits.begin(), waits.end(), place.rule,
                                 [](const ParseState::Wait& w, int32_t r) { return w.rule < r; });
    for (; wait != waits.end() && wait->rule == place.rule; ++wait) {
      const Edge& edge = edges_[static_cast<size_t>(wait->edge)].edge;
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
  std::stable_sort(state.waits.begin(), state.waits.end(),
                   [](const auto& x, const auto& y) { return x.rule < y.rule; });
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
