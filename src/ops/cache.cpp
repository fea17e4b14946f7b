#include "ops/cache.h"

#include <algorithm>

namespace vecton::ops {

namespace {

// Columns of the i-th layer of a group: of the widest, because a page serves any group.
struct Widths {
  int64_t k = 0, v = 0;
};

Widths widths_of(const tensor::LayerCache& layer) {
  const auto& kept = std::get<tensor::KeysAndValues>(layer);
  return {kept.kv_heads * kept.key_dim, kept.kv_heads * kept.value_dim};
}

std::vector<Widths> widest(const tensor::CacheLayout& layout,
                           const std::vector<tensor::CacheGroup>& groups) {
  std::vector<Widths> widths;
  for (const tensor::CacheGroup& group : groups) {
    widths.resize(std::max(widths.size(), group.layers.size()));
    for (size_t i = 0; i < group.layers.size(); ++i) {
      const Widths own = widths_of(layout[static_cast<size_t>(group.layers[i])]);
      widths[i] = {std::max(widths[i].k, own.k), std::max(widths[i].v, own.v)};
    }
  }
  return widths;
}

}  // namespace

bool is_paged(const tensor::CacheLayout& layout) {
  return std::ranges::all_of(layout, [](const tensor::LayerCache& layer) {
    return std::holds_alternative<tensor::KeysAndValues>(layer);
  });
}

int64_t cache_row_bytes(const tensor::CacheLayout& layout) {
  int64_t numbers = 0;
  for (const Widths& width : widest(layout, tensor::cache_groups(layout)))
    numbers += width.k + width.v;
  return numbers * static_cast<int64_t>(sizeof(float));
}

tensor::Cache make_cache(const tensor::CacheLayout& layout, int64_t pages, int64_t page_rows,
                         Ops& ops) {
  const std::vector<tensor::CacheGroup> groups = tensor::cache_groups(layout);
  tensor::Cache cache{.page_rows = page_rows,
                      .layers = std::vector<tensor::Cache::Layer>(layout.size()),
                      .groups = static_cast<int64_t>(groups.size())};
  std::vector<tensor::Cache::Layer> storage;
  for (const Widths& width : widest(layout, groups)) {
    storage.push_back({.k = ops.allocate_kept(pages * page_rows, width.k),
                       .v = ops.allocate_kept(pages * page_rows, width.v)});
  }
  for (size_t g = 0; g < groups.size(); ++g) {
    for (size_t i = 0; i < groups[g].layers.size(); ++i) {
      const auto layer = static_cast<size_t>(groups[g].layers[i]);
      const Widths own = widths_of(layout[layer]);
      cache.layers[layer] = {.k = storage[i].k.slice_columns(0, own.k),
                             .v = storage[i].v.slice_columns(0, own.v),
                             .group = static_cast<int64_t>(g)};
    }
  }
  return cache;
}

}  // namespace vecton::ops
