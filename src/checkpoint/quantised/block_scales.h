// Floats that scale blocks of codes: of a row, of rows by columns, of the whole matrix. Called by
// the readers of FP8, compressed-tensors and ModelOpt.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "checkpoint/quantised/parts.h"

namespace vecton::checkpoint {

struct BlockShape {
  int64_t rows = 1, columns = 0;  // 0 = as many as the matrix has
};

// Takes the tensor `ending`, a scale per block of a matrix of this shape, and gives the blocks
// their sizes in it. The tensor has [blocks of rows, blocks of columns]; sizes of 1 at its end may
// be left out, and one may stand between.
BlockShape take_scales(Parts& parts, std::string_view ending, std::span<const int64_t> shape,
                       BlockShape blocks);

// Puts X.weight of E4M3 and its scales together.
void gather_fp8(Parts& parts, std::string_view scales, BlockShape blocks, std::string format);

}  // namespace vecton::checkpoint
