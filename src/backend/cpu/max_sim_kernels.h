// The kernel of late interaction: the rows of a document against a packed query.
//
// Called by cpu_max_sim.cpp, from any thread. Promise: each product of two rows has one
// accumulator, to which the products of their columns are added (fused) in order.
#pragma once

#include <cstdint>

#include "backend/cpu/isa.h"

namespace vecton::cpu {

struct MaxSimKernels {
  int64_t lanes;  // of a vector
  // The m rows of q, n columns each, as vectors of one column of as many rows as a vector has
  // lanes. `packed` has n * round_up(m, lanes) floats, aligned to 64 bytes.
  void (*pack)(const float* q, int64_t stride, int64_t m, int64_t n, float* packed);
  // The sum over the rows of the query of their largest product with one of `rows` rows of d (at
  // least one). `maxima`: round_up(m, lanes) floats of scratch, aligned to 64 bytes.
  float (*max_sim)(const float* packed, int64_t m, int64_t n, const float* d, int64_t stride,
                   int64_t rows, float* maxima);
};

const MaxSimKernels& max_sim_kernels(Isa isa);

}  // namespace vecton::cpu
