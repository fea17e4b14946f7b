#include "backend/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vecton/error.h"

namespace vecton::backend {
namespace {

TEST(Machine, IsNamed) {
  const Machine m = machine();
  EXPECT_FALSE(m.cpu.empty());
  EXPECT_GE(m.cores, 1);
  EXPECT_THAT(m.isas, testing::Contains(m.isa));
}

TEST(Machine, KnowsWhatBackendsComputeWith) {
  EXPECT_EQ(isa_of("cpu"), machine().isa);
  EXPECT_EQ(isa_of("ref"), "scalar");
  EXPECT_THAT([] { isa_of("tpu"); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("'tpu' is none of those")));
}

TEST(Machine, HasPeaks) {
  const Peak peak = measure_peak(2);
  EXPECT_GT(peak.fma_gflops, 0.01);
  EXPECT_GT(peak.read_gbytes_s, 0.01);
}

}  // namespace
}  // namespace vecton::backend
