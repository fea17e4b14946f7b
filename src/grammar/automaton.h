// Automaton: reads texts of a grammar byte by byte. An Earley recogniser whose item sets are found
// again: equal sets are one ParseState, and where a byte leads is remembered, so that a grammar
// that is in use becomes a table.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "grammar/dfa.h"
#include "grammar/grammar.h"

namespace vecton::grammar {

// Where a text can be in a grammar.
struct ParseState {
  // Inside of a terminal (`dfa` >= 0, `place` is its edge), or at a grammar state (`place`).
  struct Item {
    int32_t place, dfa;
    int64_t count;             // how often the rule of a kRepeat edge was there
    const ParseState* origin;  // where the item's rule began; nullptr = here
    bool operator==(const Item&) const = default;
  };
  struct Wait {
    int32_t rule, edge;
    int64_t count;
    const ParseState* origin;
  };
  int32_t number = 0;
  bool accepting = false;
  bool opens = false;             // an array begins whose items are compared
  bool item_done = false;         // an item of one ends, and differs
  std::vector<ParseState*> next;  // by class of bytes; nullptr = not known yet
  std::vector<Item> kernel;       // what the set is known by
  std::vector<Item> scanning;     // terminals that a byte may go on with
  std::vector<Wait> waits;        // sorted by rule: who goes on when a rule that began here ends
  // Behind an item of an array, if it differs from those before it, or if it does not.
  std::vector<Item> pending_fresh, pending_repeated;
  // With what is pending, once asked for; with either for a text of which that is not known.
  ParseState *fresh = nullptr, *repeated = nullptr, *either = nullptr;
  bool pends() const { return !pending_fresh.empty() || !pending_repeated.empty(); }
};

class Automaton {
 public:
  // `groups`: sets of tokens, as expressions of the grammar's pool, for contains(); a token of a
  // group has at most `group_bytes` bytes.
  Automaton(Grammar& grammar, const std::vector<Expr>& groups, int group_bytes);
  Automaton(const Automaton&) = delete;
  Automaton& operator=(const Automaton&) = delete;

  ParseState* start() { return start_; }
  ParseState* next(ParseState* state, uint8_t byte) {
    const auto c = static_cast<size_t>(dfa_.class_of(byte));
    ParseState* to = state->next[c];
    if (!to) to = step(state, static_cast<int>(c));
    return to == &dead_ ? nullptr : to;
  }
  // Where the item that ends there differs from those before it, or does not; nullptr = dead.
  ParseState* resolved(ParseState* state, bool fresh);
  // Where it may do either.
  ParseState* either(ParseState* state);
  // Whether all tokens of a group may come next.
  bool contains(const ParseState& state, size_t group);
  // Whether any byte may come next.
  bool extendable(ParseState* state);
  const Grammar& grammar() const { return grammar_; }

  size_t memory() const { return bytes_ + dfa_.memory(); }

 private:
  class Closure;
  ParseState* step(ParseState* state, int byte_class);
  ParseState* intern(std::vector<ParseState::Item> kernel);
  ParseState* with(const ParseState& state,
                   std::initializer_list<const std::vector<ParseState::Item>*> pending);

  struct FlatEdge {
    Edge edge;
    int32_t first;  // of a terminal: its first state
    bool nullable;
  };
  Grammar& grammar_;
  std::vector<FlatEdge> edges_;      // of all grammar states
  std::vector<int32_t> first_edge_;  // of each grammar state
  Dfa dfa_;
  std::vector<int32_t> groups_;
  int group_bytes_;
  std::deque<ParseState> states_;
  std::unordered_multimap<size_t, ParseState*> known_;
  ParseState dead_;
  ParseState* start_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace vecton::grammar
