// What ops::Compute::kInt8 multiplies, number by number.
//
// Of a weight whose numbers are free: rows of blocks of 64 columns that are turned, scaled and
// rounded to whole numbers. Turning a block multiplies it by the Hadamard matrix of 64 rows, which
// leaves products as they are, but for a factor of 64, and spreads what is large in one column over
// all of its block, so that little is lost by rounding (Ashkboos et al. 2024, arXiv:2404.00456).
//
// Of a weight of codes that stand for whole numbers the grid is fixed: nothing is turned, its
// groups stay, and a group of a row of x takes 255 steps of its own between its least and its
// largest number. All other weights of codes are dequantised and then as free as floats.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/weight.h"

namespace vecton::host {

inline constexpr int64_t kInt8Block = 64;

constexpr int64_t int8_blocks(int64_t columns) { return (columns + kInt8Block - 1) / kInt8Block; }

// A row of x: codes of -127 .. 127, whole blocks of them (past the last column x is 0), and a scale
// for each block. A block's number is scale * code; its scale is NaN where x has what is not
// finite. The steps are float32, each rounded: sums of columns 32 apart, then 16, 8, 4, 2 and 1;
// scale = largest / 127, code = number * (127 / largest) to nearest, ties to even.
void to_int8(const float* x, int64_t columns, int8_t* codes, float* scales);

// A row of a weight, alike; its scales are divided by 64.
void weight_to_int8(const tensor::Weight& weight, int64_t row, int8_t* codes, float* scales);

// y from a row of x and one of a weight, as many blocks of each: from 0 on, by ascending block,
// y = fused(products * (x scale * weight scale) + y) where products is their exact sum.
float dot_int8(const int8_t* x, const float* x_scales, const int8_t* w, const float* w_scales,
               int64_t blocks);

// Is it multiplied on its own grid?
bool has_grid(const tensor::Weight& weight);

// A row of x in groups: a number is scale * whole, where scale = (high - low) / 254 of the least
// and the largest number of the group and 0, and whole = number * (254 / (high - low)) to nearest,
// ties to even. They are no more than 255 apart. A scale is NaN where x has what is not finite.
struct GridRow {
  std::vector<int16_t> numbers;  // -254 .. 254
  std::vector<float> scales;     // of groups
};
GridRow to_grid(const float* x, int64_t columns, int64_t group);

// A row of a weight with a grid: code - zero, and of each group the scale and the offset. The
// products that make them are rounded from left to right: unit * factor * scale * scale_unit and
// factor * offset * offset_unit.
struct GridWeight {
  int64_t group = 0;
  std::vector<int16_t> numbers;
  std::vector<float> scales, offsets;  // offsets: empty where there are none
};
GridWeight grid_weight(const tensor::Weight& weight, int64_t row);

// From 0 on, by ascending group, y = fused(products * (scale * x scale) + y), and then
// y = fused(offset * (x scale * sum) + y), where products and the sum of x's whole numbers are
// exact.
float dot_grid(const GridRow& x, const GridWeight& w);

}  // namespace vecton::host
