#include "backend/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vecton::backend {
namespace {

TEST(Machine, IsNamed) {
  const Machine m = machine();
  EXPECT_FALSE(m.cpu.empty());
  EXPECT_GE(m.cores, 1);
  EXPECT_THAT(m.isas, testing::Contains(m.isa));
}

TEST(Machine, HasPeaks) {
  const Peak peak = measure_peak(2);
  EXPECT_GT(peak.fma_gflops, 0.01);
  EXPECT_GT(peak.read_gbytes_s, 0.01);
}

}  // namespace
}  // namespace vecton::backend
