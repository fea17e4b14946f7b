#include "backend/ref/ref_ops.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <optional>
#include <variant>
#include <vector>

#include "backend/host/dequantise.h"
#include "backend/host/host_memory.h"
#include "backend/host/int8.h"
#include "ops/activation.h"
#include "tensor/narrow.h"

namespace vecton::backend {

namespace {

using host::data;
using host::row;
using host::view;

double dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// Matrices one after another, as they are multiplied: one for a linear layer or table, gate and up
// for a gated one.
struct RefPrepared : ops::Prepared {
  struct Turned {
    std::vector<int8_t> codes;
    std::vector<float> scales;
  };
  // Widened to float32, and rounded where `compute` says so; or of kInt8.
  using Row = std::variant<std::vector<float>, Turned, host::GridWeight>;

  // A row of x, in every form that a row of the weight asks for.
  struct Input {
    std::vector<float> values;
    std::optional<Turned> turned;
    std::map<int64_t, host::GridRow> grids;  // by group
  };

  ops::Compute compute = ops::Compute::kFloat32;
  std::vector<Row> rows;

  void append(const tensor::Weight& weight) {
    ops::check_compute(compute, {&weight, 1});
    host::check_weight(weight);
    for (int64_t i = 0; i < weight.rows; ++i) rows.push_back(row_of(weight, i));
    weight.release();
  }

  const std::vector<float>& at(int64_t i) const {
    return std::get<std::vector<float>>(rows[static_cast<size_t>(i)]);
  }

  Input input_of(const float* x) const {
    Input made{.values = {x, x + k}, .turned = {}, .grids = {}};
    for (float& number : made.values) number = tensor::rounded(number, ops::rounds_to(compute));
    return made;
  }

  double product(Input& x, int64_t i) const {
    const Row& row = rows[static_cast<size_t>(i)];
    if (const auto* values = std::get_if<std::vector<float>>(&row))
      return dot(x.values.data(), values->data(), k);
    if (const auto* turned = std::get_if<Turned>(&row)) {
      if (!x.turned) {
        x.turned = turned_row();
        host::to_int8(x.values.data(), k, x.turned->codes.data(), x.turned->scales.data());
      }
      return host::dot_int8(x.turned->codes.data(), x.turned->scales.data(), turned->codes.data(),
                            turned->scales.data(), host::int8_blocks(k));
    }
    const auto& grid = std::get<host::GridWeight>(row);
    auto place = x.grids.find(grid.group);
    if (place == x.grids.end())
      place = x.grids.emplace(grid.group, host::to_grid(x.values.data(), k, grid.group)).first;
    return host::dot_grid(place->second, grid);
  }

 private:
  Turned turned_row() const {
    const auto blocks = static_cast<size_t>(host::int8_blocks(k));
    return {std::vector<int8_t>(blocks * host::kInt8Block), std::vector<float>(blocks)};
  }

  Row row_of(const tensor::Weight& weight, int64_t i) {
    if (compute == ops::Compute::kInt8 && host::has_grid(weight)) {
      host::GridWeight made = host::grid_weight(weight, i);
      bytes += static_cast<int64_t>(made.numbers.size());
      return made;
    }
    if (compute == ops::Compute::kInt8) {
      Turned made = turned_row();
      host::weight_to_int8(weight, i, made.codes.data(), made.scales.data());
      bytes += static_cast<int64_t>(made.codes.size() + made.scales.size() * sizeof(float));
      return made;
    }
    std::vector<float> made(static_cast<size_t>(k));
    host::rounded_row(weight, i, ops::rounds_to(compute), made.data());
    bytes += static_cast<int64_t>(made.size() * sizeof(float));
    return made;
  }
};

// NaN: who reads what nobody wrote is found out.
struct RefMemory final : host::FloatMemory {
  explicit RefMemory(int64_t count) : FloatMemory(values_of(count)) {}
  ~RefMemory() override { delete[] floats; }

  static float* values_of(int64_t count) {
    auto* values = new float[static_cast<size_t>(count)];
    std::fill_n(values, count, std::numeric_limits<float>::quiet_NaN());
    return values;
  }
};

const RefPrepared& matrix(const ops::Prepared& weight) {
  return static_cast<const RefPrepared&>(weight);
}

// The keys of one sequence in order of position: those of its pages, then its own.
struct Keys {
  const ops::KeyPages& before;
  const Tensor &k, &v;
  std::span<const int32_t> pages;
  int64_t first_page = 0, paged = 0, first_row = 0, own_rows = 0, count = 0;

