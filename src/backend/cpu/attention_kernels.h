// The kernel of attention: a tile of query rows against the keys of their sequence.
//
// Called by cpu_attention.cpp. Stateless; any thread.
#pragma once

#include <cstdint>

#include "backend/cpu/isa.h"

namespace vecton::cpu {

// Queries of one sequence that read the same key head. `group` query heads do, side by side from
// column 0 of q and out; query i is head i % group of row i / group.
struct AttentionTile {
  const float* q;
  const float* k;
  const float* v;
  float* out;
  int64_t q_stride, k_stride, v_stride, out_stride;  // floats from row to row
  const int32_t* positions;  // of the query rows in their sequence; null: every query sees all keys
  int64_t group, head_dim, keys;
  int64_t begin, end;  // queries; at most AttentionKernels::tile_queries
  float scale;
};

struct AttentionKernels {
  int64_t tile_queries;
  // Floats of scratch, aligned to 64 bytes, that attend() needs.
  int64_t (*scratch_floats)(int64_t head_dim);
  void (*attend)(const AttentionTile& tile, float* scratch);
};

const AttentionKernels& attention_kernels(Isa isa);

}  // namespace vecton::cpu
