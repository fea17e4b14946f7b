#include "backend/ref/ref_ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "base/half.h"
#include "ops/activation.h"
#include "vecton/error.h"

namespace vecton {

namespace {

// Matrices widened to float32 one after another: one for a linear layer or table, gate and up for a
// gated one.
struct RefPrepared : Prepared {
  std::vector<float> values;

  void append(const Weight& weight) {
    if (!is_float(weight.dtype)) {
      throw Error(ErrorCode::kUnsupported, weight.name + ": a weight matrix of " +
                                               std::string(to_string(weight.dtype)) +
                                               "; float32, float16 and bfloat16 are served");
    }
    const int64_t size = size_of(weight.dtype);
    for (int64_t i = 0; i < weight.rows * weight.columns; ++i) {
      values.push_back(read(weight.bytes.data() + i * size, weight.dtype));
    }
    bytes = static_cast<int64_t>(values.size() * sizeof(float));
    weight.release();
  }

  // The bytes of a file have no alignment.
  static float read(const std::byte* at, DType dtype) {
    if (dtype == DType::kF32) {
      float value;
      std::memcpy(&value, at, sizeof value);
      return value;
    }
    uint16_t bits;
    std::memcpy(&bits, at, sizeof bits);
    return dtype == DType::kF16 ? f16_to_float(bits) : bf16_to_float(bits);
  }

  const float* row(int64_t i) const { return values.data() + i * k; }
};

const RefPrepared& matrix(const Prepared& weight) {
  return static_cast<const RefPrepared&>(weight);
}

double dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// The keys of one sequence in order of position: those of its pages, then its own.
struct Keys {
  const KeyPages& before;
  const Tensor &k, &v;
  int64_t first_page = 0, paged = 0, first_row = 0, own_rows = 0, count = 0;