  // Columns [column, column + n) of the row of key j.
  std::vector<float> at(const Tensor& paged_rows, const Tensor& own, int64_t j, int64_t column,
                        int64_t n) const {
    std::vector<float> values(static_cast<size_t>(n));
    if (j >= paged) {
      std::copy_n(row(own, first_row + j - paged) + column, n, values.data());
      return values;
    }
    const int64_t page = pages[first_page + j / before.page_rows];
    const std::byte* stored =
        host::stored_row(paged_rows, page * before.page_rows + j % before.page_rows);
    for (int64_t i = 0; i < n; ++i)
      values[static_cast<size_t>(i)] =
          tensor::stored_number(stored, paged_rows.dtype(), column + i);
    return values;
  }
  std::vector<float> key(int64_t j, int64_t column, int64_t n) const {
    return at(before.k, k, j, column, n);
  }
  std::vector<float> value(int64_t j, int64_t column, int64_t n) const {
    return at(before.v, v, j, column, n);
  }
};

double bias_of(const ops::AttentionBias& bias, int64_t head, int64_t query, int64_t key_row,
               int64_t distance) {
  if (bias.bucket.empty()) return 0;
  const int64_t b = view(bias.bucket)[std::clamp(distance, -bias.reach, bias.reach) + bias.reach];
  const int64_t column = head * bias.buckets + b;
  double sum = 0;
  if (!bias.by_head.empty()) sum += row(bias.by_head, head)[b];
  if (!bias.by_query.empty()) sum += row(bias.by_query, query)[column];
  if (!bias.by_key.empty()) sum += row(bias.by_key, key_row)[column];
  return sum;
}

// One head of query row `query`, at position `at`.
void attend(const Tensor& q, int64_t query, int64_t at, int64_t head, const Keys& keys,
            const ops::AttentionShape& shape, const ops::AttentionBias& bias, float* out) {
  const int64_t d = shape.head_dim, column = head / (shape.heads / shape.kv_heads) * d;
  const int64_t window = shape.window > 0 ? shape.window : std::numeric_limits<int64_t>::max() / 2;
  int64_t begin = std::max<int64_t>(0, at - window + 1);
  int64_t end = std::min(keys.count, shape.causal ? at + 1 : at + window);
  const bool blind = begin >= keys.count && keys.count > 0 && keys.own_rows > 0;
  if (blind) {
    begin = keys.paged;
    end = keys.paged + keys.own_rows;
  }
  std::vector<double> p;
  double largest = -std::numeric_limits<double>::infinity(), total = 0;
  for (int64_t j = begin; j < end; ++j) {
    double score = shape.scale * dot(row(q, query) + head * d, keys.key(j, column, d).data(), d);
    if (shape.softcap > 0) score = shape.softcap * std::tanh(score / shape.softcap);
    score += bias_of(bias, head, query, keys.first_row + j - keys.paged, at - j);
    if (blind) score = 0;  // the scores are all masked alike
    p.push_back(score);
    largest = std::max(largest, score);
  }
  if (!bias.sinks.empty() && !blind) {
    const double sink = data(bias.sinks)[head];
    largest = std::max(largest, sink);
    total = std::exp(sink - largest);
  }
  for (double& x : p) total += x = std::exp(x - largest);
  std::vector<double> sums(static_cast<size_t>(d));
  for (int64_t j = begin; j < end; ++j) {
    const std::vector<float> value = keys.value(j, column, d);
    for (int64_t i = 0; i < d; ++i)
      sums[static_cast<size_t>(i)] += p[j - begin] * value[static_cast<size_t>(i)];
  }
  for (int64_t i = 0; i < d; ++i)
    out[i] = static_cast<float>(end > begin ? sums[static_cast<size_t>(i)] / total : 0);
}

// One group of columns.
void normalize(const float* x, const ops::NormWeight& w, float* y) {
  const int64_t n = w.weight.columns();
  double mean = 0, square = 0;
  if (w.kind == ops::NormWeight::Kind::kLayerNorm) {
    for (int64_t i = 0; i < n; ++i) mean += x[i];
    mean /= static_cast<double>(n);
  }
  for (int64_t i = 0; i < n; ++i) square += (x[i] - mean) * (x[i] - mean);
  const double scale = 1 / std::sqrt(square / static_cast<double>(n) + w.eps);
  for (int64_t i = 0; i < n; ++i) {
    const double bias = w.bias.empty() ? 0.0f : data(w.bias)[i];
    y[i] = static_cast<float>((x[i] - mean) * scale * data(w.weight)[i] + bias);
  }
}

// What every backend must have.
class IrreducibleOps : public Ops {
 public:
  std::string_view name() const override { return "irreducible"; }
  std::string_view isa() const override { return "scalar"; }
  std::unique_ptr<Ops> fork() const override { return std::make_unique<IrreducibleOps>(); }

  Tensor allocate(int64_t rows, int64_t columns) override {
    return {std::make_shared<RefMemory>(rows * columns), rows, columns, columns};
  }

