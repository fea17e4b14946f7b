#include "checkpoint/torch_file_strides.h"

#include <algorithm>

namespace vecton::checkpoint {

bool is_contiguous(std::span<const int64_t> shape, std::span<const int64_t> strides) {
  if (strides.size() != shape.size()) return false;
  if (std::ranges::find(shape, 0) != shape.end()) return true;
  int64_t step = 1;
  for (size_t i = shape.size(); i > 0; --i) {
    if (shape[i - 1] != 1 && strides[i - 1] != step) return false;
    step *= shape[i - 1];
  }
  return true;
}

std::optional<int64_t> reach_of(std::span<const int64_t> shape, std::span<const int64_t> strides,
                                int64_t limit) {
  if (strides.size() != shape.size()) return std::nullopt;
  int64_t reach = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    const int64_t steps = shape[i] - 1;
    if (steps == 0) continue;
    if (strides[i] < 0 || strides[i] > (limit - reach) / steps) return std::nullopt;
    reach += steps * strides[i];
  }
  return reach;
}

std::vector<std::byte> gathered(std::span<const int64_t> shape, std::span<const int64_t> strides,
                                size_t width, std::span<const std::byte> storage) {
  // The place of the number in hand, counted like an odometer.
  std::vector<int64_t> index(shape.size());
  size_t at = 0;
  std::vector<std::byte> numbers;
  size_t count = 1;
  for (const int64_t d : shape) count *= static_cast<size_t>(d);
  numbers.reserve(count * width);
  for (size_t n = 0; n < count; ++n) {
    const auto number = storage.subspan(at * width, width);
    numbers.insert(numbers.end(), number.begin(), number.end());
    for (size_t i = shape.size(); i > 0; --i) {
      const auto stride = static_cast<size_t>(strides[i - 1]);
      if (++index[i - 1] < shape[i - 1]) {
        at += stride;
        break;
      }
      at -= static_cast<size_t>(shape[i - 1] - 1) * stride;
      index[i - 1] = 0;
    }
  }
  return numbers;
}

}  // namespace vecton::checkpoint
