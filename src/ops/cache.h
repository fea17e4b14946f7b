// Making room for a cache (tensor/cache.h). Called by the engine before the first forward pass.
#pragma once

#include <cstdint>

#include "ops/ops.h"
#include "tensor/cache.h"

namespace vecton::ops {

// Whether all that such layers keep is rows in pages: keys and values, latent rows, or those of
// another layer.
bool is_paged(const tensor::CacheLayout& layout);

// Bytes of one row of a page: of as many layers as a group has.
int64_t cache_row_bytes(const tensor::CacheLayout& layout,
                        tensor::DType dtype = tensor::DType::kF32);

// Storage for `pages` pages of `page_rows` rows, each for the layers of any one group; layers that
// keep no rows have none.
tensor::Cache make_cache(const tensor::CacheLayout& layout, int64_t pages, int64_t page_rows,
                         Ops& ops, tensor::DType dtype = tensor::DType::kF32);

// Numbers of a sequence's states in all layers that keep one, times their size: always float32,
// because what is rounded there would be rounded again with every token.
int64_t cache_state_bytes(const tensor::CacheLayout& layout);

// Storage for `slots` states of each of those layers, slot 0 among them, which is all 0.
void add_states(const tensor::CacheLayout& layout, int64_t slots, Ops& ops, tensor::Cache& cache);

}  // namespace vecton::ops
