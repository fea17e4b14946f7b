// The kernel of attention: a tile of query rows against the keys of their sequence.
//
// Called by cpu_attention.cpp. Stateless; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/isa.h"
#include "tensor/dtype.h"

namespace vecton::cpu {

// Keys [begin, end) of a sequence, and their values, whose rows are equally far apart.
struct KeyRun {
  int64_t begin, end;
  const std::byte* k;  // the row of key `begin`
  const std::byte* v;
  int64_t k_stride, v_stride;  // numbers from row to row
  tensor::DType dtype;         // what is narrower than float32 is widened tile by tile
};

// What is added to the scores (ops.h), from the columns of the tile's first query head on. Tables
// of distances are addressed from distance 0, and reach from kBeyond less than minus the sequence's
// keys to kBeyond past its last query's position.
struct AttentionTileBias {
  static constexpr int64_t kBeyond = 32;
  const int32_t* bucket;      // by distance
  const int32_t* unit_steps;  // by distance: so many buckets from there on rise by 0 or 1 each
  int64_t buckets;
  const float* by_head;  // by distance, head_stride floats from head to head; or null
  int64_t head_stride;
  const float* by_query;  // from the row of the tile's query row 0; or null
  int64_t query_stride;
  const float* by_key;  // from the row of key 0; or null
  int64_t key_stride;
};

// Queries of one sequence, of some key heads. `group` query heads read the same one, all of them
// side by side from column 0 of q and out; for each key head query i is its head i % group of row
// i / group.
struct AttentionTile {
  const float* q;
  float* out;
  int64_t q_stride, out_stride;  // floats from row to row
  const KeyRun* runs;            // of keys 0 .. keys, in order
  int64_t run_count;
  int64_t heads, kv_column;  // key heads, side by side, and the first one's first column
  const int32_t* positions;  // of the query rows; null where nothing depends on them
  int64_t group, head_dim, keys;
  int64_t begin, end;  // queries; at most AttentionKernels::tile_queries
  float scale, softcap;
  bool causal;
  int64_t window;
  const AttentionTileBias* bias;  // or null; of one key head
  const float* sinks;             // of the tile's query heads; or null
};

struct AttentionKernels {
  int64_t tile_queries;
  int64_t few_queries;  // tiles of so many or fewer read the rows of their key heads together
  // Floats of scratch, aligned to 64 bytes, that attend() needs for tiles of at most so many key
  // heads; `narrow`: some run is narrower than float32.
  int64_t (*scratch_floats)(int64_t head_dim, int64_t heads, bool narrow);
  void (*attend)(const AttentionTile& tile, float* scratch);
};

const AttentionKernels& attention_kernels(Isa isa);

}  // namespace vecton::cpu
