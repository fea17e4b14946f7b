#include "ops/cache.h"

#include <algorithm>
#include <utility>

namespace vecton::ops {

namespace {

// Columns of the i-th layer of a group: of the widest, because a page serves any group.
struct Widths {
  int64_t k = 0, v = 0;
};

// Of latent rows values are keys.
Widths widths_of(const tensor::LayerCache& layer) {
  if (const auto* latent = std::get_if<tensor::Latent>(&layer))
    return {latent->rank + latent->rope_dim, 0};
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
    return !std::holds_alternative<tensor::RecurrentState>(layer);
  });
}

int64_t cache_row_bytes(const tensor::CacheLayout& layout, tensor::DType dtype) {
  int64_t numbers = 0;
  for (const Widths& width : widest(layout, tensor::cache_groups(layout)))
    numbers += width.k + width.v;
  return numbers * tensor::size_of(dtype);
}

tensor::Cache make_cache(const tensor::CacheLayout& layout, int64_t pages, int64_t page_rows,
                         Ops& ops, tensor::DType dtype) {
  const std::vector<tensor::CacheGroup> groups = tensor::cache_groups(layout);
  tensor::Cache cache{.page_rows = page_rows,
                      .layers = std::vector<tensor::Cache::Layer>(layout.size()),
                      .groups = static_cast<int64_t>(groups.size()),
                      .dtype = dtype};
  if (groups.empty()) return cache;
  std::vector<tensor::Cache::Layer> storage;
  for (const Widths& width : widest(layout, groups)) {
    storage.push_back({.k = ops.allocate_cache(pages * page_rows, width.k, dtype),
                       .v = ops.allocate_cache(pages * page_rows, width.v, dtype)});
  }
  for (size_t g = 0; g < groups.size(); ++g) {
    for (size_t i = 0; i < groups[g].layers.size(); ++i) {
      const auto layer = static_cast<size_t>(groups[g].layers[i]);
      const Widths own = widths_of(layout[layer]);
      const Tensor k = storage[i].k.slice_columns(0, own.k);
      cache.layers[layer] = {.k = k,
                             .v = own.v > 0 ? storage[i].v.slice_columns(0, own.v) : k,
                             .group = static_cast<int64_t>(g)};
    }
  }
  return cache;
}

int64_t cache_state_bytes(const tensor::CacheLayout& layout) {
  int64_t numbers = 0;
  for (const tensor::LayerCache& layer : layout) {
    if (const auto* kept = std::get_if<tensor::RecurrentState>(&layer))
      numbers += kept->rows * kept->columns + kept->state;
  }
  return numbers * static_cast<int64_t>(sizeof(float));
}

void add_states(const tensor::CacheLayout& layout, int64_t slots, Ops& ops, tensor::Cache& cache) {
  const auto zeroed = [&](int64_t rows, int64_t columns, int64_t first_rows) {
    const Tensor made = ops.allocate_kept(rows, columns);
    const std::vector<float> zeros(static_cast<size_t>(first_rows * columns));
    ops.store_all(ops.upload(zeros, first_rows, columns), made);
    return made;
  };
  cache.layers.resize(layout.size());
  for (size_t i = 0; i < layout.size(); ++i) {
    const auto* kept = std::get_if<tensor::RecurrentState>(&layout[i]);
    if (!kept) continue;
    if (kept->rows > 0)
      cache.layers[i].conv = zeroed(slots * kept->rows, kept->columns, kept->rows);
    if (kept->state > 0) cache.layers[i].state = zeroed(slots, kept->state, 1);
  }
}

}  // namespace vecton::ops
