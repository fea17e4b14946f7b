#include "engine/best_of.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace vecton::engine {

namespace {

double per_token(const Completion& completion) {
  if (completion.token_ids.empty()) return -std::numeric_limits<double>::infinity();
  return completion.cumulative_logprob / static_cast<double>(completion.token_ids.size());
}

}  // namespace

void keep_best(Generation& generation, int64_t n) {
  std::vector<Completion>& all = generation.completions;
  std::ranges::stable_sort(
      all, [](const Completion& a, const Completion& b) { return per_token(a) > per_token(b); });
  all.resize(std::min(all.size(), static_cast<size_t>(std::max<int64_t>(n, 0))));
  for (size_t i = 0; i < all.size(); ++i) all[i].index = static_cast<int64_t>(i);
}

}  // namespace vecton::engine
