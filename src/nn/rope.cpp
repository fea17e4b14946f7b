#include "nn/rope.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace vecton::nn {

namespace {

// cos and sin, position by position.
struct Angles {
  std::vector<float> cos, sin;

  void add(int64_t position, float frequency, float amplitude) {
    const float angle =
        static_cast<float>(position) * frequency;  // rounded to float32, as the reference does
    cos.push_back(static_cast<float>(std::cos(static_cast<double>(angle))) * amplitude);
    sin.push_back(static_cast<float>(std::sin(static_cast<double>(angle))) * amplitude);
  }
  void extend(int64_t positions, const std::vector<float>& frequencies, float amplitude) {
    for (int64_t p = 0; p < positions; ++p) {
      for (const float frequency : frequencies) add(p, frequency, amplitude);
    }
  }
};

}  // namespace

std::vector<int32_t> table_rows(const tensor::Rows& rows, const tensor::Batch& batch,
                                int64_t long_after) {
  std::vector<int32_t> result = rows.index;
  if (long_after == 0) return result;
  const tensor::Rows& all = batch.rows;
  for (size_t s = 0; s + 1 < all.offsets.size(); ++s) {
    if (all.offsets[s] == all.offsets[s + 1]) continue;
    const int32_t last = all.index[static_cast<size_t>(all.offsets[s + 1] - 1)];
    if ((batch.lengths.empty() ? last + 1 : batch.lengths[s]) <= long_after) continue;
    for (int32_t r = rows.offsets[s]; r < rows.offsets[s + 1]; ++r)
      result[static_cast<size_t>(r)] += static_cast<int32_t>(long_after);
  }
  return result;
}

Rotation Rope::by_axes(const ForwardPass& pass) const {
  const RopeFrequencies& f = frequencies_;
  const std::vector<int32_t>& positions = pass.batch.axis_positions;
  const int64_t rows = pass.batch.tokens();
  Angles angles;
  for (int64_t row = 0; row < rows; ++row) {
    for (size_t pair = 0; pair < f.axes.size(); ++pair)
      angles.add(positions[static_cast<size_t>(f.axes[pair] * rows + row)], f.of_position[pair],
                 f.amplitude);
  }
  const auto pairs = static_cast<int64_t>(f.of_position.size());
  std::vector<int32_t> own(static_cast<size_t>(rows));
  std::iota(own.begin(), own.end(), 0);
  return {.table = std::make_shared<const ops::RopeTable>(
              ops::RopeTable{.cos = pass.ops.upload(angles.cos, rows, pairs),
                             .sin = pass.ops.upload(angles.sin, rows, pairs)}),
          .all = pass.ops.upload_indices(std::move(own)),
          .wanted = pass.ops.upload_indices(tensor::wanted_positions(pass.batch))};
}

Rotation Rope::rotation(const ForwardPass& pass) const {
  if (!frequencies_.axes.empty() && !pass.batch.axis_positions.empty()) return by_axes(pass);
  // The first rows of a long sequence turn as the others will.
  int64_t longest = pass.rows.longest;
  for (const int32_t length : pass.batch.lengths) {
    if (length > long_after()) longest = std::max(longest, long_after() + 1);
  }
  Rotation made{
      .table = table(pass.ops, longest), .all = pass.rows.index, .wanted = pass.wanted().index};
  if (long_after() > 0) {
    const auto upload = [&](const tensor::Rows& rows) {
      return pass.ops.upload_indices(table_rows(rows, pass.batch, long_after()));
    };
    made.all = upload(pass.batch.rows);
    made.wanted = upload(pass.batch.wanted);
  }
  return made;
}

std::shared_ptr<const ops::RopeTable> Rope::table(Ops& ops, int64_t positions) const {
  const std::lock_guard lock(mutex_);
  if (table_ && positions_ >= positions) return table_;
  positions_ =
      static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(positions, 256))));
  const RopeFrequencies& f = frequencies_;
  Angles angles;
  const int64_t short_rows = f.long_after > 0 ? f.long_after : positions_,
                long_rows = positions_ > short_rows ? positions_ : 0;
  angles.extend(short_rows, f.of_position, f.amplitude);
  angles.extend(long_rows, f.of_position_long, f.amplitude_long);
  const auto pairs = static_cast<int64_t>(f.of_position.size());
  const int64_t rows = short_rows + long_rows;
  table_ = std::make_shared<const ops::RopeTable>(
      ops::RopeTable{.cos = ops.prepare_parameters(angles.cos, rows, pairs),
                     .sin = ops.prepare_parameters(angles.sin, rows, pairs)});
  return table_;
}

}  // namespace vecton::nn
