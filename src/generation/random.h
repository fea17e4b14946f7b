// Random numbers that are a function of a seed and a position: no state, so that what a completion
// gets depends on nothing that runs beside it.
#pragma once

#include <cstdint>

namespace vecton::generation {

// 64 bits; each bit of any argument changes half of them.
uint64_t random_bits(uint64_t seed, uint64_t position);

// Evenly spread over [0, 1), in steps of 2^-53.
double random_uniform(uint64_t seed, uint64_t position);

}  // namespace vecton::generation
