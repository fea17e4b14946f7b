// Attention: cut into tiles of query rows of one sequence and key head, or, of few, some heads.
#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "backend/cpu/attention_kernels.h"
#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/narrow_kernels.h"
#include "backend/cpu/row_kernels.h"
#include "backend/cpu/scratch.h"
#include "vecton/error.h"

namespace vecton::cpu {

namespace {

// Where a key head has so many floats and so many tiles read them, they are laid out head by head
// first: in place its rows are far apart, each in another page.
constexpr int64_t kManyFloats = 1 << 18, kManyTiles = 8;

// What a call is cut into, and where each sequence's keys lie.
struct Tiling {
  // The number of each sequence's first tile; its tiles are numbered head by head.
  std::vector<int64_t> first_tile;
  std::vector<KeyRun> runs;
  std::vector<int64_t> first_run, keys;  // by sequence
  std::vector<int64_t> head_step;        // by sequence: floats from key head to key head
  std::vector<int64_t> heads;            // by sequence: key heads of a tile
  std::vector<int64_t> few;              // keys of the sequences of few queries
  int64_t most_keys = 0;
  bool narrow = false;  // some run is narrower than float32

  void clear() {
    first_tile.assign(1, 0);
    first_run.assign(1, 0);
    runs.clear();
    keys.clear();
    head_step.clear();
    heads.clear();
    few.clear();
    most_keys = 0;
    narrow = false;
  }

  // Rows of k and v from number `row` on.
  void add_run(const Tensor& k, const Tensor& v, int64_t row, int64_t begin, int64_t rows) {
    if (rows == 0) return;
    runs.push_back({begin, begin + rows, host::stored_row(k, row), host::stored_row(v, row),
                    k.stride(), v.stride(), k.dtype()});
    narrow |= k.dtype() != tensor::DType::kF32;
  }

  // The keys of sequence s: its pages, those that follow one another as one run, then `rows` rows
  // of its own.
  void add_keys(int64_t s, const Tensor& k, const Tensor& v, int64_t first, int64_t rows,
                const ops::KeyPages& before) {
    int64_t count = 0;
    if (!before.offsets.empty()) {
      const std::span<const int32_t> pages = view(before.pages), offsets = view(before.offsets);
      const int64_t cached = view(before.cached)[s];
      for (int32_t i = offsets[s], next; i < offsets[s + 1]; i = next) {
        for (next = i + 1; next < offsets[s + 1]; ++next) {
          if (pages[next] != pages[next - 1] + 1) break;
        }
        const int64_t slot = pages[i] * before.page_rows;
        const int64_t run = std::min((next - i) * before.page_rows, cached - count);
        add_run(before.k, before.v, slot, count, run);
        count += run;
      }
    }
    add_run(k, v, first, count, rows);
    keys.push_back(count + rows);
    first_run.push_back(static_cast<int64_t>(runs.size()));
    most_keys = std::max(most_keys, keys.back());
  }
};

// So many key heads of a sequence of one tile are read together, as their columns lie together,
// that its workers have equal shares or many.
int64_t heads_at_once(int64_t kv_heads, std::span<const int64_t> keys, int64_t workers) {
  if (keys.empty()) return 1;
  const auto sequences = static_cast<int64_t>(keys.size());
  const int64_t most = *std::max_element(keys.begin(), keys.end()),
                all = std::accumulate(keys.begin(), keys.end(), int64_t{0});
  const bool alike = 8 * sequences * most <= 9 * all;
  int64_t heads = kv_heads;
  for (; heads > 1; heads = (heads + 1) / 2) {
    const bool equal =
        alike && kv_heads % heads == 0 && sequences * (kv_heads / heads) % workers == 0;
    if (equal || 4 * workers * heads * most <= all * kv_heads) break;
  }
  return heads;
}

// Lays out the keys and values of the last sequence of `tiling` as [key head][key][head_dim], in
// float32.
Tensor lay_out_by_head(CpuOps& ops, base::ThreadPool& pool, const NarrowKernels& kernels,
                       const ops::AttentionShape& shape, Tiling& tiling) {
  const int64_t keys = tiling.keys.back(), d = shape.head_dim, first = tiling.first_run.end()[-2];
  const Tensor laid = ops.allocate(2 * shape.kv_heads, keys * d);
  const std::span<const KeyRun> runs(tiling.runs.begin() + first, tiling.runs.end());
  pool.parallel_for(shape.kv_heads, [&](int64_t head) {
    float *k = row(laid, head), *v = row(laid, shape.kv_heads + head);
    for (const KeyRun& run : runs) {
      const auto lay = [&](const std::byte* rows, int64_t stride, int64_t i, float* to) {
        const std::byte* from = rows + (i * stride + head * d) * tensor::size_of(run.dtype);
        if (run.dtype == tensor::DType::kF32) {
          std::copy_n(reinterpret_cast<const float*>(from), d, to);
        } else {
          kernels.widen(from, run.dtype, d, to);
        }
      };
      for (int64_t i = 0; i < run.end - run.begin; ++i, k += d, v += d) {
        lay(run.k, run.k_stride, i, k);
        lay(run.v, run.v_stride, i, v);
      }
    }
  });
  tiling.runs.resize(first);
  tiling.runs.push_back({0, keys, host::stored_row(laid, 0), host::stored_row(laid, shape.kv_heads),
                         d, d, tensor::DType::kF32});
  tiling.first_run.back() = first + 1;
  tiling.head_step.back() = laid.stride();
  return laid;
}

// A bias by distance, over all distances that the kernel may look at.
struct DistanceTables {
  int64_t zero = 0;  // where distance 0 is
  std::vector<int32_t> bucket, unit_steps;
  Tensor by_head;

