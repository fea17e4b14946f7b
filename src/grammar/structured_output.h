// What a request can ask its answer to be, as a grammar.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/constraint.h"
#include "grammar/json_schema.h"

namespace vecton::grammar {

// The texts that match the whole expression.
Symbol regex(Grammar& grammar, std::string_view pattern);
// One of the texts.
Symbol choice(Grammar& grammar, const std::vector<std::string>& texts);

// Grammar of a symbol; kInvalidArgument with `what` where no text is left.
Grammar finished(Grammar grammar, Symbol root, const std::string& what);

// The compiled grammars of one tokenizer, found again by their text. Thread-safe.
class GrammarCache {
 public:
  explicit GrammarCache(std::shared_ptr<const TokenTrie> trie) : trie_(std::move(trie)) {}

  // `make` gives the grammar, where `key` is not known and perhaps later: it owns what it reads.
  // Errors are not remembered.
  template <typename Make>
  std::shared_ptr<const CompiledGrammar> get(const std::string& key, const Make& make) {
    if (auto known = find(key)) return known;
    return add(key, std::make_shared<const CompiledGrammar>(trie_, make));
  }

 private:
  std::shared_ptr<const CompiledGrammar> find(const std::string& key);
  std::shared_ptr<const CompiledGrammar> add(const std::string& key,
                                             std::shared_ptr<const CompiledGrammar> made);

  struct Entry {
    std::string key;
    std::shared_ptr<const CompiledGrammar> grammar;
  };
  const std::shared_ptr<const TokenTrie> trie_;
  std::mutex mutex_;
  std::vector<Entry> entries_;  // the one used last is last
};

}  // namespace vecton::grammar
