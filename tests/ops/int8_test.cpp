// ops::Compute::kInt8: what it promises beyond what every way to compute does (linear_test.cpp,
// sameness_test.cpp, nonfinite_test.cpp).
#include "ops/support.h"

namespace vecton::test {
namespace {

constexpr ops::Compute kInt8 = ops::Compute::kInt8;

class Int8 : public OpTest {
 protected:
  void SetUp() override {
    if (!has(kInt8)) GTEST_SKIP() << "this backend has no int8";
  }
};

// On every backend and instruction set, where nothing but a residual follows the sums.
TEST_P(Int8, BitsOfTheReference) {
  for (const int64_t k : {1, 20, 64, 96, 384, 1000}) {
    for (const int64_t n : {1, 17, 100}) {
      SCOPED_TRACE("n " + std::to_string(n) + ", k " + std::to_string(k));
      Random random(static_cast<uint32_t>(n + k));
      Matrix x = random_matrix(random, 40, k);
      for (size_t i = 0; i < x.values.size(); i += 41) x.values[i] *= 50;  // they stand out
      const Matrix added = random_matrix(random, 40, n);
      const tensor::Weight weight = make_weight(random_matrix(random, n, k));
      const auto run = [&](Ops& on) {
        const Tensor residual = upload(on, added);
        return download(on, on.linear(upload(on, x), {on.prepare_linear({&weight, 1}, kInt8), {}},
                                      ops::Activation::kIdentity, &residual));
      };
      expect_same_bits(run(*ops_), run(*ref_));
    }
  }
}

// Rotation and scales of blocks keep what stands out from drowning the rest: the error of a sum is
// far below that of whole rows with one scale.
TEST_P(Int8, IsNearFloat32) {
  Random random(3);
  const int64_t n = 64, k = 384;
  Matrix x = random_matrix(random, 20, k);
  for (int64_t i = 0; i < x.rows; ++i) x.at(i, 7) *= 100;
  const tensor::Weight weight = make_weight(random_matrix(random, n, k));
  const auto run = [&](ops::Compute compute) {
    return download(
        *ops_, ops_->linear(upload(*ops_, x), {ops_->prepare_linear({&weight, 1}, compute), {}}));
  };
  const Matrix exact = run(ops::Compute::kFloat32), rounded = run(kInt8);
  double error = 0, size = 0;
  for (size_t i = 0; i < exact.values.size(); ++i) {
    error += std::pow(exact.values[i] - rounded.values[i], 2);
    size += std::pow(exact.values[i], 2);
  }
  EXPECT_LT(std::sqrt(error / size), 0.01);
  EXPECT_GT(error, 0);
}

// Codes of 8 bits and a scale for each 64 of them.
TEST_P(Int8, TakesAQuarter) {
  Random random(4);
  const tensor::Weight parts[] = {make_weight(random_matrix(random, 64, 256)),
                                  make_weight(random_matrix(random, 32, 256), tensor::DType::kBF16),
                                  make_weight(random_matrix(random, 32, 256), tensor::DType::kF16)};
  EXPECT_LE(ops_->prepare_linear(parts, kInt8)->bytes, 128 * 256 * 17 / 16);
  EXPECT_LE(ops_->prepare_gated(parts[1], parts[2], kInt8)->bytes, 64 * 256 * 17 / 16);
}

TEST_P(Int8, LeavesATableAlone) {
  Random random(8);
  const tensor::Weight words = make_weight(random_matrix(random, 40, 50));
  const ops::PreparedWeight table = ops_->prepare_table(words);
  const Ops::Lookup lookup{*table, ops_->upload_indices({3, 39, 0})};
  const Matrix expected = download(*ops_, ops_->embed({&lookup, 1}));
  const ops::PreparedWeight layer = ops_->prepare_linear({&words, 1}, kInt8);
  expect_same_bits(download(*ops_, ops_->embed({&lookup, 1})), expected);
}

VECTON_FOR_EVERY_TARGET(Int8);

}  // namespace
}  // namespace vecton::test