  DistanceTables(CpuOps& ops, const ops::AttentionBias& bias, int64_t heads, int64_t keys,
                 int64_t positions)
      : zero(keys + AttentionTileBias::kBeyond),
        bucket(zero + positions + AttentionTileBias::kBeyond),
        unit_steps(bucket.size(), 1) {
    const auto size = static_cast<int64_t>(bucket.size());
    const std::span<const int32_t> of = view(bias.bucket);
    for (int64_t i = 0; i < size; ++i)
      bucket[i] = of[std::clamp(i - zero, -bias.reach, bias.reach) + bias.reach];
    for (int64_t i = size - 2; i >= 0; --i) {
      if (bucket[i + 1] - bucket[i] == 0 || bucket[i + 1] - bucket[i] == 1)
        unit_steps[i] = unit_steps[i + 1] + 1;
    }
    if (bias.by_head.empty()) return;
    by_head = ops.allocate(heads, size);
    for (int64_t h = 0; h < heads; ++h) {
      const float* values = row(bias.by_head, h);
      std::transform(bucket.begin(), bucket.end(), row(by_head, h),
                     [=](int32_t b) { return values[b]; });
    }
  }

  // For query heads from `head` on, query rows from `query_row` and keys whose own ones begin at
  // `key_row`.
  AttentionTileBias tile(const ops::AttentionBias& bias, int64_t head, int64_t query_row,
                         int64_t key_row) const {
    const int64_t column = head * bias.buckets;
    return {.bucket = bucket.data() + zero,
            .unit_steps = unit_steps.data() + zero,
            .buckets = bias.buckets,
            .by_head = bias.by_head.empty() ? nullptr : row(by_head, head) + zero,
            .head_stride = by_head.stride(),
            .by_query = bias.by_query.empty() ? nullptr : row(bias.by_query, query_row) + column,
            .query_stride = bias.by_query.stride(),
            .by_key = bias.by_key.empty() ? nullptr : row(bias.by_key, key_row) + column,
            .key_stride = bias.by_key.stride()};
  }
};

// Queries whose window holds unattended rows only: the mean of v over their sequence's rows.
void answer_blind(CpuOps& ops, const RowKernels& kernels, const Tensor& v,
                  const ops::AttentionShape& shape, std::span<const int32_t> offsets,
                  std::span<const int32_t> positions, std::span<const int32_t> keys,
                  const Tiling& tiling, const Tensor& y) {
  const int64_t d = shape.head_dim, group = shape.heads / shape.kv_heads;
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    const int32_t *end = positions.data() + offsets[s + 1],
                  *blind = std::lower_bound(positions.data() + offsets[s], end,
                                            tiling.keys[s] + shape.window - 1);
    const int64_t rows = keys[s + 1] - keys[s];
    if (blind == end || tiling.keys[s] == 0 || rows == 0) continue;
    const Tensor mean = ops.allocate(1, v.columns());
    kernels.pool(row(v, keys[s]), v.stride(), rows, v.columns(), ops::Pooling::kMean, nullptr,
                 data(mean));
    for (; blind < end; ++blind) {
      for (int64_t h = 0; h < shape.heads; ++h) {
        std::copy_n(data(mean) + h / group * d, d, row(y, blind - positions.data()) + h * d);
      }
    }
  }
}

}  // namespace