  Tensor allocate_cache(int64_t rows, int64_t columns, tensor::DType dtype) override {
    const int64_t floats = (rows * columns * tensor::size_of(dtype) + 3) / 4;
    return {std::make_shared<RefMemory>(floats), rows, columns, columns, dtype};
  }

  Tensor upload(std::span<const float> values, int64_t rows, int64_t columns) override {
    const Tensor y = allocate(rows, columns);
    std::copy_n(values.begin(), rows * columns, data(y));
    return y;
  }

  void download(const Tensor& x, std::span<float> values) override {
    for (int64_t i = 0; i < x.rows(); ++i) {
      std::copy_n(row(x, i), x.columns(), values.begin() + i * x.columns());
    }
  }

  tensor::Indices upload_indices(std::vector<int32_t> values) override {
    return host::keep(std::move(values));
  }
  std::vector<int32_t> download_indices(const tensor::Indices& indices) override {
    return {view(indices).begin(), view(indices).end()};
  }

  ops::PreparedWeight prepare_linear(std::span<const tensor::Weight> parts,
                                     ops::Compute compute) override {
    auto made = std::make_shared<RefPrepared>();
    made->compute = compute;
    made->k = parts.front().columns;
    for (const tensor::Weight& part : parts) {
      made->n += part.rows;
      made->append(part);
    }
    return made;
  }

  ops::PreparedWeight prepare_table(const tensor::Weight& table) override {
    return prepare_linear({&table, 1}, ops::Compute::kFloat32);
  }

  Tensor embed(std::span<const Lookup> lookups) override {
    const int64_t rows = lookups.front().ids.size();
    const int64_t columns = lookups.front().table.k;
    const Tensor y = allocate(rows, columns);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        double sum = 0;
        for (const Lookup& lookup : lookups) sum += matrix(lookup.table).at(view(lookup.ids)[i])[j];
        row(y, i)[j] = static_cast<float>(sum);
      }
    }
    return y;
  }

  Tensor linear(const Tensor& x, const ops::LinearWeight& w, ops::Activation act,
                const Tensor* residual) override {
    const RefPrepared& weight = matrix(*w.w);
    const Tensor y = allocate(x.rows(), weight.n);
    for (int64_t i = 0; i < x.rows(); ++i) {
      RefPrepared::Input numbers = weight.input_of(row(x, i));
      for (int64_t j = 0; j < weight.n; ++j) {
        const double bias = w.bias.empty() ? 0.0f : data(w.bias)[j];
        const double value = ops::activation_value(act, weight.product(numbers, j) + bias);
        row(y, i)[j] = static_cast<float>(residual ? value + row(*residual, i)[j] : value);
      }
    }
    return y;
  }

  template <class F>
  Tensor for_each(const Tensor& x, F value) {
    const Tensor y = allocate(x.rows(), x.columns());
    for (int64_t i = 0; i < x.rows(); ++i) {
      for (int64_t j = 0; j < x.columns(); ++j) row(y, i)[j] = static_cast<float>(value(i, j));
    }
    return y;
  }

  Tensor add(Tensor a, const Tensor& b) override {
    return for_each(a, [&](int64_t i, int64_t j) { return row(a, i)[j] + row(b, i)[j]; });
  }
  Tensor multiply(Tensor a, const Tensor& b) override {
    return for_each(a, [&](int64_t i, int64_t j) { return row(a, i)[j] * row(b, i)[j]; });
  }
  Tensor activate(Tensor x, ops::Activation act) override {
    return for_each(x,
                    [&](int64_t i, int64_t j) { return ops::activation_value(act, row(x, i)[j]); });
  }

  Tensor norm(Tensor x, const ops::NormWeight& w) override {
    const Tensor y = allocate(x.rows(), x.columns());
    const int64_t group = w.weight.columns();
    for (int64_t i = 0; i < x.rows(); ++i) {
      for (int64_t j = 0; j < x.columns(); j += group) normalize(row(x, i) + j, w, row(y, i) + j);
    }
    return y;
  }

