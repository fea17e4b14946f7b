// Picture: what a file shows, as red, green and blue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/large_memory.h"

namespace vecton::media {

struct Picture {
  int64_t width = 0, height = 0;
  std::vector<uint8_t, base::LargeMemory<uint8_t>> rgb;  // [height, width, 3]

  Picture() = default;
  // Black.
  Picture(int64_t w, int64_t h)
      : width(w), height(h), rgb(static_cast<size_t>(w) * static_cast<size_t>(h) * 3, uint8_t{0}) {}
  uint8_t* row(int64_t y) { return rgb.data() + static_cast<size_t>(y * width) * 3; }
  const uint8_t* row(int64_t y) const { return rgb.data() + static_cast<size_t>(y * width) * 3; }
};

}  // namespace vecton::media
