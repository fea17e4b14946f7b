// The kernels of operations on single rows: norms, rotary positions, pooling, length 1.
//
// Called by cpu_rows.cpp. Stateless; any thread. x and y may be the same.
#pragma once

#include <cstdint>

#include "backend/cpu/isa.h"
#include "ops/ops.h"

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
  void (*pool)(const float* x, int64_t stride, int64_t count, int64_t n, Pooling how,
               const int32_t* positions, float* y);
  void (*l2_normalize)(const float* x, int64_t n, float* y);
};

const RowKernels& row_kernels(Isa isa);

}  // namespace vecton::cpu
