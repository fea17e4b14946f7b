#include "checkpoint/quantised/zero_points.h"

#include <algorithm>

namespace vecton::checkpoint {

std::vector<float> set_zeros(tensor::Weight& weight, std::span<const float> scales,
                             std::span<const uint8_t> zeros) {
  const uint8_t zero = zeros.front();
  if (std::ranges::all_of(zeros, [&](uint8_t other) { return other == zero; })) {
    weight.codes.zero_point = zero;
    return {};
  }
  std::vector<float> offsets(zeros.size());
  for (size_t i = 0; i < zeros.size(); ++i) offsets[i] = -scales[i] * static_cast<float>(zeros[i]);
  weight.offset.block_rows = weight.scale.block_rows;
  weight.offset.block_columns = weight.scale.block_columns;
  weight.offset.bytes = std::as_bytes(std::span(offsets));
  return offsets;
}

}  // namespace vecton::checkpoint
