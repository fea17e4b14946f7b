#include "tensor/cache.h"

#include <algorithm>

namespace vecton::tensor {

std::vector<int64_t> cache_groups(const CacheLayout& layout) {
  std::vector<int64_t> windows, groups;
  for (const LayerCache& layer : layout) {
    const auto* kept = std::get_if<KeysAndValues>(&layer);
    const int64_t window = kept ? kept->window : 0;
    const auto place = std::ranges::find(windows, window);
    groups.push_back(place - windows.begin());
    if (place == windows.end()) windows.push_back(window);
  }
  return groups;
}

}  // namespace vecton::tensor
