// Operations on rows: norms, rotations, gathers, what is stored in a cache, pooling.
#include <cmath>
#include <utility>
#include <vector>

#include "backend/mlx/mlx_ops.h"

namespace vecton::backend {

using Turn = MlxDevice::Turn;

namespace {

mx::array rows_between(const mx::array& x, int begin, int end) {
  return mx::slice(x, {begin, 0}, {end, x.shape(1)});
}

mx::array row_of(const Tensor& vector) {
  return mx::reshape(array_of(vector), {to_int(vector.columns())});
}

}  // namespace

Tensor MlxOps::norm(Tensor x, const ops::NormWeight& w) {
  const Turn turn(*device_);
  const int group = to_int(w.weight.columns());
  const mx::array weight = row_of(w.weight);
  std::optional<mx::array> bias;
  if (!w.bias.empty()) bias = row_of(w.bias);
  const mx::array groups =
      mx::reshape(array_of(x), {to_int(x.rows() * x.columns() / group), group});
  mx::array y = groups;
  if (w.kind == ops::NormWeight::Kind::kLayerNorm) {
    y = mx::fast::layer_norm(groups, weight, bias, w.eps);
  } else {
    y = mx::fast::rms_norm(groups, weight, w.eps);
    if (bias) y = mx::add(y, *bias);
  }
  return tensor_of(mx::reshape(y, {to_int(x.rows()), to_int(x.columns())}));
}

// Not mx::fast::rope: rows have positions of their own, and tables that models scale.
Tensor MlxOps::rope(Tensor x, int64_t head_dim, const tensor::Indices& positions,
                    const ops::RopeTable& table) {
  const Turn turn(*device_);
  const int rows = to_int(x.rows()), heads = to_int(x.columns() / head_dim),
            half = to_int(table.rotary_dim() / 2), dim = to_int(head_dim);
  const auto of_positions = [&](const Tensor& all) {
    return mx::reshape(mx::take(array_of(all), array_of(positions), 0), {rows, 1, half});
  };
  const mx::array c = of_positions(table.cos), s = of_positions(table.sin),
                  y = mx::reshape(array_of(x), {rows, heads, dim});
  const auto columns = [&](int begin, int end) {
    return mx::slice(y, {0, 0, begin}, {rows, heads, end});
  };
  const mx::array a = columns(0, half), b = columns(half, 2 * half);
  std::vector<mx::array> parts = {mx::subtract(mx::multiply(a, c), mx::multiply(b, s)),
                                  mx::add(mx::multiply(b, c), mx::multiply(a, s))};
  if (2 * half < dim) parts.push_back(columns(2 * half, dim));
  return tensor_of(mx::reshape(mx::concatenate(std::move(parts), 2), {rows, heads * dim}));
}

Tensor MlxOps::short_conv(const Tensor& x, const Tensor& taps, const ops::Vector& bias,
                          const tensor::SequenceRows& rows) {
  const Turn turn(*device_);
  const int count = to_int(x.rows()), columns = to_int(x.columns()), width = to_int(taps.rows());
  const mx::array all = mx::concatenate({mx::zeros({1, columns}, mx::float32), array_of(x)}, 0);
  const mx::array weights = array_of(taps);
  const std::span<const int32_t> offsets = view(rows.offsets);
  mx::array y = bias.empty() ? mx::zeros({count, columns}, mx::float32)
                             : mx::broadcast_to(array_of(bias), {count, columns});
  for (int i = 0; i < width; ++i) {
    std::vector<int32_t> from;  // 0 = what lies before the sequence
    from.reserve(static_cast<size_t>(count));
    for (size_t s = 0; s + 1 < offsets.size(); ++s) {
      for (int32_t t = offsets[s]; t < offsets[s + 1]; ++t) {
        const int32_t row = t - width + 1 + i;
        from.push_back(row >= offsets[s] ? row + 1 : 0);
      }
    }
    y = mx::add(y, mx::multiply(rows_between(weights, i, i + 1),
                                mx::take(all, array_of(std::span<const int32_t>(from)), 0)));
  }
  return tensor_of(y);
}

Tensor MlxOps::gather_rows(const Tensor& x, const tensor::Indices& rows) {
  if (rows.empty()) return allocate(0, x.columns());
  const Turn turn(*device_);
  return tensor_of(mx::take(array_of(x), array_of(rows), 0));
}

void MlxOps::store_rows(const Tensor& x, const tensor::Indices& from, const Tensor& into,
                        const tensor::Indices& to) {
  if (from.empty() || x.columns() == 0) return;
  const Turn turn(*device_);
  MlxMemory& memory = memory_of(into);
  const int64_t stride = into.stride(), row = into.offset() / stride,
                column = into.offset() % stride;
  const int count = to_int(from.size());
  mx::array rows = array_of(to);
  if (row > 0) rows = mx::add(rows, mx::array(to_int(row)));
  const mx::array columns = mx::full({count}, to_int(column), mx::int32),
                  values = mx::reshape(mx::take(array_of(x), array_of(from), 0),
                                       {count, 1, to_int(x.columns())});
  memory.array = mx::scatter(*memory.array, {rows, columns},
                             mx::astype(values, memory.array->dtype()), {0, 1});
  if (memory.kept) device_->written(memory.shared_from_this());
}

Tensor MlxOps::round_to(Tensor x, tensor::DType dtype) {
  if (dtype != tensor::DType::kBF16) return Ops::round_to(std::move(x), dtype);
  const Turn turn(*device_);
  const mx::array all = array_of(x);
  const mx::array rounded = mx::astype(mx::astype(all, mx::bfloat16), mx::float32);
  return tensor_of(mx::where(mx::isnan(all), all, rounded));
}

Tensor MlxOps::gather_columns(const Tensor& x, const tensor::Indices& columns) {
  const Turn turn(*device_);
  return tensor_of(mx::take(array_of(x), array_of(columns), 1));
}

Tensor MlxOps::concat_columns(std::span<const Tensor> parts) {
  const Turn turn(*device_);
  std::vector<mx::array> arrays;
  for (const Tensor& part : parts) arrays.push_back(array_of(part));
  return tensor_of(mx::concatenate(std::move(arrays), 1));
}

Tensor MlxOps::pool(const Tensor& x, ops::Pooling how, const tensor::SequenceRows& rows) {
  const Turn turn(*device_);
  if (rows.sequences == 0) return allocate(0, x.columns());
  const mx::array all = array_of(x);
  const std::span<const int32_t> offsets = view(rows.offsets), positions = view(rows.index);
  const auto one = [&](size_t s) {
    const int32_t first = offsets[s], end = offsets[s + 1];
    const auto count = static_cast<float>(end - first);
    const mx::array own = rows_between(all, first, end);
    switch (how) {
      case ops::Pooling::kCls:
        return rows_between(all, first, first + 1);
      case ops::Pooling::kLast:
        return rows_between(all, end - 1, end);
      case ops::Pooling::kMax:
        return mx::max(own, 0, true);
      case ops::Pooling::kMean:
        return mx::divide(mx::sum(own, 0, true), mx::array(count));
      case ops::Pooling::kMeanSqrtLen:
        return mx::divide(mx::sum(own, 0, true), mx::array(std::sqrt(count)));
      case ops::Pooling::kWeightedMean:
        break;
    }
    std::vector<float> weights;
    float total = 0;
    for (int32_t i = first; i < end; ++i) {
      weights.push_back(static_cast<float>(positions[static_cast<size_t>(i)] + 1));
      total += weights.back();
    }
    const mx::array column = array_of(weights, end - first, 1);
    return mx::divide(mx::sum(mx::multiply(column, own), 0, true), mx::array(total));
  };
  std::vector<mx::array> pooled;
  for (size_t s = 0; s + 1 < offsets.size(); ++s) pooled.push_back(one(s));
  return tensor_of(mx::concatenate(std::move(pooled), 0));
}

Tensor MlxOps::l2_normalize(Tensor x) {
  const Turn turn(*device_);
  const mx::array y = array_of(x);
  const mx::array length = mx::sqrt(mx::sum(mx::multiply(y, y), 1, true));
  return tensor_of(mx::divide(y, mx::maximum(length, mx::array(1e-12f))));
}

Tensor MlxOps::max_sim(const Tensor& q, const Tensor& d, const tensor::Indices& offsets) {
  const std::span<const int32_t> bounds = view(offsets);
  if (bounds.size() < 2) return allocate(1, 0);
  const Turn turn(*device_);
  const mx::array products = mx::matmul(array_of(d), mx::transpose(array_of(q)));  // [rows, q]
  std::vector<mx::array> largest;
  for (size_t s = 0; s + 1 < bounds.size(); ++s)
    largest.push_back(mx::max(rows_between(products, bounds[s], bounds[s + 1]), 0, true));
  return tensor_of(mx::reshape(mx::sum(mx::concatenate(std::move(largest), 0), 1),
                               {1, to_int(offsets.size()) - 1}));
}

Tensor MlxOps::weighted_rows(const Tensor& parts, const Tensor& weights) {
  const Turn turn(*device_);
  const int rows = to_int(weights.rows()), k = to_int(weights.columns()),
            columns = to_int(parts.columns());
  const mx::array all = mx::reshape(array_of(parts), {rows, k, columns}), w = array_of(weights);
  const auto part = [&](int j) {
    return mx::multiply(
        mx::slice(w, {0, j}, {rows, j + 1}),
        mx::reshape(mx::slice(all, {0, j, 0}, {rows, j + 1, columns}), {rows, columns}));
  };
  mx::array y = part(0);
  for (int j = 1; j < k; ++j) y = mx::add(y, part(j));
  return tensor_of(y);
}

}  // namespace vecton::backend
