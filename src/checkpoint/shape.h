// Shapes as lists of dimensions: their words in messages and their number of elements.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>

namespace vecton::checkpoint {

// "[384,1536]"
inline std::string shape_text(std::span<const int64_t> shape) {
  std::string text = "[";
  for (const int64_t d : shape) {
    if (text.size() > 1) text += ',';
    text += std::to_string(d);
  }
  return text + "]";
}

// unit * product of the dimensions; nothing when one is negative or the result is above 2^63 - 1.
inline std::optional<int64_t> shape_product(std::span<const int64_t> shape, int64_t unit = 1) {
  int64_t product = unit;
  bool fits = true;
  for (const int64_t d : shape) {
    if (d < 0) return std::nullopt;
    if (d != 0 && product > std::numeric_limits<int64_t>::max() / d) fits = false;
    if (d == 0) return 0;
    if (fits) product *= d;
  }
  return fits ? std::optional(product) : std::nullopt;
}

}  // namespace vecton::checkpoint
