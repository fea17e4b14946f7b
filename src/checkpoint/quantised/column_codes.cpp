#include "checkpoint/quantised/column_codes.h"

#include <utility>

#include "checkpoint/quantised/zero_points.h"

namespace vecton::checkpoint {

Parts::Made weight_of(ColumnCodes columns) {
  struct Copy {
    std::vector<std::byte> codes;
    std::vector<float> scales, offsets;
  };
  const auto copy = std::make_shared<Copy>();
  copy->codes = std::move(columns.codes);
  copy->scales = transposed_floats(*columns.scales);

  Parts::Made made;
  tensor::Weight& weight = made.weight;
  weight.codes.kind = tensor::Codes::Kind::kUint;
  weight.codes.bits = columns.bits;
  weight.codes.bytes = copy->codes;
  weight.scale.block_columns = columns.group;
  weight.scale.bytes = std::as_bytes(std::span(copy->scales));
  const auto groups = static_cast<size_t>(columns.in / columns.group),
             out = static_cast<size_t>(columns.out);
  std::vector<uint8_t> zeros(columns.zeros.size());  // row by row
  for (size_t row = 0; row < out; ++row) {
    for (size_t g = 0; g < groups; ++g) zeros[row * groups + g] = columns.zeros[g * out + row];
  }
  copy->offsets = set_zeros(weight, copy->scales, zeros);
  made.copy = copy;
  return made;
}

}  // namespace vecton::checkpoint
