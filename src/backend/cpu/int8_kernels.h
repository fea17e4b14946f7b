// Kernels of ops::Compute::kInt8: rows of x to codes, and tiles of exact products of blocks of
// codes, added up as backend/host/int8.h says.
//
// Called by linear_kernels.cpp and cpu_linear.cpp, from any thread. Whichever instructions a table
// is made of, the bits are the same.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "backend/cpu/isa.h"

namespace vecton::cpu {

struct Int8Rows {
  struct Block {
    float scale;   // NaN where the block is not finite
    int32_t zero;  // -128 times the sum of the codes: what codes of weights that are 128 too large
                   // are to be put right by
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

struct Int8Kernels {
  static constexpr int kMostRows = 12;
  using Tile = void (*)(const Int8Tile& tile);

  std::string_view name;
  int64_t code_bytes;  // that a code of x takes
  int64_t tile_rows;   // of the largest tile
  // Rows begin .. end of x [rows, k].
  void (*to_int8)(const float* x, int64_t x_stride, int64_t k, const Int8Rows& rows, int64_t begin,
                  int64_t end);
  std::array<Tile, kMostRows + 1> tiles;  // by rows
};

// Those that this machine has beside the instructions of `isa`, the best last.
std::vector<const Int8Kernels*> int8_kernels_of(Isa isa);
// The best.
const Int8Kernels& int8_kernels(Isa isa);

}  // namespace vecton::cpu
