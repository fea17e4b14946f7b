#include "grammar/constraint.h"

#include <algorithm>

#include "grammar/limits.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

constexpr size_t kMaxMasks = 512;   // kept
constexpr size_t kManyNodes = 500;  // of a walk that is not worth remembering

// Takes a tracker back to where it was, also where an error ends what moved it.
class Return {
 public:
  explicit Return(ArrayTracker& tracker) : tracker_(tracker), here_(tracker.place()) {}
  Return(const Return&) = delete;
  Return& operator=(const Return&) = delete;
  ~Return() {
    if (!stays_) tracker_.rewind(here_);
  }
  void stay() { stays_ = true; }

 private:
  ArrayTracker& tracker_;
  const ArrayTracker::Place here_;
  bool stays_ = false;
};

}  // namespace

CompiledGrammar::Tables::Tables(Grammar made)
    : grammar(std::move(made)),
      automaton(grammar, TokenTrie::group_expressions(grammar.pool), TokenTrie::kGroupBytes) {
  grammar.pool.begin_use();
}

bool CompiledGrammar::Tables::full() const {
  return automaton.memory() > kMaxAutomatonBytes || grammar.pool.is_worn();
}

const CompiledGrammar::Tables::Mask& CompiledGrammar::Tables::mask(const TokenTrie& trie,
                                                                   ParseState* state) {
  if (const auto it = masks.find(state); it != masks.end()) return it->second;
  std::vector<uint64_t>& allowed = last.allowed;
  allowed.assign((static_cast<size_t>(trie.size()) + 63) / 64, 0);
  last.checked.clear();
  const bool unique = grammar.has_unique_arrays();
  way.resize(trie.longest() + 1);
  marked.resize(way.size());
  way[0] = state;
  size_t nodes_seen = 0;
  for (size_t g = 0; g <= TokenTrie::kGroups; ++g) {
    const TokenTrie::Group& group = trie.group(g);
    if (g < TokenTrie::kGroups && automaton.contains(*state, g)) {
      for (size_t i = 0; i < allowed.size(); ++i) allowed[i] |= group.all[i];
      ++nodes_seen;
      continue;
    }
    const std::vector<TokenTrie::Node>& nodes = group.nodes;
    for (size_t at = 0; at + 1 < nodes.size();) {
      const TokenTrie::Node& node = nodes[at];
      ++nodes_seen;
      ParseState* to = automaton.next(way[node.depth - 1u], node.byte);
      if (!to) {
        at = static_cast<size_t>(node.end);
        continue;
      }
      if (unique) {
        marked[node.depth] = marked[node.depth - 1u] != 0 || to->opens || to->pends();
        if (to->pends()) to = automaton.either(to);
      }
      way[node.depth] = to;
      for (int32_t t = node.first_token; t < nodes[at + 1].first_token; ++t) {
        const auto id = static_cast<size_t>(group.ids[static_cast<size_t>(t)]);
        allowed[id / 64] |= uint64_t{1} << (id % 64);
        if (unique && marked[node.depth]) last.checked.push_back(static_cast<int32_t>(id));
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
  tracker_ = {};
  for (const int32_t id : ids_) {
    state = Recogniser(tables_->automaton, tracker_).read(state, grammar_->trie_->bytes(id));
    tracker_.settle();
  }
  enter(state);
  if (tables_->full())
    throw Error(ErrorCode::kInvalidArgument,
                "the structure asked for is too complex: telling what may come next in this text "
                "takes more memory than is given to it");
}

ParseState* Constraint::read(Recogniser& recogniser, std::string_view bytes) {
  ParseState* const to = recogniser.read(state_, bytes);
  return to && recogniser.alive(to) ? to : nullptr;
}

// Takes out of the mask what is allowed by the state alone: tokens that let an item repeat another
// one, or leave it no other way to go on.
void Constraint::refine(const std::vector<int32_t>& checked, std::span<uint64_t> allowed) {
  const TokenTrie& trie = *grammar_->trie_;
  const Return back(tracker_);
  const ArrayTracker::Place here = tracker_.place();
  const auto forbid = [&](int32_t id) {
    allowed[static_cast<size_t>(id) / 64] &= ~(uint64_t{1} << (id % 64));
  };
  Recogniser recogniser(tables_->automaton, tracker_);
  for (const int32_t id : checked) {
    if (!read(recogniser, trie.bytes(id))) forbid(id);
    tracker_.rewind(here);
  }
  if (!tracker_.is_near_item()) return;
  // Tokens along which an item may still become equal to another one; all others are as they are.
  std::vector<ParseState*>& way = tables_->way;
  std::vector<ArrayTracker::Place> places(trie.longest() + 1, here);
  way[0] = state_;
  for (size_t g = 0; g <= TokenTrie::kGroups; ++g) {
    const TokenTrie::Group& group = trie.group(g);
    for (size_t at = 0; at + 1 < group.nodes.size();) {
      const TokenTrie::Node& node = group.nodes[at];
      tracker_.rewind(places[node.depth - 1u]);
      ParseState* const to = recogniser.next(way[node.depth - 1u], node.byte);
      if (!to || !tracker_.is_near_item()) {
        at = static_cast<size_t>(node.end);
        continue;
      }
      way[node.depth] = to;
      places[node.depth] = tracker_.place();
      const int32_t end = group.nodes[at + 1].first_token;
      if (node.first_token < end && !recogniser.alive(to)) {
        for (int32_t t = node.first_token; t < end; ++t) forbid(group.ids[static_cast<size_t>(t)]);
      }
      ++at;
    }
  }
}

void Constraint::mask(std::span<uint64_t> allowed) {
  settle();
  std::fill(allowed.begin(), allowed.end(), 0);
  const std::lock_guard lock(tables_->mutex);
  const Tables::Mask& found = tables_->mask(*grammar_->trie_, state_);
  std::copy_n(found.allowed.begin(), std::min(found.allowed.size(), allowed.size()),
              allowed.begin());
  if (!found.checked.empty() || tracker_.tracking()) refine(found.checked, allowed);
}

bool Constraint::allows(int32_t id) {
  if (id < 0 || id >= grammar_->trie_->size() || grammar_->trie_->bytes(id).empty()) return false;
  settle();
  const std::lock_guard lock(tables_->mutex);
  const Return back(tracker_);
  Recogniser recogniser(tables_->automaton, tracker_);
  return read(recogniser, grammar_->trie_->bytes(id)) != nullptr;
}

bool Constraint::accept(int32_t id) {
  if (id < 0 || id >= grammar_->trie_->size() || grammar_->trie_->bytes(id).empty()) return false;
  settle();
  const std::lock_guard lock(tables_->mutex);
  Return back(tracker_);
  Recogniser recogniser(tables_->automaton, tracker_);
  ParseState* const to = read(recogniser, grammar_->trie_->bytes(id));
  if (!to) return false;
  back.stay();
  tracker_.settle();
  ids_.push_back(id);
  enter(to);
  return true;
}

}  // namespace vecton::grammar
