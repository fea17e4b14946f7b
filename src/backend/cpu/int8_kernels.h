// Kernels of ops::Compute::kInt8: rows of x to codes, and tiles of exact products of blocks of
// codes, added up as backend/host/int8.h says.
//
// Called by linear_kernels.cpp and cpu_linear.cpp, from any thread. Whichever instructions a table
// is made of, the bits are the same.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "backend/cpu/isa.h"
#include "backend/cpu/packed_codes.h"

namespace vecton::cpu {

struct Int8Rows {
  // Of a block of 64 that is turned, or of a group of a weight's grid.
  struct Block {
    float scale;    // NaN where it is not finite
    int32_t zero;   // what the sum of the products begins with: codes of weights are stored with
                    // their zero point in them
    int32_t shift;  // a grid's: what the stored codes of x are short of its whole numbers
    float sum;      // a grid's: scale times the sum of those
  };
  int8_t* codes;  // as the table's tiles take them
  Block* blocks;
  int64_t row_bytes, row_blocks;
};

struct Int8Tile {
  const Int8Rows* x;
  int64_t row;            // of x, the first
  int64_t block;          // of x, the first
  int64_t blocks;         // how many
  const uint32_t* words;  // of the first block: codes + 128, [k / 4][width][4]
  const float* scales;    // [blocks][width]
  float* sums;            // [rows][width], added to
};

struct GridTile {
  const Int8Rows* x;
  int64_t row;               // of x, the first
  int64_t k;                 // where the first group begins ...
  int64_t k_end;             // ... and the last one ends
  int64_t group;             // codes of a group; the last one may have fewer
  const uint32_t* words;     // of the first group: bytes, [k / 4][width][4], or the panel's own
  const float* numbers;      // [groups][scales, offsets][width]
  bool offsets;              // there are any
  const int32_t* code_sums;  // [groups][width], where shifts are not 0; not of the panel's own
  float* sums;               // [rows][width], added to
  const uint8_t* bytes;      // of PackedCodes
  FetchAhead ahead;          // a step for each row of words
};

struct Int8Kernels {
  static constexpr int kMostRows = 12;
  using Tile = void (*)(const Int8Tile& tile);

  std::string_view name;
  int64_t code_bytes;  // that a code of x takes
  int64_t tile_rows;   // of the largest tile
  // Rows begin .. end of x [rows, k], turned.
  void (*to_int8)(const float* x, int64_t x_stride, int64_t k, const Int8Rows& rows, int64_t begin,
                  int64_t end);
  std::array<Tile, kMostRows + 1> tiles;  // by rows

  // Of weights with a grid: rows of x ...
  void (*to_grid)(const PackedCodes& codes, const float* x, int64_t x_stride, int64_t k,
                  const Int8Rows& rows, int64_t begin, int64_t end);
  // ... codes k .. k_end (whole groups) of a panel as bytes, and their sums by group and column;
  // returns the bytes: `words`, or the panel's own ...
  const uint32_t* (*expand)(const PackedCodes& codes, const std::byte* panel, int64_t k,
                            int64_t k_end, uint32_t* words, int32_t* code_sums);
  // ... and tiles, of those bytes by rows ...
  std::array<void (*)(const GridTile& tile), kMostRows + 1> grid_tiles;
  // ... or of the panel's own words, where there are any: of 2 bits, 4, 4 that are looked up,
  // and 8.
  static constexpr int kFewRows = 3;
  using FewRows = std::array<void (*)(const GridTile& tile), kFewRows + 1>;
  FewRows few_rows[4];
  // What a thread calls when it has multiplied; null: nothing.
  void (*done)() = nullptr;

  const FewRows& few_rows_of(const PackedCodes& codes) const {
    return few_rows[codes.bits == 2 ? 0 : codes.bits == 8 ? 3 : codes.lookup ? 2 : 1];
  }
};

// Those beside the instructions of `isa` that need no more than `products` (byte_products()), the
// best last.
std::vector<const Int8Kernels*> int8_kernels_of(Isa isa, int products);
// The best that this machine has.
const Int8Kernels& int8_kernels(Isa isa);

}  // namespace vecton::cpu
