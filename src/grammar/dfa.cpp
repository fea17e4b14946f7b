#include "grammar/dfa.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "grammar/limits.h"
#include "vecton/error.h"

namespace vecton::grammar {

Dfa::Dfa(ExpressionPool& pool, const std::vector<Expr>& roots) : pool_(pool) {
  std::vector<ByteSet> sets;
  for (const Expr root : roots) pool.collect_sets(root, sets);
  std::sort(sets.begin(), sets.end());
  sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
  std::array<int, 256> part{};
  int parts = 1;
  for (const ByteSet& set : sets) {
    std::map<std::pair<int, bool>, int> split;
    for (int b = 0; b < 256; ++b) {
      const auto [it, added] =
          split.emplace(std::pair(part[b], set.has(static_cast<uint8_t>(b))), split.size());
      part[b] = it->second;
    }
    parts = static_cast<int>(split.size());
  }
  representatives_.resize(static_cast<size_t>(parts));
  for (int b = 255; b >= 0; --b) {
    class_of_[static_cast<size_t>(b)] = static_cast<uint8_t>(part[b]);
    representatives_[static_cast<size_t>(part[b])] = static_cast<uint8_t>(b);
  }
}

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

bool Dfa::is_live(Expr e) {
  if (e == kNever) return false;
  if (!pool_.may_be_vacant(e)) return true;
  if (const auto it = live_.find(e); it != live_.end()) return it->second;
  // Breadth first, with the way back.
  std::map<Expr, Expr> from{{e, kNever}};
  std::vector<Expr> open{e};
  for (size_t at = 0; at < open.size(); ++at) {
    const Expr x = open[at];
    const auto known = live_.find(x);
    if (known != live_.end() && !known->second) continue;
    if (known != live_.end() || pool_.nullable(x) || !pool_.may_be_vacant(x)) {
      for (Expr y = x; y != kNever; y = from.at(y)) live_[y] = true;
      return true;
    }
    if (open.size() > kMaxDfaStates)
      throw Error(
          ErrorCode::kInvalidArgument,
          "the structure asked for is too complex: whether anything satisfies it takes more than " +
              std::to_string(kMaxDfaStates) + " states to tell");
    for (const uint8_t byte : representatives_) {
      const Expr y = pool_.derivative(x, byte);
      if (y != kNever && from.emplace(y, x).second) open.push_back(y);
    }
  }
  for (const Expr x : open) live_[x] = false;
  return false;
}

int32_t Dfa::state(Expr e) { return is_live(e) ? number(e) : kDead; }

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
  const uint64_t key = static_cast<uint64_t>(state) << 32 | static_cast<uint32_t>(group);
  if (const auto it = contains_.find(key); it != contains_.end()) return it->second;
  std::set<std::pair<int32_t, int32_t>> seen{{state, group}};
  std::vector<std::pair<int32_t, int32_t>> level{{state, group}}, deeper;
  bool all = true;
  for (int depth = 0; depth < bytes && !level.empty() && all; ++depth) {
    deeper.clear();
    for (const auto& [x, g] : level) {
      for (int c = 0; c < classes() && all; ++c) {
        const int32_t h = next(g, c);
        if (h == kDead) continue;
        const int32_t y = next(x, c);
        all = y != kDead;
        if (all && seen.emplace(y, h).second) deeper.emplace_back(y, h);
      }
    }
    level.swap(deeper);
  }
  contains_[key] = all;
  return all;
}

size_t Dfa::memory() const {
  return next_.size() * sizeof(int32_t) + expressions_.size() * 64 + contains_.size() * 48 +
         pool_.size() * 160;
}

}  // namespace vecton::grammar
