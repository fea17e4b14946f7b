// Products of bfloat16 by tiles of AMX, with the instructions emulated where there are none,
// against the order of additions that the manual gives.
#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <vector>

#include "backend/cpu/amx_emulator.h"
#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/pack.h"
#include "base/half.h"

namespace vecton::cpu {
namespace {

constexpr int64_t kAtOnce = 32;  // k of an instruction

std::vector<float> random_numbers(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> made(static_cast<size_t>(count));
  for (float& value : made) value = normal(random);
  return made;
}

float rounded(float x) { return base::bf16_to_float(base::float_to_bf16(x)); }

// Even and odd k of an instruction are added up apart.
float expected(const float* x, const float* w, int64_t k) {
  float sum = 0;
  for (int64_t begin = 0; begin < k; begin += kAtOnce) {
    float sums[2] = {0, 0};
    for (int64_t j = begin; j < std::min(k, begin + kAtOnce); ++j)
      sums[j % 2] += rounded(x[j]) * rounded(w[j]);
    sum += sums[0] + sums[1];
  }
  return sum;
}

struct Shape {
  int64_t rows, k, n;
};

// A random matrix and rows of x, multiplied.
struct Product {
  std::vector<float> x, weights;
  base::ThreadPool pool{1};
  PanelMemory memory;
  std::shared_ptr<PackedMatrix> w;
  const LinearKernels& kernels;
  std::vector<float> pairs;
  int64_t stride;

  Product(Isa isa, const Shape& shape, bool matrices)
      : x(random_numbers(shape.rows * shape.k, 1)),
        weights(random_numbers(shape.n * shape.k, 2)),
        kernels(linear_kernels(isa)) {
    tensor::Weight weight;
    weight.name = "test.weight";
    weight.rows = shape.n;
    weight.columns = shape.k;
    weight.codes.bytes = std::as_bytes(std::span(weights));
    w = pack(pool, memory, {&weight, 1},
             {.compute = ops::Compute::kBFloat16, .pairs = true, .matrices = matrices},
             kernels.lanes);
    // What lies behind a row is no number.
    stride = w->steps() + 3;
    pairs.assign(static_cast<size_t>(shape.rows * stride), std::numeric_limits<float>::quiet_NaN());
    kernels.round(*w, x.data(), shape.k, pairs.data(), stride, 0, shape.rows);
  }

  std::vector<float> rows(int64_t begin, int64_t end) {
    std::vector<float> y(static_cast<size_t>((end - begin) * w->n));
    const LinearCall call{
        w.get(), pairs.data() + begin * stride, stride, y.data(), w->n, nullptr, nullptr,
        0,       ops::Activation::kIdentity};
    kernels.linear(call, 0, end - begin, 0, w->panels);
    return y;
  }
};

std::vector<uint32_t> bits(const std::vector<float>& values) {
  std::vector<uint32_t> made;
  for (const float value : values) made.push_back(std::bit_cast<uint32_t>(value));
  return made;
}

class MatrixTiles : public testing::TestWithParam<Shape> {};

TEST_P(MatrixTiles, OfAmxAddInTheOrderOfTheManual) {
  const Isa isa = supported_isas().back();
  const AmxWhereThereIsNone amx(isa);
  if (isa != Isa::kAvx512 || amx.products(bfloat16_products(isa)) != 2)
    GTEST_SKIP() << "needs AVX-512 with VNNI";
  const Shape& shape = GetParam();
  Product product(isa, shape, true);
  ASSERT_EQ(product.w->steps() % PackedMatrix::kMatrixSteps, 0);
  std::vector<float> sums;
  for (int64_t i = 0; i < shape.rows; ++i) {
    for (int64_t j = 0; j < shape.n; ++j)
      sums.push_back(
          expected(product.x.data() + i * shape.k, product.weights.data() + j * shape.k, shape.k));
  }
  EXPECT_EQ(bits(product.rows(0, shape.rows)), bits(sums));
}

// Few rows are multiplied by the instructions for vectors on ARM.
TEST_P(MatrixTiles, GiveARowTheBitsThatItHasAlone) {
  const Isa isa = supported_isas().back();
  if (bfloat16_products(isa) == 0) GTEST_SKIP() << "no instructions for bfloat16";
  const Shape& shape = GetParam();
  Product product(isa, shape, bfloat16_products(isa) == 2);
  std::vector<float> alone;
  for (int64_t i = 0; i < shape.rows; ++i) {
    const std::vector<float> row = product.rows(i, i + 1);
    alone.insert(alone.end(), row.begin(), row.end());
  }
  EXPECT_EQ(bits(product.rows(0, shape.rows)), bits(alone));
}

INSTANTIATE_TEST_SUITE_P(Shapes, MatrixTiles,
                         testing::Values(Shape{1, 64, 160}, Shape{2, 33, 100}, Shape{3, 1, 32},
                                         Shape{4, 200, 96}, Shape{5, 31, 33}, Shape{6, 384, 64},
                                         Shape{7, 66, 31}, Shape{12, 1100, 40}, Shape{13, 1100, 70},
                                         Shape{40, 520, 33}, Shape{75, 70, 64},
                                         Shape{32, 1100, 40}),
                         [](const auto& info) {
                           return "rows" + std::to_string(info.param.rows) + "k" +
                                  std::to_string(info.param.k) + "n" + std::to_string(info.param.n);
                         });

}  // namespace
}  // namespace vecton::cpu
