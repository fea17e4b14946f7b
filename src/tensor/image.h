// Image: a picture as a vision tower reads it: the patches of a grid, a row each. Data without
// maths.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/large_memory.h"
#include "tensor/tensor.h"

namespace vecton::tensor {

struct Image {
  // [rows * columns, values]: in the order, and with the values in each, of the family's processor.
  std::vector<float, base::LargeMemory<float>> patches;
  int64_t rows = 0, columns = 0;     // of the grid
  std::array<uint64_t, 2> digest{};  // of the grid and the patches: equal images have equal ones

  int64_t count() const { return rows * columns; }
};

// Rows of a batch that are not of their ids: row to[i] reads row from[i] of `features`, which
// Model::encode_images() made.
struct ImageRows {
  Tensor features;
  std::vector<int32_t> from, to;
};

}  // namespace vecton::tensor