Tensor CpuOps::attention(const Tensor& q, const Tensor& k, const Tensor& v,
                         const ops::AttentionShape& shape, const tensor::SequenceRows& queries,
                         const tensor::Indices& key_offsets, const ops::AttentionBias& bias,
                         const ops::KeyPages& before, const tensor::Indices& attended_rows) {
  if (!bias.by_key.empty() && !before.pages.empty())
    throw Error(ErrorCode::kUnsupported, "attention: keys in pages have no bias by key");
  const AttentionKernels& kernels = attention_kernels(isa_);
  const Tensor y = allocate(q.rows(), q.columns());
  const std::span<const int32_t> offsets = view(queries.offsets), at = view(queries.index),
                                 keys = view(key_offsets), attended = view(attended_rows);
  const int64_t group = shape.heads / shape.kv_heads, step = kernels.tile_queries;
  const auto tiles_of = [&](int64_t s) {
    return ((offsets[s + 1] - offsets[s]) * group + step - 1) / step;
  };

  const auto is_of_few = [&](int64_t s) {
    return bias.bucket.empty() && (offsets[s + 1] - offsets[s]) * group <= kernels.few_queries;
  };

  thread_local Tiling tiling_of_thread;
  Tiling& tiling = tiling_of_thread;
  tiling.clear();
  std::vector<Tensor> laid_out;
  int64_t products = 0;
  for (int64_t s = 0; s < queries.sequences; ++s) {
    tiling.add_keys(s, k, v, keys[s], attended.empty() ? keys[s + 1] - keys[s] : attended[s],
                    before);
    tiling.head_step.push_back(shape.head_dim);
    if (shape.window == 0 && tiling.keys.back() * shape.head_dim >= kManyFloats &&
        tiles_of(s) >= kManyTiles)
      laid_out.push_back(lay_out_by_head(*this, pool_, narrow_kernels(isa_), shape, tiling));
    int64_t seen = tiling.keys.back();
    if (shape.window > 0) seen = std::min(seen, 2 * shape.window + step);
    // Tiles of few queries wait for memory, so that they take longer than their products.
    const bool few = is_of_few(s);
    products += (few ? 2 : 1) * tiles_of(s) * shape.kv_heads * step * seen * shape.head_dim;
    if (few) tiling.few.push_back(seen);
  }
  const int64_t heads_of_few = heads_at_once(shape.kv_heads, tiling.few, pool_.size());
  for (int64_t s = 0; s < queries.sequences; ++s) {
    tiling.heads.push_back(is_of_few(s) ? heads_of_few : 1);
    const int64_t parts = (shape.kv_heads + tiling.heads.back() - 1) / tiling.heads.back();
    tiling.first_tile.push_back(tiling.first_tile.back() + tiles_of(s) * parts);
  }
  std::optional<DistanceTables> tables;
  if (!bias.bucket.empty())
    tables.emplace(*this, bias, shape.heads, tiling.most_keys, queries.longest);
  const bool positions = shape.causal || shape.window > 0 || tables;

  const auto run_tile = [&](int64_t i) {
    const int64_t s = std::upper_bound(tiling.first_tile.begin(), tiling.first_tile.end(), i) -
                      tiling.first_tile.begin() - 1;
    const int64_t head = (i - tiling.first_tile[s]) / tiles_of(s) * tiling.heads[s],
                  tile = (i - tiling.first_tile[s]) % tiles_of(s);
    const int64_t first = offsets[s], rows = offsets[s + 1] - first;
    const int64_t q_column = head * group * shape.head_dim;
    AttentionTileBias added;
    if (tables) added = tables->tile(bias, head * group, first, keys[s]);
    kernels.attend({.q = row(q, first) + q_column,
                    .out = row(y, first) + q_column,
                    .q_stride = q.stride(),
                    .out_stride = y.stride(),
                    .runs = tiling.runs.data() + tiling.first_run[s],
                    .run_count = tiling.first_run[s + 1] - tiling.first_run[s],
                    .heads = std::min(tiling.heads[s], shape.kv_heads - head),
                    .kv_column = head * tiling.head_step[s],
                    .positions = positions ? at.data() + first : nullptr,
                    .group = group,
                    .head_dim = shape.head_dim,
                    .keys = tiling.keys[s],
                    .begin = tile * step,
                    .end = std::min(rows * group, (tile + 1) * step),
                    .scale = shape.scale,
                    .softcap = shape.softcap,
                    .causal = shape.causal,
                    .window = shape.window,
                    .bias = tables ? &added : nullptr,
                    .sinks = bias.sinks.empty() ? nullptr : data(bias.sinks) + head * group},
                   scratch(kernels.scratch_floats(shape.head_dim, heads_of_few, tiling.narrow)));
  };
  // Tiles that are next to each other read the same keys; and an item is worth waking a worker for.
  const int64_t tiles = tiling.first_tile.back();
  const int64_t items =
      std::clamp<int64_t>(products / kProductsPerItem, 1, std::max<int64_t>(1, tiles));
  pool_.parallel_for(items, [&](int64_t item) {
    for (int64_t i = item * tiles / items; i < (item + 1) * tiles / items; ++i) run_tile(i);
  });
  if (shape.window > 0 && !attended.empty())
    answer_blind(*this, row_kernels(isa_), v, shape, offsets, at, keys, tiling, y);
  return y;
}

}  // namespace vecton::cpu
