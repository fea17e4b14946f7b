// Groups of columns in an order of their own (act-order): GPTQ begins with the columns that matter
// most, and g_idx says which group each one is in. Such a matrix has no form of codes in blocks, as
// Weight has them: it becomes the float32 numbers that the codes stand for. Called by the readers
// of GPTQ and compressed-tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "checkpoint/quantised/parts.h"

namespace vecton::checkpoint {

// What is noted of a checkpoint whose settings speak of such an order.
inline constexpr std::string_view kGroupOrderNote =
    "layers whose columns are grouped in another order than they stand in (g_idx) are kept as "
    "float32";

// Takes the tensor `ending`, the group of each of `columns` columns, where it is there. Empty where
// they stand in sequence: there is none, or it says so or, as compressed-tensors has it, -1.
std::vector<int32_t> take_group_order(Parts& parts, std::string_view ending, int64_t columns,
                                      int64_t group);

// Codes [rows, columns], one stream of bits per row, the low bits of a byte first.
struct OrderedCodes {
  std::span<const std::byte> codes;
  int64_t row_bytes = 0;
  int bits = 0;
  std::span<const float> scales;   // [rows, groups]
  std::span<const uint8_t> zeros;  // likewise
  std::span<const int32_t> order;  // [columns]
};

// w[i, j] = scale[i, g] * (code[i, j] - zero[i, g]), g the group of column j.
Parts::Made weight_of(const OrderedCodes& ordered);

}  // namespace vecton::checkpoint
