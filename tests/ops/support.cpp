#include "ops/support.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <limits>
#include <set>
#include <thread>

#include "backend/ref/ref_ops.h"
#include "backend/registry.h"
#include "base/half.h"

namespace vecton::test {

namespace {

// Storage of a weight, one byte off any alignment.
tensor::Weight allocate_weight(int64_t rows, int64_t columns, tensor::DType dtype, std::byte*& at) {
  const size_t size = rows * columns * tensor::size_of(dtype);
  auto storage = std::make_shared<std::vector<std::byte>>(size + 1);
  at = storage->data() + 1;
  tensor::Weight weight;
  weight.name = "test.weight";
  weight.codes.dtype = dtype;
  weight.rows = rows;
  weight.columns = columns;
  weight.codes.bytes = {at, size};
  weight.keep = storage;
  return weight;
}

}  // namespace

float uniform(Random& random, float low, float high) {
  return low + (high - low) * static_cast<float>(random() >> 8) * 0x1p-24f;
}

Matrix random_matrix(Random& random, int64_t rows, int64_t columns, float magnitude) {
  Matrix x(rows, columns);
  for (float& value : x.values) value = uniform(random, -magnitude, magnitude);
  return x;
}

Numbers random_numbers(Random& random, int64_t size, float low, float high) {
  Numbers x(size);
  for (float& value : x) value = uniform(random, low, high);
  return x;
}

Matrix magnitudes(const Matrix& x) {
  Matrix y = x;
  for (float& value : y.values) value = std::abs(value);
  return y;
}

Numbers magnitudes(const Numbers& x) {
  Numbers y = x;
  for (float& value : y) value = std::abs(value);
  return y;
}

Matrix columns_of(const Matrix& x, int64_t begin, int64_t count) {
  Matrix y(x.rows, count);
  for (int64_t i = 0; i < x.rows; ++i) {
    std::copy_n(x.values.begin() + i * x.columns + begin, count, y.values.begin() + i * count);
  }
  return y;
}

Matrix rows_of(const Matrix& x, int64_t begin, int64_t count) {
  Matrix y(count, x.columns);
  std::copy_n(x.values.begin() + begin * x.columns, count * x.columns, y.values.begin());
  return y;
}

tensor::Weight make_weight(const Matrix& x, tensor::DType dtype) {
  std::byte* at;
  const tensor::Weight weight = allocate_weight(x.rows, x.columns, dtype, at);
  for (const float value : x.values) {
    if (dtype == tensor::DType::kF32) {
      std::memcpy(at, &value, sizeof value);
    } else {
      const uint16_t bits =
          dtype == tensor::DType::kF16 ? base::float_to_f16(value) : base::float_to_bf16(value);
      std::memcpy(at, &bits, sizeof bits);
    }
    at += tensor::size_of(dtype);
  }
  return weight;
}

// In all three formats the sign is the highest bit of the last byte.
tensor::Weight magnitudes(const tensor::Weight& weight) {
  std::byte* at;
  const tensor::Weight copy = allocate_weight(weight.rows, weight.columns, weight.codes.dtype, at);
  std::copy(weight.codes.bytes.begin(), weight.codes.bytes.end(), at);
  const auto size = static_cast<size_t>(tensor::size_of(weight.codes.dtype));
  for (size_t i = size - 1; i < weight.codes.bytes.size(); i += size) at[i] &= std::byte{0x7f};
  return copy;
}

tensor::Rows all_rows(const std::vector<int32_t>& lengths) {
  tensor::Rows rows;
  for (const int32_t length : lengths) {
    for (int32_t i = 0; i < length; ++i) rows.index.push_back(i);
    rows.offsets.push_back(rows.offsets.back() + length);
  }
  return rows;
}

Tensor upload(Ops& ops, const Matrix& x, Layout layout) {
  if (layout == Layout::kDense) return ops.upload(x.values, x.rows, x.columns);
  constexpr int64_t kBefore = 3, kAfter = 5;
  Matrix wide(x.rows, kBefore + x.columns + kAfter, std::numeric_limits<float>::quiet_NaN());
  for (int64_t i = 0; i < x.rows; ++i) {
    for (int64_t j = 0; j < x.columns; ++j) wide.at(i, kBefore + j) = x.at(i, j);
  }
  return ops.upload(wide.values, wide.rows, wide.columns).slice_columns(kBefore, x.columns);
}

ops::Vector prepare(Ops& ops, const Numbers& values) {
  if (values.empty()) return {};
  return ops.prepare_parameters(values, 1, static_cast<int64_t>(values.size()));
}

Matrix download(Ops& ops, const Tensor& x) {
  Matrix y(x.rows(), x.columns());
  ops.download(x, y.values);
  return y;
}

void expect_close(const Matrix& actual, const Matrix& expected, const Matrix& scale, double bound) {
  ASSERT_EQ(actual.rows, expected.rows);
  ASSERT_EQ(actual.columns, expected.columns);
  ASSERT_EQ(scale.values.size(), expected.values.size());
  double worst = 0;
  size_t where = 0;
  for (size_t i = 0; i < expected.values.size(); ++i) {
    const double a = actual.values[i], e = expected.values[i];
    if (a == e || (std::isnan(a) && std::isnan(e))) continue;
    double error = std::abs(a - e) / (bound * (scale.values[i] + std::abs(e)));
    if (!std::isfinite(error)) error = std::numeric_limits<double>::infinity();
    if (error > worst) worst = error, where = i;
  }
  ASSERT_LE(worst, 1) << "times the bound of " << bound / kRoundoff << " roundoffs at ["
                      << where / expected.columns << "][" << where % expected.columns << "] of ["
                      << expected.rows << "][" << expected.columns
                      << "]: " << testing::PrintToString(actual.values[where]) << ", expected "
                      << testing::PrintToString(expected.values[where]);
}

void expect_same_bits(const Matrix& actual, const Matrix& expected) {
  ASSERT_EQ(actual.rows, expected.rows);
  ASSERT_EQ(actual.columns, expected.columns);
  for (size_t i = 0; i < expected.values.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(actual.values[i]),
              std::bit_cast<uint32_t>(expected.values[i]))
        << "at [" << i / expected.columns << "][" << i % expected.columns
        << "]: " << testing::PrintToString(actual.values[i]) << ", expected "
        << testing::PrintToString(expected.values[i]);
  }
}

