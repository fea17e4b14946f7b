#include "backend/host/whole_codes.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "backend/host/dequantise.h"
#include "vecton/error.h"

namespace vecton::host {

std::optional<WholeCodes> whole_codes(const tensor::Codes& codes) {
  if (codes.kind == tensor::Codes::Kind::kUint) return WholeCodes{.zero = codes.zero_point};
  if (codes.stored_bits() != 4) return std::nullopt;
  const std::array<float, 256> values = code_values(codes);
  for (float unit = 1; unit >= 0x1p-8f; unit /= 2) {
    float low = 0, high = 0;
    bool whole = true;
    for (size_t i = 0; i < 16; ++i) {
      const float value = values[i] / unit;
      whole &= std::isfinite(value) && value == std::nearbyint(value);
      low = std::min(low, value);
      high = std::max(high, value);
    }
    if (!whole) continue;
    if (!(high - low <= 255)) return std::nullopt;
    WholeCodes made{.zero = static_cast<int>(-low), .unit = unit, .lookup = true};
    for (size_t i = 0; i < 16; ++i)
      made.bytes[i] = static_cast<uint8_t>(static_cast<int>(values[i] / unit) + made.zero);
    return made;
  }
  return std::nullopt;
}

int64_t columns_of_group(const tensor::Weight& weight) {
  constexpr int64_t kStep = 16, kMost = 128;
  int64_t group = 0;
  for (const tensor::BlockNumbers* numbers :
       {&weight.scale, &weight.offset, &weight.scale_unit, &weight.offset_unit}) {
    if (numbers->exists() && numbers->block_columns < weight.columns)
      group = std::gcd(group, numbers->block_columns);
  }
  if (group == 0) group = kMost;
  if (group % kStep != 0) {
    throw Error(ErrorCode::kUnsupported, weight.name + ": scales for blocks of " +
                                             std::to_string(group) +
                                             " columns; multiples of 16 are served");
  }
  if (group > kMost) group = std::gcd(group, kMost);
  const int64_t columns = std::max<int64_t>(weight.columns, 1);
  return std::min(group, (columns + kStep - 1) / kStep * kStep);
}

}  // namespace vecton::host
