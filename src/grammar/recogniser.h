// Recogniser: an Automaton with what no grammar holds, that items of an array differ.
//
// No state it gives is a dead end: where what has begun can only turn out to be equal to an item
// before it, alive() is false.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_set>

#include "grammar/array_tracker.h"
#include "grammar/automaton.h"

namespace vecton::grammar {

// Of what is lent to it, for one mask or one token: what it looks through is bounded. `state` and
// the tracker's place belong together: each byte moves both.
class Recogniser {
 public:
  Recogniser(Automaton& automaton, ArrayTracker& tracker)
      : automaton_(automaton),
        tracker_(tracker),
        unique_(automaton.grammar().has_unique_arrays()) {}

  // nullptr where the byte may not come; the tracker is to be rewound then.
  ParseState* next(ParseState* state, uint8_t byte) {
    ParseState* const to = automaton_.next(state, byte);
    return to && unique_ ? tracked(to, byte) : to;
  }
  ParseState* read(ParseState* state, std::string_view bytes) {
    for (const char c : bytes) {
      if (!state) return nullptr;
      state = next(state, static_cast<uint8_t>(c));
    }
    return state;
  }
  // Whether the text can still become whole.
  bool alive(ParseState* state) { return !unique_ || settled(state) || searched(state); }

  // Moves to the end of the shortest-looking item that differs from those before it, from where an
  // item begins. False where none was found, of which there is none or that has to be too long.
  bool write_item(ParseState*& state);

 private:
  ParseState* tracked(ParseState* to, uint8_t byte);
  // What follows does not matter.
  bool settled(const ParseState* state) const;
  bool searched(ParseState* state);
  bool search(ParseState* state, int depth);
  bool search_item(ParseState*& state, int depth);
  bool skips(uint8_t byte) const;

  Automaton& automaton_;
  ArrayTracker& tracker_;
  const bool unique_;
  std::unordered_set<size_t> seen_;
  size_t steps_ = 0;
};

}  // namespace vecton::grammar
