// Gated delta rules.
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "backend/mlx/mlx_ops.h"

namespace vecton::backend {

using Turn = MlxDevice::Turn;

namespace {

// [rows, heads * dim] as unit vectors times `factor`, [rows, heads, dim].
mx::array unit_heads(const Tensor& x, int64_t heads, double factor) {
  const mx::array y =
      mx::reshape(array_of(x), {to_int(x.rows()), to_int(heads), to_int(x.columns() / heads)});
  const mx::array length =
      mx::sqrt(mx::add(mx::sum(mx::multiply(y, y), 2, true), mx::array(1e-6f)));
  return mx::multiply(y, mx::divide(mx::array(static_cast<float>(factor)), length));
}

mx::array list(const std::vector<int32_t>& values) {
  return array_of(std::span<const int32_t>(values));
}

}  // namespace

// Sequences of one length are computed together.
Ops::Delta MlxOps::gated_delta(const ops::DeltaInput& in, const ops::DeltaShape& shape,
                               const tensor::SequenceRows& rows, const Tensor& before) {
  const int heads = to_int(shape.value_heads), key_dim = to_int(shape.key_dim),
            value_dim = to_int(shape.value_dim), size = heads * key_dim * value_dim,
            sequences = to_int(rows.sequences);
  const Turn turn(*device_);
  const mx::array states =
      before.empty() ? mx::zeros({sequences, size}, mx::float32) : array_of(before);
  if (in.v.rows() == 0) return {.y = allocate(0, in.v.columns()), .state = tensor_of(states)};
  mx::array q = unit_heads(in.q, shape.key_heads, 1 / std::sqrt(static_cast<double>(key_dim))),
            k = unit_heads(in.k, shape.key_heads, 1);
  if (shape.in_turn) {  // MLX has the value heads of one key head side by side
    std::vector<int32_t> own;
    for (int64_t h = 0; h < heads; ++h) own.push_back(static_cast<int32_t>(shape.key_head(h)));
    q = mx::take(q, list(own), 1);
    k = mx::take(k, list(own), 1);
  }
  const mx::array v = mx::reshape(array_of(in.v), {to_int(in.v.rows()), heads, value_dim}),
                  decay = exp_of(mx::multiply(array_of(in.rate), array_of(in.step))),
                  beta = array_of(in.beta);

  std::map<int32_t, std::vector<int32_t>> by_length;
  const std::span<const int32_t> offsets = view(rows.offsets);
  for (size_t s = 0; s + 1 < offsets.size(); ++s)
    by_length[offsets[s + 1] - offsets[s]].push_back(static_cast<int32_t>(s));
  std::vector<int32_t> row_at(static_cast<size_t>(in.v.rows())), state_at(offsets.size() - 1);
  int32_t next_row = 0, next_state = 0;
  std::vector<mx::array> ys, ends;
  for (const auto& [length, some] : by_length) {
    std::vector<int32_t> from;
    for (const int32_t s : some) {
      state_at[static_cast<size_t>(s)] = next_state++;
      for (int32_t i = 0; i < length; ++i) {
        const int32_t row = offsets[static_cast<size_t>(s)] + i;
        from.push_back(row);
        row_at[static_cast<size_t>(row)] = next_row++;
      }
    }
    const mx::array own = mx::take(states, list(some), 0);
    if (length == 0) {
      ends.push_back(own);
      continue;
    }
    const int count = static_cast<int>(some.size());
    const mx::array taken = list(from);
    const auto of_rows = [&](const mx::array& x) {
      mx::Shape shape_of = x.shape();
      shape_of[0] = length;
      shape_of.insert(shape_of.begin(), count);
      return mx::reshape(mx::take(x, taken, 0), shape_of);
    };
    const std::vector<mx::array> done = mx::fast::gated_delta_update(
        of_rows(q), of_rows(k), of_rows(v), of_rows(decay), of_rows(beta),
        mx::swapaxes(mx::reshape(own, {count, heads, key_dim, value_dim}), 2, 3));
    ys.push_back(mx::reshape(done[0], {count * length, heads * value_dim}));
    ends.push_back(mx::reshape(mx::swapaxes(done[1], 2, 3), {count, size}));
  }
  const auto ordered = [](std::vector<mx::array> parts, const std::vector<int32_t>& at) {
    if (parts.size() == 1) return parts.front();
    return mx::take(mx::concatenate(std::move(parts), 0), list(at), 0);
  };
  return {.y = tensor_of(ordered(std::move(ys), row_at)),
          .state = tensor_of(ordered(std::move(ends), state_at))};
}

}  // namespace vecton::backend
