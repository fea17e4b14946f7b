// Batch: sequences end to end, without padding. The only batch type.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/image.h"
#include "tensor/tensor.h"

namespace vecton::tensor {

// Rows of some sequences, sequence by sequence: rows offsets[s] .. offsets[s+1] belong to sequence
// s.
struct Rows {
  std::vector<int32_t> offsets{0};  // sequences + 1
  std::vector<int32_t> index;  // position of each row inside its sequence, ascending within one

  int64_t sequences() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t count() const { return offsets.back(); }
  int64_t longest() const;  // the largest position + 1; 0 without rows
};

// Of each sequence the pages that hold the keys and values of its earlier tokens, in order: pages
// offsets[s] .. offsets[s + 1], cached[s] rows in all. The last page may be filled in part.
struct BlockTable {
  std::vector<int32_t> pages;
  std::vector<int32_t> offsets{0};  // sequences + 1
  std::vector<int32_t> cached;      // [sequences]
};

// Where keys and values of a batch are kept: those of its row rows[i] in slot slots[i] of the
// cache, which is page * page_rows + the row in the page.
struct SlotMapping {
  std::vector<int32_t> rows, slots;
};

// Rows begin .. end of a batch.
struct RowSpan {
  int32_t begin = 0, end = 0;
  bool operator==(const RowSpan&) const = default;
};

struct Batch {
  std::vector<int32_t> ids;       // [tokens]
  std::vector<int32_t> type_ids;  // [tokens], or empty = all 0
  Rows rows;                      // every token: its sequence and position
  Rows wanted;                    // the rows that some head asks for; what a model returns
  // How many leading rows of each sequence others may attend to; empty = all.
  std::vector<int32_t> attended;

  ImageRows images;  // rows of images among the tokens; without features = none
  // Rows that see each other whichever comes first, in a causal model beside all that comes before
  // them (an image's): each of one sequence, in order, apart.
  std::vector<RowSpan> both_ways;
  // Where rows turn by a position on each of three axes (time, height, width: MRoPE), their
  // positions, [3, tokens]; empty = rows.index on all of them.
  std::vector<int32_t> axis_positions;

  // Tokens that each sequence has in the end, where it is more than up to its last row here: models
  // that turn long sequences otherwise ask for it. Empty = it is not.
  std::vector<int32_t> lengths;

  // With a cache, one of each per group of its layers: what of a sequence lies in it (rows.index
  // goes on from there), and what is to be kept, before any row of the layer attends.
  std::vector<BlockTable> block_tables;
  std::vector<SlotMapping> slot_mappings;

  // With a cache that has states: the slot in which that of each sequence lies, 0 = it begins here;
  // and the sequences (state_mapping.rows) whose states after their last row are to be kept, with
  // their slots.
  std::vector<int32_t> state_slots;  // [sequences]
  SlotMapping state_mapping;

  // Where more than the last layer is read: gets the state of every row before each layer. All
  // rows are wanted then.
  std::vector<Tensor>* layer_states = nullptr;

  bool all_wanted() const { return wanted.count() == rows.count(); }

  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
  int64_t sequences() const { return rows.sequences(); }
};

// Rows of `batch` that are wanted.
std::vector<int32_t> wanted_positions(const Batch& batch);

}  // namespace vecton::tensor
