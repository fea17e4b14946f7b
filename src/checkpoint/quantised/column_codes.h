// Codes that a format keeps column by column ([in, out], several to an int32 word), as Weight has
// them: row by row. Called by the readers of AWQ and GPTQ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "checkpoint/quantised/parts.h"

namespace vecton::checkpoint {

// w[i, j] = scale[j / group] * (code - zero[j / group]) of every output row i.
struct ColumnCodes {
  int64_t in = 0, out = 0, group = 0;
  int bits = 0;
  std::vector<std::byte> codes;     // [out, in], bits each
  std::vector<uint8_t> zeros;       // [in / group, out]
  const StoredTensor* scales = {};  // [in / group, out]
};

// Scales of 16 bits and zeros of `bits` are kept as floats: by how much that is more for so many
// of each.
constexpr int64_t more_bytes_of_columns(int64_t numbers, int bits) {
  return numbers * 6 - numbers * bits / 8;
}

// One zero for all becomes the codes' zero point, others an offset per group.
Parts::Made weight_of(ColumnCodes columns);

}  // namespace vecton::checkpoint
