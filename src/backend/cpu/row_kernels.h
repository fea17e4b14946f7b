// The kernels of operations on single rows: norms, rotary positions, pooling, length 1, element by
// element, short convolutions.
//
// Called by cpu_rows.cpp. Stateless; any thread. x and y may be the same.
#pragma once

#include <cstdint>

#include "backend/cpu/isa.h"
#include "ops/types.h"

namespace vecton::cpu {

struct RowKernels {
  // One group of n columns; bias may be null.
  void (*layer_norm)(const float* x, int64_t n, const float* weight, const float* bias, float eps,
                     float* y);
  void (*rms_norm)(const float* x, int64_t n, const float* weight, const float* bias, float eps,
                   float* y);
  // One head of rotary_dim = 2 half columns.
  void (*rotate)(const float* x, int64_t half, const float* cos, const float* sin, float* y);
  // n columns of one sequence of count rows (at least one), `stride` apart.
  void (*pool)(const float* x, int64_t stride, int64_t count, int64_t n, ops::Pooling how,
               const int32_t* positions, float* y);
  void (*l2_normalize)(const float* x, int64_t n, float* y);
  // n floats each.
  void (*add)(const float* a, const float* b, int64_t n, float* y);
  void (*multiply)(const float* a, const float* b, int64_t n, float* y);
  void (*scale)(const float* x, float factor, int64_t n, float* y);
  // With the bits of the activation that linear() has fused; one of is_common().
  void (*activate)(const float* x, ops::Activation act, int64_t n, float* y);
  // One row of n columns: bias (may be null) and `width` rows of x, `x_stride` apart, the last of
  // them x itself, times the rows of weight, [width, n]. x and y differ.
  void (*short_conv)(const float* x, int64_t x_stride, const float* weight, int64_t weight_stride,
                     int64_t width, const float* bias, int64_t n, float* y);
};

const RowKernels& row_kernels(Isa isa);

}  // namespace vecton::cpu