  const float* row(const Tensor& paged_rows, const Tensor& own, int64_t j) const {
    if (j >= paged) return own.row(first_row + j - paged);
    const int64_t page = before.pages[first_page + j / before.page_rows];
    return paged_rows.row(page * before.page_rows + j % before.page_rows);
  }
  const float* key(int64_t j) const { return row(before.k, k, j); }
  const float* value(int64_t j) const { return row(before.v, v, j); }
};

double bias_of(const AttentionBias& bias, int64_t head, int64_t query, int64_t key_row,
               int64_t distance) {
  if (bias.bucket.empty()) return 0;
  const int64_t b = bias.bucket[std::clamp(distance, -bias.reach, bias.reach) + bias.reach];
  const int64_t column = head * bias.buckets + b;
  double sum = 0;
  if (!bias.by_head.empty()) sum += bias.by_head.row(head)[b];
  if (!bias.by_query.empty()) sum += bias.by_query.row(query)[column];
  if (!bias.by_key.empty()) sum += bias.by_key.row(key_row)[column];
  return sum;
}

// One head of query row `query`, at position `at`.
void attend(const Tensor& q, int64_t query, int64_t at, int64_t head, const Keys& keys,
            const AttentionShape& shape, const AttentionBias& bias, float* out) {
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
    double score = shape.scale * dot(q.row(query) + head * d, keys.key(j) + column, d);
    if (shape.softcap > 0) score = shape.softcap * std::tanh(score / shape.softcap);
    score += bias_of(bias, head, query, keys.first_row + j - keys.paged, at - j);
    if (blind) score = 0;  // the scores are all masked alike
    p.push_back(score);
    largest = std::max(largest, score);
  }
  for (double& x : p) total += x = std::exp(x - largest);
  for (int64_t i = 0; i < d; ++i) {
    double sum = 0;
    for (int64_t j = begin; j < end; ++j) sum += p[j - begin] * keys.value(j)[column + i];
    out[i] = static_cast<float>(end > begin ? sum / total : 0);
  }
}

// One group of columns.
void normalize(const float* x, const NormWeight& w, float* y) {
  const auto n = static_cast<int64_t>(w.weight->size());
  double mean = 0, square = 0;
  if (w.kind == NormWeight::Kind::kLayerNorm) {
    for (int64_t i = 0; i < n; ++i) mean += x[i];
    mean /= static_cast<double>(n);
  }
  for (int64_t i = 0; i < n; ++i) square += (x[i] - mean) * (x[i] - mean);
  const double scale = 1 / std::sqrt(square / static_cast<double>(n) + w.eps);
  for (int64_t i = 0; i < n; ++i) {
    const double bias = w.bias ? (*w.bias)[i] : 0.0f;
    y[i] = static_cast<float>((x[i] - mean) * scale * (*w.weight)[i] + bias);
  }
}

// One column of one sequence: x[0], x[stride], ..., `count` of them.
double pool_column(const float* x, int64_t stride, int64_t count, Pooling how,
                   const int32_t* positions) {
  double sum = 0, weights = 0, largest = x[0];
  for (int64_t i = 0; i < count; ++i) {
    const double value = x[i * stride],
                 weight = how == Pooling::kWeightedMean ? positions[i] + 1.0 : 1.0;
    sum += weight * value;
    weights += weight;
    if (!(value <= largest) && !std::isnan(largest)) largest = value;  // NaN stays
  }
  switch (how) {
    case Pooling::kCls:
      return x[0];
    case Pooling::kLast:
      return x[(count - 1) * stride];
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

class RefOps final : public Ops {
 public:
  std::string_view name() const override { return "ref"; }
  std::string_view isa() const override { return "scalar"; }
  std::unique_ptr<Ops> fork() const override { return std::make_unique<RefOps>(); }

  // NaN: who reads what nobody wrote is found out.
  Tensor allocate(int64_t rows, int64_t columns) override {
    const std::shared_ptr<float> storage(new float[rows * columns], std::default_delete<float[]>());
    std::fill_n(storage.get(), rows * columns, std::numeric_limits<float>::quiet_NaN());
    return {storage, rows, columns, columns};
  }

  Tensor upload(std::span<const float> values, int64_t rows, int64_t columns) override {
    const Tensor y = allocate(rows, columns);
    std::copy_n(values.begin(), rows * columns, y.data());
    return y;
  }

  void download(const Tensor& x, std::span<float> values) override {
    for (int64_t i = 0; i < x.rows(); ++i) {
      std::copy_n(x.row(i), x.columns(), values.begin() + i * x.columns());
    }
  }

  PreparedWeight prepare_linear(std::span<const Weight> parts) override {
    auto made = std::make_shared<RefPrepared>();
    made->k = parts.front().columns;
    for (const Weight& part : parts) {
      made->n += part.rows;
      made->append(part);
    }
    return made;
  }

  PreparedWeight prepare_gated(const Weight& gate, const Weight& up) override {
    auto made = std::make_shared<RefPrepared>();
    made->n = gate.rows;
    made->k = gate.columns;
    made->append(gate);
    made->append(up);
    return made;
  }

  PreparedWeight prepare_table(const Weight& table) override { return prepare_linear({&table, 1}); }

  Tensor embed(std::span<const Lookup> lookups) override {
    const auto rows = static_cast<int64_t>(lookups.front().ids.size());
    const int64_t columns = lookups.front().table.k;
    const Tensor y = allocate(rows, columns);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        double sum = 0;
        for (const Lookup& lookup : lookups) sum += matrix(lookup.table).row(lookup.ids[i])[j];
        y.row(i)[j] = static_cast<float>(sum);
      }
    }
    return y;
  }

  Tensor linear(const Tensor& x, const LinearWeight& w, Activation act,
                const Tensor* residual) override {
    const RefPrepared& weight = matrix(*w.w);
    const Tensor y = allocate(x.rows(), weight.n);
    for (int64_t i = 0; i < x.rows(); ++i) {
      for (int64_t j = 0; j < weight.n; ++j) {
        const double bias = w.bias ? (*w.bias)[j] : 0.0f;
        const double value = activation_value(act, dot(x.row(i), weight.row(j), weight.k) + bias);
        y.row(i)[j] = static_cast<float>(residual ? value + residual->row(i)[j] : value);
      }
    }
    return y;
  }

  Tensor gated_linear(const Tensor& x, const GatedWeight& gate_up, Activation act) override {
    const RefPrepared& weight = matrix(*gate_up.w);
    const auto bias = [&](int64_t j) { return gate_up.bias ? (*gate_up.bias)[j] : 0.0f; };
    const Tensor y = allocate(x.rows(), weight.n);
    for (int64_t i = 0; i < x.rows(); ++i) {
      for (int64_t j = 0; j < weight.n; ++j) {
        const double gate = dot(x.row(i), weight.row(j), weight.k) + bias(j);
        const double up = dot(x.row(i), weight.row(weight.n + j), weight.k) + bias(weight.n + j);
        y.row(i)[j] = static_cast<float>(activation_value(act, gate) * up);
      }
    }
    return y;
  }

  template <class F>
  Tensor for_each(const Tensor& x, F value) {
    const Tensor y = allocate(x.rows(), x.columns());
    for (int64_t i = 0; i < x.rows(); ++i) {
      for (int64_t j = 0; j < x.columns(); ++j) y.row(i)[j] = static_cast<float>(value(i, j));
    }
    return y;
  }

  Tensor add(Tensor a, const Tensor& b) override {
    return for_each(a, [&](int64_t i, int64_t j) { return a.row(i)[j] + b.row(i)[j]; });
  }
  Tensor multiply(Tensor a, const Tensor& b) override {
    return for_each(a, [&](int64_t i, int64_t j) { return a.row(i)[j] * b.row(i)[j]; });
  }
  Tensor scale(Tensor x, float factor) override {
    return for_each(x, [&](int64_t i, int64_t j) { return x.row(i)[j] * factor; });
  }
  Tensor activate(Tensor x, Activation act) override {
    return for_each(x, [&](int64_t i, int64_t j) { return activation_value(act, x.row(i)[j]); });
  }

  Tensor norm(Tensor x, const NormWeight& w) override {
    const Tensor y = allocate(x.rows(), x.columns());
    const auto group = static_cast<int64_t>(w.weight->size());
    for (int64_t i = 0; i < x.rows(); ++i) {
      for (int64_t j = 0; j < x.columns(); j += group) normalize(x.row(i) + j, w, y.row(i) + j);
    }
    return y;
  }

  Tensor rope(Tensor x, int64_t head_dim, std::span<const int32_t> positions,
              const RopeTable& table) override {
    const Tensor y = allocate(x.rows(), x.columns());
    const int64_t half = table.rotary_dim / 2;
    for (int64_t i = 0; i < x.rows(); ++i) {
      std::copy_n(x.row(i), x.columns(), y.row(i));
      const float* cos = table.cos.data() + positions[i] * half;
      const float* sin = table.sin.data() + positions[i] * half;
      for (int64_t head = 0; head < x.columns(); head += head_dim) {
        for (int64_t j = 0; j < half; ++j) {
          const double a = x.row(i)[head + j], b = x.row(i)[head + half + j];
          y.row(i)[head + j] = static_cast<float>(a * cos[j] - b * sin[j]);
          y.row(i)[head + half + j] = static_cast<float>(b * cos[j] + a * sin[j]);
        }
      }
    }
    return y;
  }

  Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionShape& shape,
                   const Rows& queries, std::span<const int32_t> keys, const AttentionBias& bias,
                   const KeyPages& before, std::span<const int32_t> attended) override {
    const Tensor y = allocate(q.rows(), shape.heads * shape.head_dim);
    for (int64_t s = 0; s < queries.sequences(); ++s) {
      Keys own{.before = before,
               .k = k,
               .v = v,
               .first_row = keys[s],
               .own_rows = keys[s + 1] - keys[s]};
      if (!before.offsets.empty()) {
        own.first_page = before.offsets[s];
        own.paged = (before.offsets[s + 1] - before.offsets[s]) * before.page_rows;
      }
      own.count = own.paged + (attended.empty() ? keys[s + 1] - keys[s] : attended[s]);
      for (int32_t i = queries.offsets[s]; i < queries.offsets[s + 1]; ++i) {
        for (int64_t head = 0; head < shape.heads; ++head)
          attend(q, i, queries.index[i], head, own, shape, bias, y.row(i) + head * shape.head_dim);
      }
    }
    return y;
  }

