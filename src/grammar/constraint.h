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

#include "grammar/automaton.h"
#include "grammar/grammar.h"
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
    const std::vector<uint64_t>& mask(const TokenTrie& trie, ParseState* state);

    std::mutex mutex;
    Grammar grammar;
    Automaton automaton;
    std::unordered_map<const ParseState*, std::vector<uint64_t>> masks;
    std::vector<ParseState*> way;  // scratch: the states along a path of the trie
    std::vector<uint64_t> last;    // a mask that is not kept
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
  ParseState* walk(ParseState* from, std::string_view bytes);
  void enter(ParseState* state);

  std::shared_ptr<const CompiledGrammar> grammar_;
  std::shared_ptr<Tables> tables_;
  ParseState* state_ = nullptr;
  std::vector<int32_t> ids_;  // accepted
  bool finished_ = false;
};

}  // namespace vecton::grammar
