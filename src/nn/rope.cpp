#include "nn/rope.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace vecton::nn {

namespace {

// Adds the rows of `positions` positions.
void extend(RopeTable& table, int64_t positions, const std::vector<float>& frequencies,
            float amplitude) {
  for (int64_t p = 0; p < positions; ++p) {
    for (const float frequency : frequencies) {
      const float angle =
          static_cast<float>(p) * frequency;  // rounded to float32, as the reference does
      table.cos.push_back(static_cast<float>(std::cos(static_cast<double>(angle))) * amplitude);
      table.sin.push_back(static_cast<float>(std::sin(static_cast<double>(angle))) * amplitude);
    }
  }
  table.positions += positions;
}

}  // namespace

std::vector<int32_t> PositionTable::rows_of(const Rows& rows, const Rows& all) const {
  std::vector<int32_t> result = rows.index;
  if (long_after == 0) return result;
  for (size_t s = 0; s + 1 < all.offsets.size(); ++s) {
    const bool any = all.offsets[s] < all.offsets[s + 1];
    if (!any || all.index[static_cast<size_t>(all.offsets[s + 1] - 1)] < long_after) continue;
    for (int32_t r = rows.offsets[s]; r < rows.offsets[s + 1]; ++r)
      result[static_cast<size_t>(r)] += static_cast<int32_t>(long_after);
  }
  return result;
}

std::shared_ptr<const PositionTable> Rope::table(int64_t positions) const {
  const std::lock_guard lock(mutex_);
  if (table_ && positions_ >= positions) return table_;
  positions_ =
      static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(positions, 256))));
  const RopeFrequencies& f = frequencies_;
  auto table = std::make_shared<PositionTable>();
  table->rotary_dim = f.rotary_dim();
  table->long_after = f.long_after;
  if (f.long_after == 0) {
    extend(*table, positions_, f.of_position, f.amplitude);
  } else {
    extend(*table, f.long_after, f.of_position, f.amplitude);
    if (positions_ > f.long_after) extend(*table, positions_, f.of_position_long, f.amplitude);
  }
  return table_ = std::move(table);
}

}  // namespace vecton::nn
