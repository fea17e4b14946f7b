// The arithmetic of quantising, compiled once per instruction set: stored floats to codes and
// scales, in whole groups. Every result is the same to the bit on each of them.
//
// Called by quantise.cpp, from any thread.
#pragma once

#include <cstdint>

#include "backend/cpu/isa.h"
#include "tensor/dtype.h"

namespace vecton::quantise {

struct Kernels {
  // `n` numbers stored as `from` (float32, float16 or bfloat16, of any alignment), widened.
  void (*widen)(tensor::DType from, const void* stored, int64_t n, float* out);
  // Rounds to nearest even, to the type `to`. False where a finite number overflows.
  bool (*narrow)(tensor::DType to, const float* values, int64_t n, void* stored);
  bool (*all_finite)(const float* values, int64_t n);

  // Groups of `group` numbers (a multiple of 32), `bits` each, to a code per byte and one scale and
  // offset per group, not rounded yet.
  void (*affine)(const float* values, int64_t groups, int64_t group, int bits, uint8_t* codes,
                 float* scales, float* offsets);
  // The largest magnitude of each group.
  void (*largest)(const float* values, int64_t groups, int64_t group, float* out);
  // The nearest code of value / scale, one scale per group; 0 for a scale of 0. Ties of E2M1 go to
  // the smaller magnitude and its zero has no sign; those of E4M3 go to the even code.
  void (*e2m1)(const float* values, int64_t groups, int64_t group, const float* scales,
               uint8_t* codes);
  void (*e4m3)(const float* values, int64_t groups, int64_t group, const float* scales,
               uint8_t* codes);
};

const Kernels& kernels(cpu::Isa isa);

}  // namespace vecton::quantise
