// Making room for a cache (tensor/cache.h). Called by the engine before the first forward pass.
#pragma once

#include <cstdint>

#include "ops/ops.h"
#include "tensor/cache.h"

namespace vecton::ops {

// Whether all that such layers keep is keys and values, the only kind that forward passes write.
bool is_paged(const tensor::CacheLayout& layout);

// Bytes of one row of a page: of as many layers as a group has. The layout is paged.
int64_t cache_row_bytes(const tensor::CacheLayout& layout);

// Storage for `pages` pages of `page_rows` rows, each for the layers of any one group. The layout
// is paged.
tensor::Cache make_cache(const tensor::CacheLayout& layout, int64_t pages, int64_t page_rows,
                         Ops& ops);

}  // namespace vecton::ops
