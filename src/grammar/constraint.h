// Constraint: what tokens may come next in a text that has to be one of a grammar.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "grammar/array_tracker.h"
#include "grammar/automaton.h"
#include "grammar/grammar.h"
#include "grammar/recogniser.h"
#include "grammar/token_trie.h"

namespace vecton::grammar {

// A grammar made ready for a vocabulary. Shared by all requests that ask for it; thread-safe.
class CompiledGrammar {
 public:
  // `make` gives the finished grammar, the same each time; called here, and again where its tables
  // have become too large.
  CompiledGrammar(std::shared_ptr<const TokenTrie> trie, std::function<Grammar()> make);

 private:
  friend class Constraint;
  // What use has made of the grammar. Dropped when it has become large; constraints then read
  // their text again.
  struct Tables {
    explicit Tables(Grammar made);
    bool full() const;
    // Of a state; `checked`: tokens in which an item of an array may repeat another.
    struct Mask {
      std::vector<uint64_t> allowed;
      std::vector<int32_t> checked;
    };
    const Mask& mask(const TokenTrie& trie, ParseState* state);

    std::mutex mutex;
    Grammar grammar;
    Automaton automaton;
    std::unordered_map<const ParseState*, Mask> masks;
    std::vector<ParseState*> way;  // scratch: the states along a path of the trie
    std::vector<char> marked;      // and whether an item has ended or an array begun on it
    Mask last;                     // one that is not kept
  };
  std::shared_ptr<Tables> tables() const;
  // New ones, unless somebody has replaced `full` before.
  std::shared_ptr<Tables> replace(const std::shared_ptr<Tables>& full) const;

  const std::shared_ptr<const TokenTrie> trie_;
  const std::function<Grammar()> make_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<Tables> tables_;  // guarded by mutex_
};

// One text. One thread at a time.
class Constraint {
 public:
  explicit Constraint(std::shared_ptr<const CompiledGrammar> grammar);

  // Sets the bit of every id that may come next, (allowed[id / 64] >> (id % 64)) & 1, and clears
  // all others. Throws Error (kInvalidArgument) where telling would take more than the limits.
  void mask(std::span<uint64_t> allowed);
  bool allows(int32_t id);
  // False, and as before, where the token may not come next.
  bool accept(int32_t id);
  bool may_end() const { return state_->accepting; }  // the text is whole
  bool finished() const { return finished_; }         // and nothing may follow

 private:
  using Tables = CompiledGrammar::Tables;
  void settle();
  // From where the text is; the tracker is to be rewound after it.
  ParseState* read(Recogniser& recogniser, std::string_view bytes);
  void refine(const std::vector<int32_t>& checked, std::span<uint64_t> allowed);
  void enter(ParseState* state);

  std::shared_ptr<const CompiledGrammar> grammar_;
  std::shared_ptr<Tables> tables_;
  ParseState* state_ = nullptr;
  ArrayTracker tracker_;
  std::vector<int32_t> ids_;  // accepted
  bool finished_ = false;
};

}  // namespace vecton::grammar
