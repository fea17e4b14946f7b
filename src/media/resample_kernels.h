// The sums of resampling, compiled once per instruction set. Every result is the same to the bit on
// each of them: the arithmetic is that of integers.
//
// Called by resample.cpp, from any thread.
#pragma once

#include <cstdint>

#include "backend/cpu/isa.h"

namespace vecton::media {

inline constexpr int kPrecision = 32 - 8 - 2;  // of weights, bits after the point: a sum fits in 32
inline constexpr int64_t kStrip = 16;          // rows that are transposed together

struct ResampleKernels {
  // to[v], v below `values`: the sum of from[i * stride + v] * weights[i] over `count` places,
  // rounded to a level.
  void (*weigh)(const uint8_t* from, int64_t stride, const int32_t* weights, int64_t count,
                int64_t values, uint8_t* to);
  // kStrip rows of `values` levels to [values, kStrip], and back.
  void (*to_strip)(const uint8_t* rows, int64_t stride, int64_t values, uint8_t* strip);
  void (*from_strip)(const uint8_t* strip, int64_t values, uint8_t* rows, int64_t stride);
};

const ResampleKernels& resample_kernels(cpu::Isa isa);

}  // namespace vecton::media
