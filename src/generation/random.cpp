#include "generation/random.h"

namespace vecton::generation {

namespace {

// A step of splitmix64 (Steele et al. 2014).
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

// Seeds that follow one another, as those of several completions do, have nothing to do with one
// another.
uint64_t random_bits(uint64_t seed, uint64_t position) {
  return mix(mix(mix(seed) ^ position) + seed);
}

double random_uniform(uint64_t seed, uint64_t position) {
  return static_cast<double>(random_bits(seed, position) >> 11) * 0x1p-53;
}

}  // namespace vecton::generation
