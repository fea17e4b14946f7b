#include "base/small_floats.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vecton::base {
namespace {

struct Format {
  float (*widen)(uint8_t);
  uint8_t (*narrow)(float);
  uint8_t largest;
  float value;  // of it
};

class SmallFloats : public ::testing::TestWithParam<Format> {};

TEST_P(SmallFloats, EveryNumberIsItself) {
  const auto& [widen, narrow, largest, value] = GetParam();
  EXPECT_EQ(widen(largest), value);
  for (int code = 0; code <= largest; ++code) {
    const auto bits = static_cast<uint8_t>(code);
    EXPECT_EQ(narrow(widen(bits)), bits);
    EXPECT_EQ(narrow(-widen(bits)), bits | 0x80) << code;
    EXPECT_EQ(widen(bits | 0x80), -widen(bits));
  }
}

TEST_P(SmallFloats, WhatIsBetweenGoesToTheNearer) {
  const auto& [widen, narrow, largest, value] = GetParam();
  for (int code = 0; code < largest; ++code) {
    const auto low = static_cast<uint8_t>(code), high = static_cast<uint8_t>(code + 1);
    const float half = widen(low) + (widen(high) - widen(low)) / 2;  // exact
    EXPECT_EQ(narrow(half), code % 2 ? high : low) << code;
    EXPECT_EQ(narrow(std::nextafter(half, 0.0f)), low) << code;
    EXPECT_EQ(narrow(std::nextafter(half, 1e9f)), high) << code;
  }
}

TEST_P(SmallFloats, WhatIsTooLargeIsTheLargest) {
  const auto& [widen, narrow, largest, value] = GetParam();
  EXPECT_EQ(narrow(1.01f * value), largest);
  EXPECT_EQ(narrow(-1e30f), largest | 0x80);
  EXPECT_TRUE(std::isnan(widen(narrow(std::nanf("")))));
  const float infinity = widen(narrow(std::numeric_limits<float>::infinity()));
  EXPECT_FALSE(std::isfinite(infinity));
}

INSTANTIATE_TEST_SUITE_P(Formats, SmallFloats,
                         ::testing::Values(Format{e4m3_to_float, float_to_e4m3, 0x7e, 448},
                                           Format{e5m2_to_float, float_to_e5m2, 0x7b, 57344}));

TEST(SmallFloatsOf, AnInfinityStaysWhereThereIsOne) {
  EXPECT_EQ(float_to_e5m2(std::numeric_limits<float>::infinity()), 0x7c);
  EXPECT_EQ(float_to_e5m2(-std::numeric_limits<float>::infinity()), 0xfc);
  EXPECT_EQ(float_to_e4m3(std::numeric_limits<float>::infinity()), 0x7f);
}

}  // namespace
}  // namespace vecton::base