  Tensor short_conv(const Tensor& x, const Vector& weight, const Vector& bias,
                    const Rows& rows) override {
    const Tensor y = allocate(x.rows(), x.columns());
    const auto width = static_cast<int64_t>(weight->size()) / std::max<int64_t>(1, x.columns());
    for (int64_t s = 0; s < rows.sequences(); ++s) {
      for (int64_t t = rows.offsets[s]; t < rows.offsets[s + 1]; ++t) {
        for (int64_t c = 0; c < x.columns(); ++c) {
          double sum = bias ? (*bias)[c] : 0.0f;
          for (int64_t i = 0; i < width; ++i) {
            const int64_t from = t - width + 1 + i;
            if (from >= rows.offsets[s]) sum += double{(*weight)[c * width + i]} * x.row(from)[c];
          }
          y.row(t)[c] = static_cast<float>(sum);
        }
      }
    }
    return y;
  }

  Tensor gather_rows(const Tensor& x, std::span<const int32_t> rows) override {
    const Tensor y = allocate(static_cast<int64_t>(rows.size()), x.columns());
    for (int64_t i = 0; i < y.rows(); ++i) std::copy_n(x.row(rows[i]), x.columns(), y.row(i));
    return y;
  }

  Tensor pool(const Tensor& x, Pooling how, const Rows& rows) override {
    const Tensor y = allocate(rows.sequences(), x.columns());
    for (int64_t s = 0; s < y.rows(); ++s) {
      const int32_t first = rows.offsets[s], count = rows.offsets[s + 1] - first;
      for (int64_t j = 0; j < x.columns(); ++j) {
        y.row(s)[j] = static_cast<float>(
            pool_column(x.row(first) + j, x.stride(), count, how, rows.index.data() + first));
      }
    }
    return y;
  }