  Tensor rope(Tensor x, int64_t head_dim, const tensor::Indices& positions,
              const ops::RopeTable& table) override {
    const Tensor y = allocate(x.rows(), x.columns());
    const int64_t half = table.rotary_dim() / 2;
    for (int64_t i = 0; i < x.rows(); ++i) {
      std::copy_n(row(x, i), x.columns(), row(y, i));
      const float *cos = row(table.cos, view(positions)[i]),
                  *sin = row(table.sin, view(positions)[i]);
      for (int64_t head = 0; head < x.columns(); head += head_dim) {
        for (int64_t j = 0; j < half; ++j) {
          const double a = row(x, i)[head + j], b = row(x, i)[head + half + j];
          row(y, i)[head + j] = static_cast<float>(a * cos[j] - b * sin[j]);
          row(y, i)[head + half + j] = static_cast<float>(b * cos[j] + a * sin[j]);
        }
      }
    }
    return y;
  }

  Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v,
                   const ops::AttentionShape& shape, const tensor::SequenceRows& queries,
                   const tensor::Indices& key_offsets, const ops::AttentionBias& bias,
                   const ops::KeyPages& before, const tensor::Indices& attended) override {
    const Tensor y = allocate(q.rows(), shape.heads * shape.head_dim);
    const std::span<const int32_t> offsets = view(queries.offsets), at = view(queries.index),
                                   keys = view(key_offsets);
    for (int64_t s = 0; s < queries.sequences; ++s) {
      Keys own{.before = before,
               .k = k,
               .v = v,
               .pages = view(before.pages),
               .first_row = keys[s],
               .own_rows = keys[s + 1] - keys[s]};
      if (!before.offsets.empty()) {
        own.first_page = view(before.offsets)[s];
        own.paged = view(before.cached)[s];
      }
      own.count = own.paged + (attended.empty() ? keys[s + 1] - keys[s] : view(attended)[s]);
      for (int32_t i = offsets[s]; i < offsets[s + 1]; ++i) {
        for (int64_t head = 0; head < shape.heads; ++head)
          attend(q, i, at[i], head, own, shape, bias, row(y, i) + head * shape.head_dim);
      }
    }
    return y;
  }

  Tensor short_conv(const Tensor& x, const Tensor& taps, const ops::Vector& bias,
                    const tensor::SequenceRows& rows) override {
    const Tensor y = allocate(x.rows(), x.columns());
    const int64_t width = taps.rows();
    const std::span<const int32_t> offsets = view(rows.offsets);
    for (int64_t s = 0; s < rows.sequences; ++s) {
      for (int64_t t = offsets[s]; t < offsets[s + 1]; ++t) {
        for (int64_t c = 0; c < x.columns(); ++c) {
          double sum = bias.empty() ? 0.0f : data(bias)[c];
          for (int64_t i = 0; i < width; ++i) {
            const int64_t from = t - width + 1 + i;
            if (from >= offsets[s]) sum += double{row(taps, i)[c]} * row(x, from)[c];
          }
          row(y, t)[c] = static_cast<float>(sum);
        }
      }
    }
    return y;
  }

  Tensor gather_rows(const Tensor& x, const tensor::Indices& rows) override {
    const Tensor y = allocate(rows.size(), x.columns());
    for (int64_t i = 0; i < y.rows(); ++i)
      std::copy_n(row(x, view(rows)[i]), x.columns(), row(y, i));
    return y;
  }

  void store_rows(const Tensor& x, const tensor::Indices& from, const Tensor& into,
                  const tensor::Indices& to) override {
    for (int64_t i = 0; i < from.size(); ++i) {
      for (int64_t j = 0; j < x.columns(); ++j)
        tensor::store_number(row(x, view(from)[i])[j], host::stored_row(into, view(to)[i]),
                             into.dtype(), j);
    }
  }
};

// And what is rounded once where ops.cpp rounds the parts.
class RefOps final : public IrreducibleOps {
 public:
  std::string_view name() const override { return "ref"; }
  std::unique_ptr<Ops> fork() const override { return std::make_unique<RefOps>(); }

  ops::PreparedWeight prepare_gated(const tensor::Weight& gate, const tensor::Weight& up,
                                    ops::Compute compute) override {
    auto made = std::make_shared<RefPrepared>();
    made->compute = compute;
    made->n = gate.rows;
    made->k = gate.columns;
    made->append(gate);
    made->append(up);
    return made;
  }

  Tensor gated_linear(const Tensor& x, const ops::GatedWeight& gate_up,
                      ops::Activation act) override {
    const RefPrepared& weight = matrix(*gate_up.w);
    const auto bias = [&](int64_t j) {
      return gate_up.bias.empty() ? 0.0f : data(gate_up.bias)[j];
    };
    const Tensor y = allocate(x.rows(), weight.n);
    for (int64_t i = 0; i < x.rows(); ++i) {
      RefPrepared::Input numbers = weight.input_of(row(x, i));
      for (int64_t j = 0; j < weight.n; ++j) {
        const double gate = weight.product(numbers, j) + bias(j);
        const double up = weight.product(numbers, weight.n + j) + bias(weight.n + j);
        row(y, i)[j] = static_cast<float>(ops::activation_value(act, gate) * up);
      }
    }
    return y;
  }
};

}  // namespace

std::unique_ptr<Ops> make_ref_ops() { return std::make_unique<RefOps>(); }

std::unique_ptr<Ops> make_irreducible_ops() { return std::make_unique<IrreducibleOps>(); }

}  // namespace vecton::backend
