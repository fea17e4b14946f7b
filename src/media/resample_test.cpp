#include "media/resample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "media/resample_kernels.h"

namespace vecton::media {
namespace {

Picture pattern(int64_t width, int64_t height) {
  Picture picture(width, height);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        picture.row(y)[x * 3 + c] = static_cast<uint8_t>(x * 37 + y * 91 + c * 53 + x * y);
  return picture;
}

uint64_t fnv1a(std::span<const uint8_t> bytes) {
  uint64_t value = 0xcbf29ce484222325;
  for (const uint8_t byte : bytes) value = (value ^ byte) * 0x100000001b3;
  return value;
}

// The hashes of what Pillow 13 makes of the same pictures. Of both sides that shrink, some rows
// have the height go first.
struct Row {
  int64_t width, height, to_width, to_height;
  int filter;
  uint64_t hash;
};
const Row kRows[] = {
    {37, 53, 32, 32, 1, 0x21dad669b933f325},  {37, 53, 32, 32, 2, 0x9f99e94a2f128fe2},
    {37, 53, 32, 32, 3, 0x6da973bf3aeebfb9},  {37, 53, 32, 32, 4, 0x0f235926e3083900},
    {37, 53, 32, 32, 5, 0x2ddc33f134848734},  {80, 120, 32, 32, 1, 0x05dfb2c5222bd26e},
    {80, 120, 32, 32, 2, 0xbbe70204bc74172e}, {80, 120, 32, 32, 3, 0x454e2da08899f94d},
    {80, 120, 32, 32, 4, 0x77f210b851739f9c}, {80, 120, 32, 32, 5, 0x36182156de4ae35c},
    {20, 10, 45, 31, 1, 0xa8ae893e234184a5},  {20, 10, 45, 31, 2, 0x8adb97d4d380dc3a},
    {20, 10, 45, 31, 3, 0x0e98314b0b038d5d},  {20, 10, 45, 31, 4, 0x2c07b9bf58fdd788},
    {20, 10, 45, 31, 5, 0xf241ea82c6fe9b38},  {20, 30, 20, 11, 1, 0x33135c56a940c41c},
    {20, 30, 20, 11, 2, 0x9bdbbbd1c2b417bb},  {20, 30, 20, 11, 3, 0xa0706c6dbdbc418d},
    {20, 30, 20, 11, 4, 0x28d5aa54a99b4cb8},  {20, 30, 20, 11, 5, 0xdaf92eff867210ba},
    {30, 20, 11, 20, 1, 0xe4c37960b34d6f8b},  {30, 20, 11, 20, 2, 0x7e4a176bb976661f},
    {30, 20, 11, 20, 3, 0x249709f302c66ff4},  {30, 20, 11, 20, 4, 0xe5919d6439294dd9},
    {30, 20, 11, 20, 5, 0x29e0b74c5e16c3fc},  {1, 1, 7, 5, 1, 0x5b7b037b39c32102},
    {1, 1, 7, 5, 2, 0x5b7b037b39c32102},      {1, 1, 7, 5, 3, 0x5b7b037b39c32102},
    {1, 1, 7, 5, 4, 0x5b7b037b39c32102},      {1, 1, 7, 5, 5, 0x5b7b037b39c32102},
    {64, 64, 1, 1, 1, 0xa327fb196f0b3cb9},    {64, 64, 1, 1, 2, 0xa327fb196f0b3cb9},
    {64, 64, 1, 1, 3, 0xa327fb196f0b3cb9},    {64, 64, 1, 1, 4, 0x2fbd121ae17f4037},
    {64, 64, 1, 1, 5, 0xa327fb196f0b3cb9},    {13, 200, 29, 40, 1, 0x1497f3cae7d6b494},
    {13, 200, 29, 40, 2, 0xf458ac0ef221bfe0}, {13, 200, 29, 40, 3, 0xd695bac3e50bb077},
    {13, 200, 29, 40, 4, 0x481292f834fc42b4}, {13, 200, 29, 40, 5, 0x2e2db03cefa9f3ca},
};

TEST(Resample, HasPilsLevels) {
  for (const Row& row : kRows) {
    const Picture got = resized(pattern(row.width, row.height), row.to_width, row.to_height,
                                static_cast<Filter>(row.filter));
    EXPECT_EQ(got.width, row.to_width);
    EXPECT_EQ(got.height, row.to_height);
    EXPECT_EQ(fnv1a(got.rgb), row.hash)
        << row.width << " x " << row.height << " to " << row.to_width << " x " << row.to_height
        << ", filter " << row.filter;
  }
}

TEST(Resample, OfTheSameSizeChangesNothing) {
  EXPECT_EQ(resized(pattern(9, 4), 9, 4, Filter::kLanczos).rgb, pattern(9, 4).rgb);
}

TEST(Resample, KeepsOneColour) {
  Picture picture(17, 23);
  for (uint8_t& level : picture.rgb) level = 201;
  for (int filter = 1; filter <= 5; ++filter)
    for (const uint8_t level : resized(picture, 8, 40, static_cast<Filter>(filter)).rgb)
      ASSERT_EQ(level, 201) << filter;
}

// Sums of levels whose places are no multiple of a vector, on each of this machine's sets.
TEST(ResampleKernels, AreTheSameOnEveryInstructionSet) {
  constexpr int64_t kStride = 131, kCount = 7, kValues = 123;
  const Picture levels = pattern(kStride, kStrip);
  const int32_t weights[kCount] = {-300'000, 900'000, 2'000'000, 2'500'000, -800'000, 194'304, 0};
  std::vector<uint8_t> expected(kValues);
  for (int64_t v = 0; v < kValues; ++v) {
    int64_t sum = int64_t{1} << (kPrecision - 1);
    for (int64_t i = 0; i < kCount; ++i)
      sum += int64_t{levels.rgb[static_cast<size_t>(i * kStride + v)]} * weights[i];
    expected[static_cast<size_t>(v)] =
        static_cast<uint8_t>(std::clamp<int64_t>(sum >> kPrecision, 0, 255));
  }
  for (const cpu::Isa isa : cpu::supported_isas()) {
    const ResampleKernels& kernels = resample_kernels(isa);
    std::vector<uint8_t> got(kValues);
    kernels.weigh(levels.rgb.data(), kStride, weights, kCount, kValues, got.data());
    EXPECT_EQ(got, expected) << to_string(isa);
    std::vector<uint8_t> strip(kValues * kStrip), back(kStride * kStrip);
    kernels.to_strip(levels.rgb.data(), kStride, kValues, strip.data());
    for (int64_t v = 0; v < kValues; ++v) {
      for (int64_t row = 0; row < kStrip; ++row) {
        ASSERT_EQ(strip[static_cast<size_t>(v * kStrip + row)],
                  levels.rgb[static_cast<size_t>(row * kStride + v)])
            << to_string(isa);
      }
    }
    kernels.from_strip(strip.data(), kValues, back.data(), kStride);
    for (int64_t row = 0; row < kStrip; ++row) {
      EXPECT_TRUE(std::equal(back.begin() + row * kStride, back.begin() + row * kStride + kValues,
                             levels.rgb.begin() + row * kStride))
          << to_string(isa);
    }
  }
}

}  // namespace
}  // namespace vecton::media
