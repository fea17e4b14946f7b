// Kernels of embed(), linear() and gated_linear(), one table per instruction set.
//
// Called by cpu_linear.cpp, from any thread. Promise: the bits of an element of y depend on its row
// of x and the weights alone. Each element has one accumulator, to which the products are added
// (fused) by ascending k, in every tile shape; what follows is computed lane by lane with the same
// instructions. A matrix of ops::Compute::kBFloat16 is given x as round() leaves it, and multiplied
// by the float32 instructions, for which the products are exact, or, where it is of pairs, by those
// for bfloat16 of AVX512-BF16 and Armv8.6: they add two products at a time and take what is
// subnormal for 0. AMX-BF16 adds 32 at a time, of the same k whatever the tile. A matrix of kInt8
// is multiplied by int8_kernels.h.
#pragma once

#include <cstdint>

#include "backend/cpu/int8_kernels.h"
#include "backend/cpu/integer_kernels.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/pack.h"
#include "ops/types.h"

namespace vecton::cpu {

struct LinearCall {
  const PackedMatrix* w;
  const float* x;
  int64_t x_stride;
  float* y;
  int64_t y_stride;
  const float* bias;      // [n], or null
  const float* residual;  // [rows, n], or null
  int64_t residual_stride;
  ops::Activation act;
  const IntegerRows* integers = nullptr;  // x, where the weight's codes are multiplied as integers
  const Int8Rows* int8 = nullptr;         // x, where it is ops::Compute::kInt8
  const Int8Kernels* int8_kernels = nullptr;
};

struct EmbedCall {
  const Table* table;
  const int32_t* ids;
  float* y;
  int64_t y_stride;
  bool add;  // to what y holds
};

struct LinearKernels {
  int64_t lanes;      // of a vector; a panel is two of them wide
  int64_t tile_rows;  // of the largest tile
  // How many panels are multiplied with so many rows at once.
  int64_t (*panels_at_once)(const PackedMatrix& w, int64_t rows);
  // Rows begin .. end of x [rows, w.k], rounded to bfloat16: as floats, or two to a word for a
  // matrix of pairs. w.steps() words to a row.
  void (*round)(const PackedMatrix& w, const float* x, int64_t x_stride, float* out,
                int64_t out_stride, int64_t begin, int64_t end);
  // Rows [row, row_end) and panels [panel, panel_end) of y.
  void (*linear)(const LinearCall& call, int64_t row, int64_t row_end, int64_t panel,
                 int64_t panel_end);
  void (*embed)(const EmbedCall& call, int64_t row, int64_t row_end);
};

const LinearKernels& linear_kernels(Isa isa);

}  // namespace vecton::cpu
