// What the op table is made of: matrices on the host, weights as a file has them, and comparison
// with the reference.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "ops/ops.h"

namespace vecton::test {

// The unit roundoff of float32: errors are stated in it.
inline constexpr double kRoundoff = 0x1p-24;

struct Matrix {
  int64_t rows = 0, columns = 0;
  std::vector<float> values;

  Matrix() = default;
  Matrix(int64_t m, int64_t n, float value = 0) : rows(m), columns(n), values(m * n, value) {}
  float& at(int64_t i, int64_t j) { return values[i * columns + j]; }
  float at(int64_t i, int64_t j) const { return values[i * columns + j]; }
};

using Random = std::mt19937;
float uniform(Random& random, float low, float high);
Matrix random_matrix(Random& random, int64_t rows, int64_t columns, float magnitude = 1);
// On the host; without numbers: absent.
using Numbers = std::vector<float>;
Numbers random_numbers(Random& random, int64_t size, float low = -1, float high = 1);

// The elements' absolute values: the sum of |terms| is the operation done on them.
Matrix magnitudes(const Matrix& x);
Numbers magnitudes(const Numbers& x);
Matrix columns_of(const Matrix& x, int64_t begin, int64_t count);
Matrix rows_of(const Matrix& x, int64_t begin, int64_t count);

// `x` rounded to `dtype`, at an address that is aligned to nothing, as in a file.
tensor::Weight make_weight(const Matrix& x, tensor::DType dtype = tensor::DType::kF32);
// The same weight with absolute values.
tensor::Weight magnitudes(const tensor::Weight& weight);

// Rows of sequences with these lengths, all of them.
tensor::Rows all_rows(const std::vector<int32_t>& lengths);

// kStrided: a view into a wider tensor that has NaN around it.
enum class Layout { kDense, kStrided };
Tensor upload(Ops& ops, const Matrix& x, Layout layout = Layout::kDense);
ops::Vector prepare(Ops& ops, const Numbers& values);
Matrix download(Ops& ops, const Tensor& x);

// |actual - expected| <= bound * (scale + |expected|) for every element, NaN and infinities in the
// same places.
void expect_close(const Matrix& actual, const Matrix& expected, const Matrix& scale, double bound);
void expect_same_bits(const Matrix& actual, const Matrix& expected);

// The types that a cache may have beside float32.
inline constexpr tensor::DType kNarrowTypes[] = {tensor::DType::kBF16, tensor::DType::kF8E4M3,
                                                 tensor::DType::kF8E5M2};

// The error bound, in float32 roundoffs of the sum of |terms|, of a sum of `terms` products in any
// order. Rounding errors behave as a random walk: with terms of one sign its length is about
// sqrt(terms / 9), with random signs a small constant.
inline double sum_bound(int64_t terms) {
  return kRoundoff * (8 + 0.5 * std::sqrt(static_cast<double>(terms)));
}

// Metal multiplies floats of 16 bits to sums of 16 bits.
double rounding_of_sums(const Ops& ops, ops::Compute compute);

// A pool all of whose workers have come up and are idle.
std::unique_ptr<base::ThreadPool> make_pool(int threads);

// A backend and instruction set to test.
struct Target {
  std::string backend, isa;
};
std::ostream& operator<<(std::ostream& out, const Target& target);
std::vector<Target> targets();
std::string name_of(const testing::TestParamInfo<Target>& target);

// A test that runs on every target.
class OpTest : public testing::TestWithParam<Target> {
 protected:
  OpTest();
  std::unique_ptr<Ops> make(base::ThreadPool& pool) const;
  // What the target computes in and keeps caches in; the others it refuses by name.
  static bool has(ops::Compute compute);
  static bool has(tensor::DType cache);
  static std::vector<ops::Compute> computes();

  std::unique_ptr<base::ThreadPool> pool_;
  std::unique_ptr<Ops> ops_, ref_;
};

#define VECTON_FOR_EVERY_TARGET(Suite) \
  INSTANTIATE_TEST_SUITE_P(Every, Suite, testing::ValuesIn(targets()), name_of)

}  // namespace vecton::test
