#include "generation/random.h"

#include "base/splitmix64.h"

namespace vecton::generation {

// Seeds that follow one another, as those of several completions do, have nothing to do with one
// another.
uint64_t random_bits(uint64_t seed, uint64_t position) {
  using base::splitmix64;
  return splitmix64(splitmix64(splitmix64(seed) ^ position) + seed);
}

double random_uniform(uint64_t seed, uint64_t position) {
  return static_cast<double>(random_bits(seed, position) >> 11) * 0x1p-53;
}

}  // namespace vecton::generation
