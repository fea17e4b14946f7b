// Dot products of packed codes with activations of 24 bits in three planes of 8, by instructions
// for 8-bit integers (AVX-512 VNNI).
//
// Within a group of k the products are added exactly, so their order is nobody's business; groups
// are added by ascending k, each in one accumulator per element of y. An activation is rounded to
// within 2^-24 of the largest of its group.
//
// Called by linear_kernels.cpp and cpu_linear.cpp, from any thread.
#pragma once

#include <array>
#include <cstdint>

#include "backend/cpu/isa.h"
#include "backend/cpu/packed_codes.h"

namespace vecton::cpu {

// Rows of x as integers v, x = scale * v: planes of v = 65536 high + 256 middle + low.
struct IntegerRows {
  struct Group {
    float scale;      // NaN where an activation is not finite
    float sum;        // scale times the sum of v
    int32_t zero[3];  // by plane: the sum, times -zero of the codes
  };
  int8_t* planes;     // [rows][k / 4][3][4]
  Group* groups;      // [rows][groups]
  int64_t row_bytes;  // of planes
  int64_t row_groups;
};

struct IntegerTile {
  const IntegerRows* x;
  int64_t row;            // of x, the first
  const uint32_t* words;  // of a panel, those of the first group
  const float* numbers;   // [groups][scales, offsets][32]
  float* sums;            // [rows][32], added to
  const uint8_t* bytes;   // of PackedCodes
  int64_t k;              // where the first group begins ...
  int64_t k_end;          // ... and the last one ends
  int64_t group;          // codes of a group; the last one may have fewer
  FetchAhead ahead;
};

struct IntegerKernels {
  static constexpr int kMostRows = 4;
  // Rows begin .. end of x [rows, k].
  void (*quantise)(const PackedCodes& codes, const float* x, int64_t x_stride, int64_t k,
                   const IntegerRows& rows, int64_t begin, int64_t end);
  using Tile = void (*)(const IntegerTile& tile);
  using Tiles = std::array<Tile, kMostRows + 1>;  // by rows
  Tiles tiles[3][2];                              // 2, 4, 8 bits; without and with offsets
  Tiles lookups[2];                               // 4 bits whose bytes are looked up
};

// Null where the instruction set, or this machine, has none.
const IntegerKernels* integer_kernels(Isa isa);

}  // namespace vecton::cpu
