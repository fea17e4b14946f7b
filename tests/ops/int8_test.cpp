// ops::Compute::kInt8: what it promises beyond what every way to compute does (linear_test.cpp,
// sameness_test.cpp, nonfinite_test.cpp).
#include <algorithm>
#include <limits>

#include "ops/packed_weight.h"
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

// Rows of every kind: around 0, on one side of it, with one number that stands out, of 0 alone,
// tiny and huge.
Matrix rows_of_every_kind(Random& random, int64_t rows, int64_t k) {
  Matrix x = random_matrix(random, rows, k);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < k; ++j) {
      float& value = x.at(i, j);
      switch (i % 7) {
        case 1:
          value = std::abs(value) + 1;
          break;
        case 2:
          value = -std::abs(value) - 1;
          break;
        case 3:
          value *= j % 50 == 7 ? 100 : 1;
          break;
        case 4:
          value = 0;
          break;
        case 5:
          value *= 1e-25f;
          break;
        case 6:
          value *= 1e15f;
          break;
        default:
          break;
      }
    }
  }
  return x;
}

// Weights of codes, on their own grid where they have one.
TEST_P(Int8, BitsOfTheReferenceOfEveryForm) {
  for (const PackedForm& form : packed_forms()) {
    for (const auto& [n, k] : {std::pair<int64_t, int64_t>{35, 160}, {33, 300}, {70, 77}}) {
      if (form.block > 64 && k != 160) continue;
      SCOPED_TRACE(form.name + ", blocks of " + std::to_string(form.block) + ", n " +
                   std::to_string(n) + ", k " + std::to_string(k));
      Random random(static_cast<uint32_t>(n + k));
      const PackedWeight packed = make_packed(random, form, n, k);
      const Matrix x = rows_of_every_kind(random, 40, k), added = random_matrix(random, 40, n);
      const ops::PreparedWeight here = ops_->prepare_linear({&packed.weight, 1}, kInt8),
                                there = ref_->prepare_linear({&packed.weight, 1}, kInt8);
      const auto run = [&](Ops& on, const ops::PreparedWeight& w, int64_t m) {
        const Tensor residual = upload(on, rows_of(added, 0, m));
        return download(on, on.linear(upload(on, rows_of(x, 0, m)), {w, {}},
                                      ops::Activation::kIdentity, &residual));
      };
      const Matrix expected = run(*ref_, there, 40);
      for (const int64_t m : {1, 2, 3, 5, 40}) {
        expect_same_bits(run(*ops_, here, m), rows_of(expected, 0, m));
        if (HasFailure()) return;
      }
    }
  }
}

// The definition itself, against the floats that the codes mean: a number of x is off by no more
// than half of its group's step, the 254th part of the range of the group and 0.
TEST_P(Int8, IsWithinHalfAStepOfEveryNumber) {
  for (const PackedForm& form : packed_forms()) {
    if (form.kind == tensor::Codes::Kind::kFp8E4M3 || !form.whole_table) continue;  // no grid
    SCOPED_TRACE(form.name + ", blocks of " + std::to_string(form.block));
    constexpr int64_t kN = 20, kK = 160;
    Random random(11);
    const PackedWeight packed = make_packed(random, form, kN, kK);
    const Matrix x = rows_of_every_kind(random, 14, kK);
    const auto run = [&](const tensor::Weight& weight, ops::Compute compute) {
      const ops::PreparedWeight w = ref_->prepare_linear({&weight, 1}, compute);
      return download(*ref_, ref_->linear(upload(*ref_, x), {w, {}}));
    };
    const Matrix exact = run(make_weight(packed.floats), ops::Compute::kFloat32),
                 rounded = run(packed.weight, kInt8);
    for (int64_t i = 0; i < x.rows; ++i) {
      double low = 0, high = 0;  // of the row: no group's range is larger
      for (int64_t j = 0; j < kK; ++j) {
        low = std::min<double>(low, x.at(i, j));
        high = std::max<double>(high, x.at(i, j));
      }
      for (int64_t n = 0; n < kN; ++n) {
        double weights = 0;
        for (int64_t j = 0; j < kK; ++j) weights += std::abs(packed.floats.at(n, j));
        EXPECT_LE(std::abs(double{exact.at(i, n)} - rounded.at(i, n)),
                  1.01 * weights * (high - low) / 254 / 2)
            << "row " << i << ", column " << n;
      }
    }
    if (HasFailure()) return;
  }
}

