#include "grammar/dfa.h"

#include <string>
#include <unordered_set>

#include "grammar/limits.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

// Of states that are looked at; beyond it what is asked takes longer to tell than it saves.
constexpr size_t kMaxPairs = 1000;

uint64_t pair_of(int32_t x, int32_t y) {
  return static_cast<uint64_t>(x) << 32 | static_cast<uint32_t>(y);
}

}  // namespace

Dfa::Dfa(ExpressionPool& pool, const std::vector<Expr>& roots)
    : pool_(pool), classes_(pool.classes_of(roots)), representatives_(classes_.representatives()) {}

int32_t Dfa::number(Expr e) {
  const auto [it, added] = numbers_.emplace(e, static_cast<int32_t>(expressions_.size()));
  if (!added) return it->second;
  if (expressions_.size() >= kMaxDfaStates)
    throw Error(ErrorCode::kInvalidArgument,
                "the structure asked for is too complex: its regular parts take more than " +
                    std::to_string(kMaxDfaStates) + " states");
  expressions_.push_back(e);
  next_.resize(next_.size() + representatives_.size(), kUnknown);
  return it->second;
}

int32_t Dfa::state(Expr e) { return pool_.has_text(e) ? number(e) : kDead; }

int32_t Dfa::next(int32_t state, int byte_class) {
  const size_t at =
      static_cast<size_t>(state) * representatives_.size() + static_cast<size_t>(byte_class);
  if (next_[at] != kUnknown) return next_[at];
  const Expr e =
      pool_.derivative(expressions_[state], representatives_[static_cast<size_t>(byte_class)]);
  const int32_t result = this->state(e);
  next_[at] = result;
  return result;
}

bool Dfa::contains(int32_t state, int32_t group, int bytes) {
  const uint64_t asked = pair_of(state, group);
  if (const auto it = contains_.find(asked); it != contains_.end()) return it->second;
  // One state stands for many.
  const int32_t start = this->state(pool_.beginnings(expressions_[state], bytes));
  const uint64_t key = pair_of(start, group);
  if (const auto it = contains_.find(key); it != contains_.end())
    return contains_[asked] = it->second;
  std::unordered_set<uint64_t> seen{key};
  std::vector<uint64_t> level{key}, deeper;
  bool all = true;
  for (int depth = 0; depth < bytes && !level.empty() && all; ++depth) {
    deeper.clear();
    for (const uint64_t pair : level) {
      const auto x = static_cast<int32_t>(pair >> 32), g = static_cast<int32_t>(pair & 0xFFFFFFFFu);
      for (int c = 0; c < classes() && all; ++c) {
        const int32_t h = next(g, c);
        if (h == kDead) continue;
        const int32_t y = next(x, c);
        all = y != kDead;
        if (!all) continue;
        // What is known of where it leads is said of as many bytes, which are more than are left.
        const uint64_t next_pair = pair_of(y, h);
        if (const auto known = contains_.find(next_pair); known != contains_.end()) {
          all = known->second;
        } else if (seen.insert(next_pair).second) {
          deeper.push_back(next_pair);
          all = seen.size() <= kMaxPairs;
        }
      }
    }
    level.swap(deeper);
  }
  // Where nothing was left to look at, the same holds of all that was seen.
  if (all && level.empty()) {
    for (const uint64_t pair : seen) contains_[pair] = true;
  }
  contains_[key] = all;
  return contains_[asked] = all;
}

size_t Dfa::memory() const {
  return next_.size() * sizeof(int32_t) + expressions_.size() * 64 + contains_.size() * 48 +
         pool_.size() * 160;
}

}  // namespace vecton::grammar