double rounding_of_sums(const Ops& ops, ops::Compute compute) {
  if (ops.isa() != "metal") return 0;
  const tensor::DType type = ops::rounds_to(compute);
  return type == tensor::DType::kBF16 ? 0x1p-8 : type == tensor::DType::kF16 ? 0x1p-11 : 0;
}

std::unique_ptr<base::ThreadPool> make_pool(int threads) {
  auto pool = std::make_unique<base::ThreadPool>(threads);
  std::set<std::thread::id> seen;  // until each of them, and the caller, was inside one region
  while (static_cast<int>(seen.size()) <= threads) {
    std::vector<std::thread::id> ids(threads + 1);
    std::atomic<int> inside{0};
    pool->parallel_for(threads + 1, [&](int64_t i) {
      ids[i] = std::this_thread::get_id();
      ++inside;
      for (int spin = 0; spin < 1000 && inside.load() <= threads; ++spin) std::this_thread::yield();
    });
    seen = {ids.begin(), ids.end()};
  }
  return pool;
}

std::ostream& operator<<(std::ostream& out, const Target& target) {
  return out << target.backend << " " << target.isa;
}

std::vector<Target> targets() {
  std::vector<Target> all;
  for (const std::string& backend : backend::backends()) {
    if (backend == "ref") continue;
    for (const std::string& isa : backend::isas_of(backend)) all.push_back({backend, isa});
  }
  all.push_back({"irreducible", "scalar"});
  return all;
}

std::string name_of(const testing::TestParamInfo<Target>& target) {
  return target.param.backend + "_" + target.param.isa;
}

OpTest::OpTest()
    : pool_(make_pool(2)), ops_(make(*pool_)), ref_(backend::make_ops("ref", *pool_)) {}

bool OpTest::has(ops::Compute compute) {
  if (compute == ops::Compute::kInt8) return GetParam().backend != "mlx";
  if (compute == ops::Compute::kFloat16) return GetParam().backend != "cpu";
  return true;
}

bool OpTest::has(tensor::DType cache) {
  return GetParam().backend != "mlx" || cache == tensor::DType::kF32 ||
         cache == tensor::DType::kBF16;
}

std::vector<ops::Compute> OpTest::computes() {
  std::vector<ops::Compute> all;
  for (const ops::Compute compute : ops::kComputes) {
    if (has(compute)) all.push_back(compute);
  }
  return all;
}

std::unique_ptr<Ops> OpTest::make(base::ThreadPool& pool) const {
  if (GetParam().backend == "irreducible") return backend::make_irreducible_ops();
  return backend::make_ops(GetParam().backend, pool, GetParam().isa);
}

}  // namespace vecton::test