  Tensor l2_normalize(Tensor x) override {
    const Tensor y = allocate(x.rows(), x.columns());
    for (int64_t i = 0; i < x.rows(); ++i) {
      const double length = std::max(std::sqrt(dot(x.row(i), x.row(i), x.columns())), 1e-12);
      for (int64_t j = 0; j < x.columns(); ++j)
        y.row(i)[j] = static_cast<float>(x.row(i)[j] / length);
    }
    return y;
  }

  void store_rows(const Tensor& x, std::span<const int32_t> from, const Tensor& into,
                  std::span<const int32_t> to) override {
    for (size_t i = 0; i < from.size(); ++i)
      std::copy_n(x.row(from[i]), x.columns(), into.row(to[i]));
  }

  Tensor max_sim(const Tensor& q, const Tensor& d, std::span<const int32_t> offsets) override {
    const auto documents = static_cast<int64_t>(offsets.size()) - 1;
    const Tensor y = allocate(1, documents);
    for (int64_t s = 0; s < documents; ++s) {
      double sum = 0;
      for (int64_t i = 0; i < q.rows(); ++i) {
        double largest = -std::numeric_limits<double>::infinity();
        for (int64_t j = offsets[s]; j < offsets[s + 1]; ++j) {
          const double product = dot(q.row(i), d.row(j), q.columns());
          if (!(product <= largest) && !std::isnan(largest)) largest = product;  // NaN stays
        }
        sum += largest;
      }
      y.row(0)[s] = static_cast<float>(sum);
    }
    return y;
  }

  Tensor concat_columns(std::span<const Tensor> parts) override {
    int64_t columns = 0;
    for (const Tensor& part : parts) columns += part.columns();
    const Tensor y = allocate(parts.front().rows(), columns);
    int64_t at = 0;
    for (const Tensor& part : parts) {
      for (int64_t i = 0; i < y.rows(); ++i)
        std::copy_n(part.row(i), part.columns(), y.row(i) + at);
      at += part.columns();
    }
    return y;
  }
};

}  // namespace

std::unique_ptr<Ops> make_ref_ops() { return std::make_unique<RefOps>(); }

}  // namespace vecton
