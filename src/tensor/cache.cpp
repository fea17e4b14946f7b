#include "tensor/cache.h"

#include <algorithm>
#include <limits>

namespace vecton::tensor {

namespace {

// Layers that see equally far back.
std::vector<CacheGroup> kinds_of(const CacheLayout& layout) {
  std::vector<CacheGroup> kinds;
  for (size_t i = 0; i < layout.size(); ++i) {
    const auto* kept = std::get_if<KeysAndValues>(&layout[i]);
    if (!kept && !std::holds_alternative<Latent>(layout[i])) continue;
    const int64_t window = kept ? kept->window : 0;
    auto kind = std::ranges::find(kinds, window, &CacheGroup::window);
    if (kind == kinds.end()) kind = kinds.insert(kind, {.window = window, .layers = {}});
    kind->layers.push_back(static_cast<int64_t>(i));
  }
  return kinds;
}

}  // namespace

std::vector<CacheGroup> cache_groups(const CacheLayout& layout) {
  const std::vector<CacheGroup> kinds = kinds_of(layout);
  size_t most = std::numeric_limits<size_t>::max();
  for (const CacheGroup& kind : kinds) most = std::min(most, kind.layers.size());
  std::vector<CacheGroup> groups;
  for (const CacheGroup& kind : kinds) {
    for (size_t i = 0; i < kind.layers.size(); ++i) {
      if (i % most == 0) groups.push_back({.window = kind.window, .layers = {}});
      groups.back().layers.push_back(kind.layers[i]);
    }
  }
  return groups;
}

}  // namespace vecton::tensor
