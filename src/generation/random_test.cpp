#include "generation/random.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <set>

namespace vecton::generation {
namespace {

TEST(Random, IsAFunctionOfSeedAndPosition) {
  std::set<uint64_t> seen;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    for (uint64_t position = 0; position < 30; ++position) {
      EXPECT_EQ(random_bits(seed, position), random_bits(seed, position));
      seen.insert(random_bits(seed, position));
    }
  }
  EXPECT_EQ(seen.size(), 900u);
}

TEST(Random, IsSpreadEvenly) {
  // Of 64 parts of [0, 1); chi-square of 63 degrees of freedom: 103.4 is exceeded once in a
  // thousand times.
  for (const bool by_seed : {false, true}) {
    std::vector<double> counts(64);
    constexpr int kCount = 64000;
    for (uint64_t i = 0; i < kCount; ++i) {
      const double u = by_seed ? random_uniform(i, 3) : random_uniform(3, i);
      ASSERT_GE(u, 0);
      ASSERT_LT(u, 1);
      ++counts[static_cast<size_t>(u * 64)];
    }
    double chi = 0;
    for (const double c : counts) chi += (c - 1000) * (c - 1000) / 1000;
    EXPECT_LT(chi, 103.4) << by_seed;
  }
}

TEST(Random, NeighboursHaveNothingToDoWithEachOther) {
  double bits = 0, product = 0;
  constexpr int kCount = 4000;
  for (uint64_t i = 0; i < kCount; ++i) {
    bits += std::popcount(random_bits(i, 5) ^ random_bits(i + 1, 5));
    bits += std::popcount(random_bits(5, i) ^ random_bits(5, i + 1));
    product += (random_uniform(i, 0) - 0.5) * (random_uniform(i + 1, 0) - 0.5) * 12;
  }
  EXPECT_NEAR(bits / (2 * kCount), 32, 0.3);
  EXPECT_NEAR(product / kCount, 0, 0.06);
}

}  // namespace
}  // namespace vecton::generation
