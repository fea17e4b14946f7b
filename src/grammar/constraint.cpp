#include "grammar/constraint.h"

#include <algorithm>

#include "grammar/limits.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

constexpr size_t kMaxMasks = 512;   // kept
constexpr size_t kManyNodes = 500;  // of a walk that is not worth remembering

}  // namespace

CompiledGrammar::Tables::Tables(Grammar made)
    : grammar(std::move(made)),
      automaton(grammar, TokenTrie::group_expressions(grammar.pool), TokenTrie::kGroupBytes) {}

bool CompiledGrammar::Tables::full() const {
  return automaton.memory() > kMaxAutomatonBytes || grammar.pool.is_worn();
}

const std::vector<uint64_t>& CompiledGrammar::Tables::mask(const TokenTrie& trie,
                                                           ParseState* state) {
  if (const auto it = masks.find(state); it != masks.end()) return it->second;
  last.assign((static_cast<size_t>(trie.size()) + 63) / 64, 0);
  way.resize(trie.longest() + 1);
  way[0] = state;
  size_t nodes_seen = 0;
  for (size_t g = 0; g <= TokenTrie::kGroups; ++g) {
    const TokenTrie::Group& group = trie.group(g);
    if (g < TokenTrie::kGroups && automaton.contains(*state, g)) {
      for (size_t i = 0; i < last.size(); ++i) last[i] |= group.all[i];
      ++nodes_seen;
      continue;
    }
    const std::vector<TokenTrie::Node>& nodes = group.nodes;
    for (size_t at = 0; at + 1 < nodes.size();) {
      const TokenTrie::Node& node = nodes[at];
      ++nodes_seen;
      ParseState* const to = automaton.next(way[node.depth - 1u], node.byte);
      if (!to) {
        at = static_cast<size_t>(node.end);
        continue;
      }
      way[node.depth] = to;
      for (int32_t t = node.first_token; t < nodes[at + 1].first_token; ++t) {
        const auto id = static_cast<size_t>(group.ids[static_cast<size_t>(t)]);
        last[id / 64] |= uint64_t{1} << (id % 64);
      }
      ++at;
    }
  }
  if (nodes_seen < kManyNodes) return last;
  if (masks.size() >= kMaxMasks) masks.clear();
  return masks[state] = last;
}

CompiledGrammar::CompiledGrammar(std::shared_ptr<const TokenTrie> trie,
                                 std::function<Grammar()> make)
    : trie_(std::move(trie)), make_(std::move(make)), tables_(std::make_shared<Tables>(make_())) {}

std::shared_ptr<CompiledGrammar::Tables> CompiledGrammar::tables() const {
  const std::lock_guard lock(mutex_);
  return tables_;
}

std::shared_ptr<CompiledGrammar::Tables> CompiledGrammar::replace(
    const std::shared_ptr<Tables>& full) const {
  const std::lock_guard lock(mutex_);
  if (tables_ == full) tables_ = std::make_shared<Tables>(make_());
  return tables_;
}

Constraint::Constraint(std::shared_ptr<const CompiledGrammar> grammar)
    : grammar_(std::move(grammar)), tables_(grammar_->tables()) {
  const std::lock_guard lock(tables_->mutex);
  enter(tables_->automaton.start());
}

void Constraint::enter(ParseState* state) {
  state_ = state;
  finished_ = state->accepting && !tables_->automaton.extendable(state);
}

// Moves to new tables where the ones in use are full: what this text needs is a small part of them.
void Constraint::settle() {
  {
    const std::lock_guard lock(tables_->mutex);
    if (!tables_->full()) return;
  }
  tables_ = grammar_->replace(tables_);
  const std::lock_guard lock(tables_->mutex);
  ParseState* state = tables_->automaton.start();
  for (const int32_t id : ids_) state = walk(state, grammar_->trie_->bytes(id));
  enter(state);
  if (tables_->full())
    throw Error(ErrorCode::kInvalidArgument,
                "the structure asked for is too complex: telling what may come next in this text "
                "takes more memory than is given to it");
}

ParseState* Constraint::walk(ParseState* from, std::string_view bytes) {
  for (const char c : bytes) {
    if (!from) return nullptr;
    from = tables_->automaton.next(from, static_cast<uint8_t>(c));
  }
  return from;
}

void Constraint::mask(std::span<uint64_t> allowed) {
  settle();
  std::fill(allowed.begin(), allowed.end(), 0);
  const std::lock_guard lock(tables_->mutex);
  const std::vector<uint64_t>& found = tables_->mask(*grammar_->trie_, state_);
  std::copy_n(found.begin(), std::min(found.size(), allowed.size()), allowed.begin());
}

bool Constraint::allows(int32_t id) {
  if (id < 0 || id >= grammar_->trie_->size() || grammar_->trie_->bytes(id).empty()) return false;
  settle();
  const std::lock_guard lock(tables_->mutex);
  return walk(state_, grammar_->trie_->bytes(id)) != nullptr;
}

bool Constraint::accept(int32_t id) {
  if (id < 0 || id >= grammar_->trie_->size() || grammar_->trie_->bytes(id).empty()) return false;
  settle();
  const std::lock_guard lock(tables_->mutex);
  ParseState* const to = walk(state_, grammar_->trie_->bytes(id));
  if (!to) return false;
  ids_.push_back(id);
  enter(to);
  return true;
}

}  // namespace vecton::grammar
