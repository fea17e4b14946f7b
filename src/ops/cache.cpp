#include "ops/cache.h"

#include <algorithm>

namespace vecton::ops {

bool is_paged(const tensor::CacheLayout& layout) {
  return std::ranges::all_of(layout, [](const tensor::LayerCache& layer) {
    return std::holds_alternative<tensor::KeysAndValues>(layer);
  });
}

int64_t cache_row_bytes(const tensor::CacheLayout& layout) {
  int64_t numbers = 0;
  for (const tensor::LayerCache& layer : layout) {
    const auto& kept = std::get<tensor::KeysAndValues>(layer);
    numbers += kept.kv_heads * (kept.key_dim + kept.value_dim);
  }
  return numbers * static_cast<int64_t>(sizeof(float));
}

tensor::Cache make_cache(const tensor::CacheLayout& layout, int64_t pages, int64_t page_rows,
                         Ops& ops) {
  tensor::Cache cache{.page_rows = page_rows};
  const std::vector<int64_t> groups = tensor::cache_groups(layout);
  for (size_t i = 0; i < layout.size(); ++i) {
    const auto& kept = std::get<tensor::KeysAndValues>(layout[i]);
    cache.layers.push_back({.k = ops.allocate(pages * page_rows, kept.kv_heads * kept.key_dim),
                            .v = ops.allocate(pages * page_rows, kept.kv_heads * kept.value_dim),
                            .group = groups[i]});
    cache.groups = std::max(cache.groups, groups[i] + 1);
  }
  return cache;
}

}  // namespace vecton::ops
