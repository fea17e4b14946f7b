// The kernels of caches that are narrower than float32: bfloat16, float8_e4m3, float8_e5m2
// (tensor/narrow.h).
//
// Called by cpu_rows.cpp and cpu_attention.cpp. Stateless; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/isa.h"
#include "tensor/dtype.h"

namespace vecton::cpu {

// n numbers each; not of float32. x and y may be the same.
struct NarrowKernels {
  void (*narrow)(const float* x, tensor::DType type, int64_t n, std::byte* y);
  void (*widen)(const std::byte* x, tensor::DType type, int64_t n, float* y);
  void (*round)(const float* x, tensor::DType type, int64_t n, float* y);  // both of them
};

const NarrowKernels& narrow_kernels(Isa isa);

}  // namespace vecton::cpu
