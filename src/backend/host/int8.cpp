#include "backend/host/int8.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/host/dequantise.h"
#include "backend/host/whole_codes.h"

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

bool has_grid(const tensor::Weight& weight) {
  if (weight.codes.kind == tensor::Codes::Kind::kFloat) return false;
  const auto whole = whole_codes(weight.codes);
  return whole && whole->near();
}

GridRow to_grid(const float* x, int64_t columns, int64_t group) {
  constexpr float kSteps = 254, kLeast = 0x1p-100f;
  GridRow made;
  for (int64_t first = 0; first < columns; first += group) {
    const int64_t last = std::min(columns, first + group);
    float low = 0, high = 0;
    bool finite = true;
    for (int64_t i = first; i < last; ++i) {
      finite &= std::isfinite(x[i]);
      low = std::min(low, x[i]);
      high = std::max(high, x[i]);
    }
    const float range = std::max(high - low, kLeast);
    finite &= std::isfinite(range);
    made.scales.push_back(finite ? range / kSteps : std::numeric_limits<float>::quiet_NaN());
    const float inverse = kSteps / range;
    for (int64_t i = first; i < last; ++i)
      made.numbers.push_back(static_cast<int16_t>(finite ? std::nearbyint(x[i] * inverse) : 0));
  }
  return made;
}

GridWeight grid_weight(const tensor::Weight& weight, int64_t row) {
  const WholeCodes whole = *whole_codes(weight.codes);
  GridWeight made{.group = columns_of_group(weight), .numbers = {}, .scales = {}, .offsets = {}};
  std::vector<uint8_t> codes(static_cast<size_t>(weight.columns));
  read_codes(weight, row, 0, codes);
  for (const uint8_t code : codes) {
    const int byte = whole.lookup ? whole.bytes[code] : code;
    made.numbers.push_back(static_cast<int16_t>(byte - whole.zero));
  }
  for (int64_t first = 0; first < weight.columns; first += made.group) {
    const float scale = whole.unit * weight.factor * block_number(weight, weight.scale, row, first);
    made.scales.push_back(scale * block_number(weight, weight.scale_unit, row, first));
    if (!weight.offset.exists()) continue;
    const float offset = weight.factor * block_number(weight, weight.offset, row, first);
    made.offsets.push_back(offset * block_number(weight, weight.offset_unit, row, first));
  }
  return made;
}

float dot_grid(const GridRow& x, const GridWeight& w) {
  float y = 0;
  const auto columns = static_cast<int64_t>(w.numbers.size());
  for (int64_t first = 0, g = 0; first < columns; first += w.group, ++g) {
    const auto group = static_cast<size_t>(g);
    int32_t products = 0, sum = 0;
    for (int64_t i = first; i < std::min(columns, first + w.group); ++i) {
      const auto at = static_cast<size_t>(i);
      products += int32_t{x.numbers[at]} * w.numbers[at];
      sum += x.numbers[at];
    }
    y = std::fma(static_cast<float>(products), w.scales[group] * x.scales[group], y);
    if (w.offsets.empty()) continue;
    y = std::fma(w.offsets[group], x.scales[group] * static_cast<float>(sum), y);
  }
  return y;
}

}  // namespace vecton::host