// Gate and up of one form and of two; parts of several forms beside dense ones.
TEST_P(Int8, FormsBesideEachOther) {
  const std::vector<PackedForm>& forms = packed_forms();
  for (size_t i = 0; i < forms.size(); i += 3) {
    for (const size_t other : {i, (i + 7) % forms.size()}) {
      SCOPED_TRACE(forms[i].name + " and " + forms[other].name);
      Random random(static_cast<uint32_t>(i));
      const tensor::Weight gate = make_packed(random, forms[i], 35, 144).weight,
                           up = make_packed(random, forms[other], 35, 144).weight,
                           dense = make_weight(random_matrix(random, 9, 144));
      const Matrix x = rows_of_every_kind(random, 13, 144);
      const auto product = [&](Ops& on) {
        const ops::GatedWeight w{on.prepare_gated(gate, up, kInt8), {}};
        return download(on, on.gated_linear(upload(on, x), w, ops::Activation::kIdentity));
      };
      const auto stacked = [&](Ops& on) {
        const tensor::Weight parts[] = {gate, gate, dense, up, dense};
        return download(on, on.linear(upload(on, x), {on.prepare_linear(parts, kInt8), {}}));
      };
      expect_same_bits(product(*ops_), product(*ref_));
      expect_same_bits(stacked(*ops_), stacked(*ref_));
      if (HasFailure()) return;
    }
  }
}

TEST_P(Int8, WhatIsNotFiniteStaysSoOnAGrid) {
  const float inf = std::numeric_limits<float>::infinity(),
              nan = std::numeric_limits<float>::quiet_NaN();
  for (const PackedForm& form : packed_forms()) {
    SCOPED_TRACE(form.name);
    Random random(3);
    const PackedWeight packed = make_packed(random, form, 40, 96);
    Matrix x = random_matrix(random, 9, 96);
    x.at(3, 50) = inf;
    x.at(4, 95) = -inf;
    x.at(5, 0) = nan;
    x.at(6, 60) = 3e38f;  // a range beyond float32
    x.at(6, 61) = -3e38f;
    const auto run = [&](Ops& on) {
      const ops::PreparedWeight w = on.prepare_linear({&packed.weight, 1}, kInt8);
      return download(on, on.linear(upload(on, x), {w, {}}));
    };
    const Matrix actual = run(*ops_), expected = run(*ref_);
    for (int64_t i = 0; i < x.rows; ++i) {
      for (int64_t j = 0; j < 40; ++j)
        EXPECT_EQ(std::isfinite(actual.at(i, j)), std::isfinite(expected.at(i, j)))
            << "row " << i << ", column " << j;
      if (i < 3 || i > 6) expect_same_bits(rows_of(actual, i, 1), rows_of(expected, i, 1));
    }
    EXPECT_TRUE(std::isnan(expected.at(3, 0)) && std::isnan(expected.at(5, 0)));
    if (HasFailure()) return;
  }
}

TEST_P(Int8, WhatIsPackedStaysPacked) {
  if (ops_->name() != "cpu") GTEST_SKIP() << "the reference has no packed form";
  for (const PackedForm& form : packed_forms()) {
    if (form.kind == tensor::Codes::Kind::kFp8E4M3 || !form.whole_table) continue;  // no grid
    SCOPED_TRACE(form.name);
    Random random(3);
    const tensor::Weight weight = make_packed(random, form, 64, 256).weight;
    EXPECT_EQ(ops_->prepare_linear({&weight, 1}, kInt8)->bytes,
              ops_->prepare_linear({&weight, 1})->bytes);
  }
}

VECTON_FOR_EVERY_TARGET(Int8);

}  // namespace
}  // namespace vecton::test
