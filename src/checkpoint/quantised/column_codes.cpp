#include "checkpoint/quantised/column_codes.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace vecton::checkpoint {

uint32_t word_at(const StoredTensor& tensor, int64_t place) {
  uint32_t word;
  std::memcpy(&word, tensor.bytes.data() + place * 4, sizeof word);
  return word;
}

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
  const uint8_t zero = columns.zeros.front();
  const bool same =
      std::ranges::all_of(columns.zeros, [&](uint8_t other) { return other == zero; });
  if (same) {
    weight.codes.zero_point = zero;
  } else {
    const auto groups = static_cast<size_t>(columns.in / columns.group),
               out = static_cast<size_t>(columns.out);
    copy->offsets.resize(groups * out);
    for (size_t row = 0; row < out; ++row) {
      for (size_t g = 0; g < groups; ++g) {
        copy->offsets[row * groups + g] =
            -copy->scales[row * groups + g] * static_cast<float>(columns.zeros[g * out + row]);
      }
    }
    weight.offset.block_columns = columns.group;
    weight.offset.bytes = std::as_bytes(std::span(copy->offsets));
  }
  made.copy = copy;
  return made;
}

}  // namespace vecton::checkpoint
