// Dot products of packed codes with activations of 24 bits in three planes of 8, by instructions
// for 8-bit integers (AVX-512 VNNI).
//
// Within a group of k the products are added exactly, so their order is nobody's business; groups
// are added by ascending k, each in one accumulator per element of y. An activation is rounded to
// within 2^-23 of the largest of its group.
//
// Called by linear_kernels.cpp and cpu_linear.cpp, from any thread.
#pragma once

#include <array>
#include <cstdint>

#include "backend/cpu/isa.h"
#include "backend/cpu/packed_codes.h"

namespace vecton::cpu {

// Rows of x as integers v, x = 2^e v with an e for each group: planes of
// v = 65536 high + 256 middle + low.
//
// The products of a plane are added to the bits of a float, the base, whose last place is worth 2^e
// times what the plane's is: as a float, less the base, the sum is scaled. It fits 23 bits in
// groups of up to 128 codes. Lest a base overflow, all are of y / kUnit.
struct IntegerRows {
  struct Group {
    float base[3];     // by plane; NaN where an activation is not finite
    float sum;         // of x, / kUnit
    int32_t first[3];  // by plane: the base's bits, and the sum of v times -zero of the codes
  };
  int8_t* planes;     // [rows][k / 4][3][4]
  Group* groups;      // [rows][groups]
  int64_t row_bytes;  // of planes
  int64_t row_groups;
};

struct IntegerTile {
  static constexpr int64_t kStep = 16;  // k that every group has some multiple of

  const IntegerRows* x;
  int64_t row;  // of x, the first
  int64_t rows;
  const uint32_t* words;  // of a panel, those of the first group
  const float* numbers;   // [groups][scales, offsets][32]
  float* sums;            // [rows][32]
  const uint8_t* bytes;   // of PackedCodes
  int64_t first_group;
  int64_t k;         // from there on
  int64_t group;     // codes of a group; the last one may have fewer
  bool first;        // sums are written, not added to
  bool last;         // they are those of all k: of y then, until then of y / kUnit
  FetchAhead ahead;  // of few rows a step for each row of words, else for kStep and two rows
};

struct IntegerKernels {
  static constexpr float kUnit = 0x1p20f;
  static constexpr int64_t kFewRows = 4;
  // Rows begin .. end of x [rows, k].
  void (*quantise)(const PackedCodes& codes, const float* x, int64_t x_stride, int64_t k,
                   const IntegerRows& rows, int64_t begin, int64_t end);
  // The first of any number of rows, the others of as many as their index.
  using Multiply = std::array<void (*)(const IntegerTile& tile), kFewRows + 1>;
  Multiply multiply[3][2];  // 2, 4, 8 bits; without and with offsets
  Multiply lookups[2];      // 4 bits whose bytes are looked up
};

// Null where the instruction set, or this machine, has none.
const IntegerKernels* integer_kernels(Isa isa);

}  // namespace vecton::cpu
