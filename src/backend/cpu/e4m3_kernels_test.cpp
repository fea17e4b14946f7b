#include "backend/cpu/e4m3_kernels.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "base/small_floats.h"

namespace vecton::cpu {
namespace {

TEST(ExpandE4M3, GivesEveryCodeInEveryPlaceOfAWord) {
  const ExpandE4M3 expand = expand_e4m3();
  if (!expand) GTEST_SKIP() << "needs AVX-512 VBMI";
  constexpr size_t kWidth = 32, kRows = 256;
  std::array<float, kWidth> scales;
  for (size_t column = 0; column < kWidth; ++column)
    scales[column] = 0.37f * static_cast<float>(column + 1);
  const auto code_of = [](size_t row, size_t column, size_t j) {
    return static_cast<uint8_t>(row + 5 * column + 67 * j);
  };
  std::vector<uint32_t> words(kRows * kWidth);
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t column = 0; column < kWidth; ++column) {
      for (size_t j = 0; j < 4; ++j)
        words[row * kWidth + column] |= uint32_t{code_of(row, column, j)} << 8 * j;
    }
  }
  std::vector<float> out(4 * words.size());
  expand(words.data(), kRows, scales.data(), out.data());
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t k = i / kWidth, column = i % kWidth;
    const float want = scales[column] * base::e4m3_to_float(code_of(k / 4, column, k % 4));
    if (std::isnan(want)) {
      ASSERT_TRUE(std::isnan(out[i])) << i;
    } else {
      ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), std::bit_cast<uint32_t>(want)) << i;
    }
  }
}

}  // namespace
}  // namespace vecton::cpu
