#include "checkpoint/quantised/group_order.h"

#include <algorithm>
#include <memory>
#include <string>

namespace vecton::checkpoint {

std::vector<int32_t> take_group_order(Parts& parts, std::string_view ending, int64_t columns,
                                      int64_t group) {
  if (!parts.has(ending)) return {};
  const int64_t shape[] = {columns}, groups = (columns - 1) / group + 1;
  const StoredTensor& stored = parts.take(ending, {tensor::DType::kI32}, shape);
  std::vector<int32_t> order(static_cast<size_t>(columns));
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = static_cast<int32_t>(word_at(stored, static_cast<int64_t>(i)));
  if (std::ranges::all_of(order, [](int32_t own) { return own == -1; })) return {};
  bool in_sequence = true;
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i] < 0 || order[i] >= groups) {
      fail(stored, "column " + std::to_string(i) + " is in group " + std::to_string(order[i]) +
                       ": expected 0 to " + std::to_string(groups - 1));
    }
    in_sequence = in_sequence && order[i] == static_cast<int64_t>(i) / group;
  }
  return in_sequence ? std::vector<int32_t>() : order;
}

Parts::Made weight_of(const OrderedCodes& ordered) {
  const size_t columns = ordered.order.size(), row_bytes = static_cast<size_t>(ordered.row_bytes),
               rows = ordered.codes.size() / row_bytes, groups = ordered.scales.size() / rows,
               bits = static_cast<size_t>(ordered.bits);
  const auto mask = static_cast<uint32_t>((1 << bits) - 1);
  const auto values = std::make_shared<std::vector<float>>();
  values->reserve(rows * columns);
  for (size_t row = 0; row < rows; ++row) {
    const std::span<const std::byte> codes = ordered.codes.subspan(row * row_bytes, row_bytes);
    for (size_t column = 0; column < columns; ++column) {
      const size_t bit = column * bits, byte = bit / 8;
      auto two = static_cast<uint32_t>(codes[byte]);
      if (byte + 1 < row_bytes) two |= static_cast<uint32_t>(codes[byte + 1]) << 8;
      const auto code = static_cast<int32_t>(two >> bit % 8 & mask);
      const size_t block = row * groups + static_cast<size_t>(ordered.order[column]);
      values->push_back(ordered.scales[block] * static_cast<float>(code - ordered.zeros[block]));
    }
  }
  Parts::Made made;
  made.weight.codes.bytes = std::as_bytes(std::span(*values));
  made.copy = values;
  return made;
}

}  // namespace vecton::checkpoint
