// The two loops that a machine's limits are measured with, once per instruction set. Called by
// machine.cpp.
#pragma once

#include <cstdint>
#include <span>

#include "backend/cpu/isa.h"

namespace vecton::backend {

struct PeakKernels {
  // Does `rounds` rounds of multiply-adds in registers; returns a number that depends on all of
  // them.
  float (*fma)(int64_t rounds);
  double flops_per_round;
  // Reads all of `memory` (a multiple of 64 floats).
  float (*read)(std::span<const float> memory);
};
const PeakKernels& peak_kernels(cpu::Isa isa);

}  // namespace vecton::backend
