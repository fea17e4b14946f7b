#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace vecton::base {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(Half, EveryF16SurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = f16_to_float(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16_to_float(float_to_f16(value))));
    } else {
      ASSERT_EQ(float_to_f16(value), half);
    }
  }
}

TEST(Half, EveryBf16SurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = bf16_to_float(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(value))));
    } else {
      ASSERT_EQ(float_to_bf16(value), half);
    }
  }
}

TEST(Half, F16Corners) {
  EXPECT_EQ(f16_to_float(0x3c00), 1.0f);
  EXPECT_EQ(f16_to_float(0xc000), -2.0f);
  EXPECT_EQ(f16_to_float(0x7bff), 65504.0f);
  EXPECT_EQ(f16_to_float(0x0001), 0x1p-24f);
  EXPECT_EQ(f16_to_float(0x83ff), -1023 * 0x1p-24f);
  EXPECT_EQ(f16_to_float(0x0400), 0x1p-14f);
  EXPECT_EQ(f16_to_float(0xfc00), -kInfinity);
  EXPECT_TRUE(std::signbit(f16_to_float(0x8000)));
}

// Halfway between two neighbours of the format goes to the even one, anything else to the nearer.
TEST(Half, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const auto low = static_cast<uint16_t>(bits), high = static_cast<uint16_t>(bits + 1);
    const float middle = (f16_to_float(low) + f16_to_float(high)) / 2;
    ASSERT_EQ(float_to_f16(middle), bits % 2 == 0 ? low : high);
    ASSERT_EQ(float_to_f16(std::nextafter(middle, 0.0f)), low);
    ASSERT_EQ(float_to_f16(std::nextafter(middle, 1e9f)), high);
    ASSERT_EQ(float_to_f16(-middle), (bits % 2 == 0 ? low : high) | 0x8000);
  }
  for (uint32_t bits = 0x3f00; bits < 0x4100; ++bits) {
    const auto low = static_cast<uint16_t>(bits), high = static_cast<uint16_t>(bits + 1);
    const float middle = (bf16_to_float(low) + bf16_to_float(high)) / 2;
    ASSERT_EQ(float_to_bf16(middle), bits % 2 == 0 ? low : high);
    ASSERT_EQ(float_to_bf16(std::nextafter(middle, 0.0f)), low);
    ASSERT_EQ(float_to_bf16(std::nextafter(middle, 1e9f)), high);
  }
}

TEST(Half, OverflowIsInfinity) {
  EXPECT_EQ(float_to_f16(65519.0f), 0x7bff);
  EXPECT_EQ(float_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_f16(-1e30f), 0xfc00);
  EXPECT_EQ(float_to_f16(kInfinity), 0x7c00);
  EXPECT_EQ(float_to_bf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(float_to_bf16(kInfinity), 0x7f80);
}

}  // namespace
}  // namespace vecton::base
