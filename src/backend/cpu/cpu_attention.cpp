// Attention: cut into tiles of query rows of one sequence and key head.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "backend/cpu/attention_kernels.h"
#include "backend/cpu/cpu_ops.h"
#include "vecton/error.h"

namespace vecton::cpu {

namespace {

constexpr int64_t kProductsPerItem = 1 << 20;  // some ten microseconds

// Each thread's scratch, as large as the largest head asked for.
float* scratch(int64_t floats) {
  struct Free {
    void operator()(float* x) const { std::free(x); }
  };
  thread_local std::unique_ptr<float, Free> block;
  thread_local int64_t size = 0;
  if (size < floats) {
    size = (floats + 15) / 16 * 16;
    block.reset(static_cast<float*>(std::aligned_alloc(64, size * sizeof(float))));
    if (!block) throw std::bad_alloc();
  }
  return block.get();
}

}  // namespace

Tensor CpuOps::attention(const Tensor& q, const Tensor& k, const Tensor& v,
                         const AttentionShape& shape, const Rows& queries,
                         std::span<const int32_t> keys, const AttentionBias& bias,
                         const KeyPages& before, std::span<const int32_t> attended) {
  if (shape.window > 0 || shape.softcap > 0 || !bias.bucket.empty() || !before.offsets.empty())
    throw Error(ErrorCode::kUnsupported, "the cpu backend has no such attention");
  const AttentionKernels& kernels = attention_kernels(isa_);
  const Tensor y = allocate(q.rows(), q.columns());
  const int64_t group = shape.heads / shape.kv_heads, step = kernels.tile_queries;
  const auto tiles_of = [&](int64_t s) {
    return ((queries.offsets[s + 1] - queries.offsets[s]) * group + step - 1) / step;
  };

  // The number of each sequence's first tile; its tiles are numbered head by head.
  thread_local std::vector<int64_t> first_tiles;
  std::vector<int64_t>& first = first_tiles;
  first.assign(1, 0);
  int64_t products = 0;
  for (int64_t s = 0; s < queries.sequences(); ++s) {
    const int64_t tiles = tiles_of(s) * shape.kv_heads;
    first.push_back(first.back() + tiles);
    products += tiles * step * (keys[s + 1] - keys[s]) * shape.head_dim;
  }

  const auto run_tile = [&](int64_t i) {
    const int64_t s = std::upper_bound(first.begin(), first.end(), i) - first.begin() - 1;
    const int64_t head = (i - first[s]) / tiles_of(s), tile = (i - first[s]) % tiles_of(s);
    const int64_t row = queries.offsets[s], rows = queries.offsets[s + 1] - row;
    const int64_t q_column = head * group * shape.head_dim, kv_column = head * shape.head_dim;
    kernels.attend({.q = q.row(row) + q_column,
                    .k = k.row(keys[s]) + kv_column,
                    .v = v.row(keys[s]) + kv_column,
                    .out = y.row(row) + q_column,
                    .q_stride = q.stride(),
                    .k_stride = k.stride(),
                    .v_stride = v.stride(),
                    .out_stride = y.stride(),
                    .positions = shape.causal ? queries.index.data() + row : nullptr,
                    .group = group,
                    .head_dim = shape.head_dim,
                    .keys = attended.empty() ? keys[s + 1] - keys[s] : attended[s],
                    .begin = tile * step,
                    .end = std::min(rows * group, (tile + 1) * step),
                    .scale = shape.scale},
                   scratch(kernels.scratch_floats(shape.head_dim)));
  };
  // Tiles that are next to each other read the same keys; and an item is worth waking a worker for.
  const int64_t tiles = first.back();
  const int64_t items =
      std::clamp<int64_t>(products / kProductsPerItem, 1, std::max<int64_t>(1, tiles));
  pool_.parallel_for(items, [&](int64_t item) {
    for (int64_t i = item * tiles / items; i < (item + 1) * tiles / items; ++i) run_tile(i);
  });
  return y;
}

}  // namespace vecton::cpu
