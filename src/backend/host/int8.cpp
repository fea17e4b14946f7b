#include "backend/host/int8.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/host/dequantise.h"

namespace vecton::host {

static void turn(float* x) {
  for (int64_t apart = kInt8Block / 2; apart > 0; apart /= 2) {
    for (int64_t first = 0; first < kInt8Block; first += 2 * apart) {
      for (int64_t i = first; i < first + apart; ++i) {
        const float a = x[i], b = x[i + apart];
        x[i] = a + b;
        x[i + apart] = a - b;
      }
    }
  }
}

void to_int8(const float* x, int64_t columns, int8_t* codes, float* scales) {
  constexpr float kMost = 127, kLeast = 0x1p-100f;
  for (int64_t first = 0; first < columns; first += kInt8Block) {
    float numbers[kInt8Block] = {};
    std::copy_n(x + first, std::min(columns - first, kInt8Block), numbers);
    turn(numbers);
    float largest = kLeast;
    bool finite = true;
    for (const float number : numbers) {
      finite &= std::isfinite(number);
      largest = std::max(largest, std::abs(number));
    }
    if (!finite) largest = std::numeric_limits<float>::quiet_NaN();
    *scales++ = largest / kMost;
    const float inverse = kMost / largest;
    for (const float number : numbers)
      *codes++ = static_cast<int8_t>(finite ? std::nearbyint(number * inverse) : 0);
  }
}

void weight_to_int8(const tensor::Weight& weight, int64_t row, int8_t* codes, float* scales) {
  std::vector<float> numbers(static_cast<size_t>(weight.columns));
  dequantise_row(weight, row, numbers.data());
  to_int8(numbers.data(), weight.columns, codes, scales);
  for (int64_t i = 0; i < int8_blocks(weight.columns); ++i) scales[i] /= kInt8Block;
}

float dot_int8(const int8_t* x, const float* x_scales, const int8_t* w, const float* w_scales,
               int64_t blocks) {
  float y = 0;
  for (int64_t block = 0; block < blocks; ++block) {
    int32_t products = 0;
    for (int64_t i = 0; i < kInt8Block; ++i) products += int32_t{*x++} * *w++;
    y = std::fma(static_cast<float>(products), x_scales[block] * w_scales[block], y);
  }
  return y;
}

}  // namespace vecton::host
