// What operations mean in terms of the others. Where no composition is natural the rows are taken
// to the host: right everywhere, slow where the host is far.
#include "ops/ops.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "ops/activation.h"
#include "ops/host_rows.h"
#include "tensor/narrow.h"
#include "vecton/error.h"

namespace vecton::ops {

namespace {

// A copy of a tensor on the host.
struct HostRows {
  int64_t columns;
  std::vector<float> values;

  HostRows(Ops& ops, const Tensor& x)
      : columns(x.columns()), values(static_cast<size_t>(x.rows() * x.columns())) {
    ops.download(x, values);
  }
  std::span<float> row(int64_t i) {
    return std::span(values).subspan(static_cast<size_t>(i * columns),
                                     static_cast<size_t>(columns));
  }
};

template <class F>
Tensor change_rows(Ops& ops, const Tensor& x, const F& change) {
  HostRows rows(ops, x);
  for (int64_t i = 0; i < x.rows(); ++i) change(rows.row(i));
  return ops.upload(rows.values, x.rows(), x.columns());
}

// 0, 1, 2, ...
std::vector<int32_t> counted(int64_t n) {
  std::vector<int32_t> all(static_cast<size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// Of two vectors, number by number.
struct NearnessSums {
  double product = 0, of_query = 0, of_other = 0, squares = 0, differences = 0;

  void add(double a, double b) {
    product += a * b;
    of_query += a * a;
    of_other += b * b;
    squares += (a - b) * (a - b);
    differences += std::abs(a - b);
  }
  double result(Nearness how) const {
    switch (how) {
      case Nearness::kDot:
        return product;
      case Nearness::kCosine: {
        const double lengths = std::sqrt(of_query) * std::sqrt(of_other);
        return lengths == 0 ? 0 : product / lengths;
      }
      case Nearness::kEuclidean:
        return -std::sqrt(squares);
      case Nearness::kManhattan:
        return -differences;
    }
    return 0;
  }
};

// Sparse rows on the host.
struct HostSparseRows {
  HostRows values;
  std::vector<int32_t> columns, offsets;

  HostSparseRows(Ops& ops, const SparseRows& x)
      : values(ops, x.values),
        columns(ops.download_indices(x.columns)),
        offsets(ops.download_indices(x.offsets)) {}
  size_t begin(size_t row) const { return static_cast<size_t>(offsets[row]); }
};

NearnessSums sums_of(const HostSparseRows& query, const HostSparseRows& other, size_t row) {
  NearnessSums sums;
  size_t i = query.begin(0), j = other.begin(row);
  const size_t i_end = query.begin(1), j_end = other.begin(row + 1);
  while (i < i_end || j < j_end) {
    const bool of_query = j == j_end || (i < i_end && query.columns[i] <= other.columns[j]);
    const bool of_other = i == i_end || (j < j_end && other.columns[j] <= query.columns[i]);
    const double a = of_query ? query.values.values[i++] : 0;
    sums.add(a, of_other ? other.values.values[j++] : 0);
  }
  return sums;
}

// The larger; NaN stays.
double larger(double a, double b) { return !(b <= a) && !std::isnan(a) ? b : a; }

// Column `column` of the rows first .. end.
double pool_column(HostRows& x, int64_t column, int32_t first, int32_t end, Pooling how,
                   std::span<const int32_t> positions) {
  const auto c = static_cast<size_t>(column);
  double sum = 0, weights = 0, largest = x.row(first)[c];
  for (int32_t i = first; i < end; ++i) {
    const double value = x.row(i)[c],
                 weight = how == Pooling::kWeightedMean ? positions[i] + 1.0 : 1.0;
    sum += weight * value;
    weights += weight;
    largest = larger(largest, value);
  }
  switch (how) {
    case Pooling::kCls:
      return x.row(first)[c];
    case Pooling::kLast:
      return x.row(end - 1)[c];
    case Pooling::kMax:
      return largest;
    case Pooling::kMean:
    case Pooling::kWeightedMean:
      return sum / weights;
    case Pooling::kMeanSqrtLen:
      return sum / std::sqrt(weights);
  }
  return 0;
}

struct GateAndUp final : Prepared {
  PreparedWeight gate, up;
};

}  // namespace

Tensor Ops::allocate_cache(int64_t rows, int64_t columns, tensor::DType dtype) {
  if (dtype == tensor::DType::kF32) return allocate_kept(rows, columns);
  throw Error(ErrorCode::kUnsupported,
              "kv_cache_dtype: the backend " + std::string(name()) + " keeps caches in float32",
              "kv_cache_dtype");
}

Tensor Ops::round_to(Tensor x, tensor::DType dtype) {
  if (dtype == tensor::DType::kF32) return x;
  return change_rows(*this, x, [&](std::span<float> row) {
    for (float& value : row) value = tensor::rounded(value, dtype);
  });
}

std::vector<std::vector<float>> Ops::download_all(std::span<const Tensor> xs) {
  std::vector<std::vector<float>> all;
  for (const Tensor& x : xs) {
    all.emplace_back(static_cast<size_t>(x.rows() * x.columns()));
    download(x, all.back());
  }
  return all;
}

tensor::SequenceRows Ops::upload_rows(tensor::Rows rows) {
  tensor::SequenceRows made{
      .sequences = rows.sequences(), .count = rows.count(), .longest = rows.longest()};
  made.offsets = upload_indices(std::move(rows.offsets));
  made.index = upload_indices(std::move(rows.index));
  return made;
}

PreparedWeight Ops::prepare_gated(const tensor::Weight& gate, const tensor::Weight& up,
                                  Compute compute) {
  auto made = std::make_shared<GateAndUp>();
  made->gate = prepare_linear({&gate, 1}, compute);
  made->up = prepare_linear({&up, 1}, compute);
  made->n = made->gate->n;
  made->k = made->gate->k;
  made->bytes = made->gate->bytes + made->up->bytes;
  return made;
}

Tensor Ops::prepare_parameters(std::span<const float> values, int64_t rows, int64_t columns) {
  return upload(values, rows, columns);
}

Tensor Ops::gated_linear(const Tensor& x, const GatedWeight& gate_up, Activation act) {
  const auto& both = static_cast<const GateAndUp&>(*gate_up.w);
  LinearWeight gate{.w = both.gate, .bias = {}}, up{.w = both.up, .bias = {}};
  if (!gate_up.bias.empty()) {
    gate.bias = gate_up.bias.slice_columns(0, both.n);
    up.bias = gate_up.bias.slice_columns(both.n, both.n);
  }
  return multiply(linear(x, gate, act), linear(x, up));
}

Tensor Ops::scale(Tensor x, float factor) {
  const std::vector<float> factors(static_cast<size_t>(x.rows() * x.columns()), factor);
  const Tensor times = upload(factors, x.rows(), x.columns());
  return multiply(std::move(x), times);
}

void Ops::store_all(const Tensor& x, const Tensor& into, const tensor::Indices& to) {
  store_rows(x, upload_indices(counted(x.rows())), into, to);
}

void Ops::store_all(const Tensor& x, const Tensor& into) {
  const tensor::Indices rows = upload_indices(counted(x.rows()));
  store_rows(x, rows, into, rows);
}

Tensor Ops::gather_columns(const Tensor& x, const tensor::Indices& columns) {
  const std::vector<int32_t> from = download_indices(columns);
  HostRows rows(*this, x);
  std::vector<float> values;
  values.reserve(static_cast<size_t>(x.rows()) * from.size());
  for (int64_t i = 0; i < x.rows(); ++i) {
    for (const int32_t column : from) values.push_back(rows.row(i)[static_cast<size_t>(column)]);
  }
  return upload(values, x.rows(), columns.size());
}

Tensor Ops::concat_columns(std::span<const Tensor> parts) {
  int64_t columns = 0;
  for (const Tensor& part : parts) columns += part.columns();
  const Tensor y = allocate(parts.front().rows(), columns);
  int64_t at = 0;
  for (const Tensor& part : parts) {
    store_all(part, y.slice_columns(at, part.columns()));
    at += part.columns();
  }
  return y;
}

Tensor Ops::pool(const Tensor& x, Pooling how, const tensor::SequenceRows& rows) {
  const std::vector<int32_t> offsets = download_indices(rows.offsets),
                             positions = download_indices(rows.index);
  HostRows host(*this, x);
  std::vector<float> values;
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    for (int64_t j = 0; j < x.columns(); ++j) {
      values.push_back(
          static_cast<float>(pool_column(host, j, offsets[s], offsets[s + 1], how, positions)));
    }
  }
  return upload(values, rows.sequences, x.columns());
}

Tensor Ops::l2_normalize(Tensor x) {
  return change_rows(*this, x, [](std::span<float> row) {
    const double length = std::max(std::sqrt(dot(row, row)), 1e-12);
    for (float& value : row) value = static_cast<float>(value / length);
  });
}

Tensor Ops::max_sim(const Tensor& q, const Tensor& d, const tensor::Indices& offsets) {
  const std::vector<int32_t> bounds = download_indices(offsets);
  HostRows query(*this, q), document(*this, d);
  std::vector<float> values;
  for (size_t s = 0; s + 1 < bounds.size(); ++s) {
    double sum = 0;
    for (int64_t i = 0; i < q.rows(); ++i) {
      double largest = -std::numeric_limits<double>::infinity();
      for (int32_t j = bounds[s]; j < bounds[s + 1]; ++j)
        largest = larger(largest, dot(query.row(i), document.row(j)));
      sum += largest;
    }
    values.push_back(static_cast<float>(sum));
  }
  return upload(values, 1, static_cast<int64_t>(values.size()));
}

Tensor Ops::nearness(const Tensor& q, const Tensor& d, Nearness how) {
  HostRows query(*this, q), others(*this, d);
  std::vector<float> values;
  for (int64_t i = 0; i < d.rows(); ++i) {
    NearnessSums sums;
    const std::span<const float> a = query.row(0), b = others.row(i);
    for (size_t j = 0; j < a.size(); ++j) sums.add(a[j], b[j]);
    values.push_back(static_cast<float>(sums.result(how)));
  }
  return upload(values, 1, d.rows());
}

Tensor Ops::nearness(const SparseRows& q, const SparseRows& d, Nearness how) {
  const HostSparseRows query(*this, q), others(*this, d);
  std::vector<float> values;
  for (size_t i = 0; i + 1 < others.offsets.size(); ++i)
    values.push_back(static_cast<float>(sums_of(query, others, i).result(how)));
  return upload(values, 1, static_cast<int64_t>(values.size()));
}

Tensor Ops::weighted_mean(const Tensor& x, std::span<const double> weights, bool normalize) {
  HostRows rows(*this, x);
  std::vector<double> mean(static_cast<size_t>(x.columns()));
  double total = 0, length = 0;
  for (int64_t i = 0; i < x.rows(); ++i) {
    const double weight = weights[static_cast<size_t>(i)];
    for (size_t j = 0; j < mean.size(); ++j) mean[j] += weight * rows.row(i)[j];
    total += weight;
  }
  for (double& value : mean) {
    value /= total;
    length += value * value;
  }
  const double divisor = normalize ? std::max(std::sqrt(length), 1e-12) : 1;
  std::vector<float> values;
  for (const double value : mean) values.push_back(static_cast<float>(value / divisor));
  return upload(values, 1, x.columns());
}

Tensor Ops::standardize(Tensor x, double mean, double sigma) {
  return change_rows(*this, x, [=](std::span<float> row) {
    for (float& value : row) value = static_cast<float>((value - mean) / sigma);
  });
}

Tensor Ops::log_softmax(Tensor x) { return change_rows(*this, x, log_softmax_row); }

Tensor Ops::activate_exactly(Tensor x, Activation act) {
  return change_rows(*this, x, [act](std::span<float> row) {
    for (float& value : row) value = static_cast<float>(activation_value(act, value));
  });
}

Tensor Ops::softmax(Tensor x) { return change_rows(*this, x, softmax_row); }

Tensor Ops::sigmoid(Tensor x) { return change_rows(*this, x, sigmoid_row); }

Tensor Ops::softcap(Tensor x, float cap) {
  if (cap == 0) return x;
  return change_rows(*this, x, [cap](std::span<float> row) { softcap_row(row, cap); });
}

Ops::TopK Ops::top_k(const Tensor& x, int64_t k) {
  HostRows rows(*this, x);
  std::vector<int32_t> order = counted(x.columns());
  std::vector<float> values, columns;
  for (int64_t i = 0; i < x.rows(); ++i) {
    const std::span<const float> row = rows.row(i);
    const auto at = [&](int32_t j) { return row[static_cast<size_t>(j)]; };
    std::partial_sort(order.begin(), order.begin() + k, order.end(),
                      [&](int32_t a, int32_t b) { return at(a) != at(b) ? at(a) > at(b) : a < b; });
    for (int64_t j = 0; j < k; ++j) {
      const int32_t best = order[static_cast<size_t>(j)];
      values.push_back(at(best));
      columns.push_back(static_cast<float>(best));
    }
  }
  return {upload(values, x.rows(), k), upload(columns, x.rows(), k)};
}

}  // namespace vecton::ops
