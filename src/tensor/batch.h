// Batch: sequences end to end, without padding. The only batch type.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/kv_cache.h"

namespace vecton {

// Rows of some sequences, sequence by sequence: rows offsets[s] .. offsets[s+1] belong to sequence
// s.
struct Rows {
  std::vector<int32_t> offsets{0};  // sequences + 1
  std::vector<int32_t> index;  // position of each row inside its sequence, ascending within one

  int64_t sequences() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t count() const { return offsets.back(); }
  int64_t longest() const;  // the largest position + 1; 0 without rows
};

struct Batch {
  std::vector<int32_t> ids;       // [tokens]
  std::vector<int32_t> type_ids;  // [tokens], or empty = all 0
  Rows rows;                      // every token: its sequence and position
  Rows wanted;                    // the rows that some head asks for; what a model returns
  // How many leading rows of each sequence others may attend to; empty = all.
  std::vector<int32_t> attended;

  // Of causal models: rows.index of sequence s starts after the pages pages[page_offsets[s]] ..
  // pages[page_offsets[s + 1]] of the cache. Without a cache every sequence is whole.
  const KvCache* cache = nullptr;
  std::vector<int32_t> pages, page_offsets;
  // Keys and values of the rows store_from[i] (of the batch) go to the rows store_to[i] of the
  // cache, before any row of the layer attends.
  std::vector<int32_t> store_from, store_to;

  bool all_wanted() const { return wanted.count() == rows.count(); }

  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
  int64_t sequences() const { return rows.sequences(); }
};

// Rows of `batch` that are wanted.
std::vector<int32_t> wanted_positions(const Batch& batch);

}  // namespace vecton
