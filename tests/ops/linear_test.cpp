// linear() and gated_linear().
#include <gmock/gmock.h>

#include "ops/support.h"
#include "vecton/error.h"

namespace vecton::test {
namespace {

struct LinearCase {
  int64_t n, k;
  tensor::DType dtype = tensor::DType::kF32;
  ops::Activation act = ops::Activation::kIdentity;
  bool bias = false, residual = false;
  Layout layout = Layout::kDense;
  std::vector<int64_t> parts = {};  // rows of the stacked weights; empty = one of n
  ops::Compute compute = ops::Compute::kFloat32;
};

std::string describe(const LinearCase& c) {
  return "n " + std::to_string(c.n) + ", k " + std::to_string(c.k) + ", " +
         std::string(tensor::to_string(c.dtype)) + ", activation " +
         std::to_string(static_cast<int>(c.act)) + (c.bias ? ", bias" : "") +
         (c.residual ? ", residual" : "") + (c.layout == Layout::kStrided ? ", strided" : "") +
         (c.parts.empty() ? "" : ", parts " + testing::PrintToString(c.parts)) + ", compute " +
         std::string(ops::to_string(c.compute));
}

// Every count up to 40, the borders of tiles beyond it.
std::vector<int64_t> row_counts() {
  std::vector<int64_t> counts;
  for (int64_t m = 0; m <= 40; ++m) counts.push_back(m);
  for (const int64_t m :
       {47, 48, 49, 63, 64, 65, 71, 72, 73, 95, 96, 97, 127, 128, 129, 191, 193}) {
    counts.push_back(m);
  }
  return counts;
}

// A few of them, for shapes that differ in n and k only.
const std::vector<int64_t> kFewRowCounts = {1, 2, 5, 8, 13, 31, 70};

constexpr tensor::DType kDTypes[] = {tensor::DType::kF32, tensor::DType::kBF16,
                                     tensor::DType::kF16};

// The reference's rows do not depend on one another, so it is asked once, for as many rows as any
// call has.
void check_linear(Ops& ops, Ops& ref, const LinearCase& c, const std::vector<int64_t>& counts) {
  SCOPED_TRACE(describe(c));
  Random random(static_cast<uint32_t>(c.n * 1009 + c.k));
  const int64_t most = *std::max_element(counts.begin(), counts.end());
  const Matrix x = random_matrix(random, most, c.k), residual = random_matrix(random, most, c.n);
  std::vector<tensor::Weight> weights, absolute;
  for (const int64_t n : c.parts.empty() ? std::vector<int64_t>{c.n} : c.parts) {
    weights.push_back(make_weight(random_matrix(random, n, c.k), c.dtype));
    absolute.push_back(magnitudes(weights.back()));
  }
  const Numbers bias = c.bias ? random_numbers(random, c.n) : Numbers();

  const auto run = [&](Ops& on, const std::vector<tensor::Weight>& w, const Matrix& in,
                       const Numbers& b, ops::Activation act, const Matrix& added,
                       const std::vector<int64_t>& rows) {
    const ops::LinearWeight weight{on.prepare_linear(w, c.compute), prepare(on, b)};
    EXPECT_EQ(weight.w->n, c.n);
    EXPECT_EQ(weight.w->k, c.k);
    EXPECT_GT(weight.w->bytes, 0);
    std::vector<Matrix> results;
    for (const int64_t m : rows) {
      const Tensor input = upload(on, rows_of(in, 0, m), c.layout);
      const Tensor extra = upload(on, rows_of(added, 0, m), c.layout);
      results.push_back(download(on, on.linear(input, weight, act, c.residual ? &extra : nullptr)));
    }
    return results;
  };
  const Matrix expected = run(ref, weights, x, bias, c.act, residual, {most})[0];
  const Matrix scale = run(ref, absolute, magnitudes(x), magnitudes(bias),
                           ops::Activation::kIdentity, magnitudes(residual), {most})[0];
  const std::vector<Matrix> results = run(ops, weights, x, bias, c.act, residual, counts);
  for (size_t i = 0; i < counts.size(); ++i) {
    SCOPED_TRACE("m " + std::to_string(counts[i]));
    expect_close(results[i], rows_of(expected, 0, counts[i]), rows_of(scale, 0, counts[i]),
                 sum_bound(c.k) + rounding_of_sums(ops, c.compute));
    if (testing::Test::HasFailure()) return;
  }
}

class Linear : public OpTest {
 protected:
  void check(const LinearCase& c, const std::vector<int64_t>& counts = kFewRowCounts) {
    if (!HasFailure() && has(c.compute)) check_linear(*ops_, *ref_, c, counts);
  }
};

// Each type of weights, and those that are rounded to be multiplied.
struct Kind {
  tensor::DType dtype;
  ops::Compute compute = ops::Compute::kFloat32;
};
constexpr Kind kKinds[] = {{tensor::DType::kF32},
                           {tensor::DType::kBF16},
                           {tensor::DType::kF16},
                           {tensor::DType::kF32, ops::Compute::kBFloat16},
                           {tensor::DType::kBF16, ops::Compute::kBFloat16},
                           {tensor::DType::kF16, ops::Compute::kBFloat16},
                           {tensor::DType::kF32, ops::Compute::kFloat16},
                           {tensor::DType::kBF16, ops::Compute::kFloat16},
                           {tensor::DType::kF16, ops::Compute::kFloat16},
                           {tensor::DType::kF32, ops::Compute::kInt8},
                           {tensor::DType::kBF16, ops::Compute::kInt8},
                           {tensor::DType::kF16, ops::Compute::kInt8}};

TEST_P(Linear, EveryRowCount) {
  for (const auto& [dtype, compute] : kKinds) {
    check({.n = 100, .k = 96, .dtype = dtype, .bias = true, .compute = compute}, row_counts());
    check({.n = 33, .k = 31, .dtype = dtype, .layout = Layout::kStrided, .compute = compute},
          row_counts());
  }
}

TEST_P(Linear, OddShapes) {
  const std::vector<int64_t> sizes = {1, 3, 7, 8, 15, 16, 17, 31, 33, 48, 63, 64, 65, 96, 100};
  for (const int64_t n : sizes) {
    for (const int64_t k : sizes) {
      for (const ops::Compute compute : computes()) {
        check({.n = n,
               .k = k,
               .dtype = kDTypes[(n + k) % 3],
               .bias = n % 2 == 1,
               .residual = k % 2 == 1,
               .compute = compute});
      }
    }
  }
}

TEST_P(Linear, LargeShapes) {
  for (const auto& [dtype, compute] : kKinds) {
    check({.n = 257, .k = 384, .dtype = dtype, .bias = true, .residual = true, .compute = compute});
    check({.n = 384, .k = 1000, .dtype = dtype, .bias = true, .compute = compute}, {1, 6, 17});
    check({.n = 1000, .k = 257, .dtype = dtype, .layout = Layout::kStrided, .compute = compute},
          {1, 8, 33});
    check({.n = 65, .k = 3072, .dtype = dtype, .compute = compute}, {1, 4, 9});
    check({.n = 2051, .k = 65, .dtype = dtype, .residual = true, .compute = compute}, {3, 16});
  }
}

TEST_P(Linear, ManyRows) {
  for (const ops::Compute compute : computes()) {
    check({.n = 130, .k = 70, .bias = true, .residual = true, .compute = compute},
          {256, 511, 1030});
  }
}

TEST_P(Linear, EveryActivation) {
  for (int act = 0; act <= static_cast<int>(ops::Activation::kHardshrink); ++act) {
    for (const bool residual : {false, true}) {
      check({.n = 100,
             .k = 33,
             .act = static_cast<ops::Activation>(act),
             .bias = true,
             .residual = residual,
             .layout = residual ? Layout::kStrided : Layout::kDense},
            {0, 1, 5, 6, 7, 16, 40});
    }
  }
}

TEST_P(Linear, StackedWeights) {
  for (const auto& [dtype, compute] : kKinds) {
    check({.n = 9, .k = 40, .dtype = dtype, .bias = true, .parts = {1, 3, 5}, .compute = compute});
    check({.n = 51, .k = 64, .dtype = dtype, .parts = {17, 17, 17}, .compute = compute});
    check({.n = 200,
           .k = 100,
           .dtype = dtype,
           .bias = true,
           .parts = {100, 50, 50},
           .compute = compute});
    check({.n = 96, .k = 48, .dtype = dtype, .parts = {64, 16, 16}, .compute = compute});
  }
}

TEST_P(Linear,
       ExtremeWeights) {  // the formats' own corners: subnormals, the largest numbers, zeros
  for (const tensor::DType dtype : kDTypes) {
    SCOPED_TRACE(tensor::to_string(dtype));
    Matrix w(1, 64);
    const float corners[] = {0.0f,     -0.0f,    65504.0f,        -65504.0f,
                             0x1p-24f, 0x1p-14f, 1023 * 0x1p-24f, 1.0f};
    for (int64_t i = 0; i < 64; ++i) w.values[i] = corners[i % 8] * (i % 3 == 0 ? 1.0f : 0.5f);
    Matrix x(64, 64);
    for (int64_t i = 0; i < 64; ++i) x.at(i, i) = 1;  // every weight by itself
    const std::vector<tensor::Weight> weights = {make_weight(w, dtype)};
    const auto run = [&](Ops& on) {
      return download(on, on.linear(upload(on, x), {on.prepare_linear(weights), {}}));
    };
    const Matrix expected = run(*ref_);
    expect_close(run(*ops_), expected, Matrix(64, 1, 0), kRoundoff);
  }
}

// A table and a head made of one matrix: both give what they give by themselves.
TEST_P(Linear, TiedToATable) {
  for (const tensor::DType dtype : kDTypes) {
    for (const int64_t n : {1, 33, 200}) {
      Random random(static_cast<uint32_t>(n));
      const tensor::Weight words = make_weight(random_matrix(random, n, 50), dtype),
                           types = make_weight(random_matrix(random, 2, 50), dtype);
      const Matrix x = random_matrix(random, 7, 50);
      std::vector<int32_t> ids(300), zeros(300);
      for (int32_t& id : ids) id = static_cast<int32_t>(random() % n);
      const auto embed = [&](const ops::PreparedWeight& table, const ops::PreparedWeight& other) {
        const Ops::Lookup lookups[] = {{*table, ops_->upload_indices(ids)},
                                       {*other, ops_->upload_indices(zeros)},
                                       {*table, ops_->upload_indices(ids)}};
        return download(*ops_, ops_->embed(lookups));
      };
      const ops::PreparedWeight table = ops_->prepare_table(words),
                                other = ops_->prepare_table(types);
      const Matrix expected = embed(table, other);
      const ops::LinearWeight head{ops_->prepare_linear({&words, 1}), {}};
      expect_same_bits(embed(table, other), expected);
      const std::unique_ptr<Ops> alone = make(*pool_);
      const ops::LinearWeight by_itself{alone->prepare_linear({&words, 1}), {}};
      expect_same_bits(download(*ops_, ops_->linear(upload(*ops_, x), head)),
                       download(*alone, alone->linear(upload(*alone, x), by_itself)));
    }
  }
}

// Activations alone, over all magnitudes: x goes through a weight of 1.
TEST_P(Linear, ActivationsOverTheirRange) {
  std::vector<float> xs = {0.0f, -0.0f, 1e-30f, -1e-30f, 1e4f, -1e4f, 1e9f, -1e9f, 3e38f, -3e38f};
  for (float x = -105; x <= 105; x += 0.0625f) xs.push_back(x);
  for (float x = 1e-6f; x < 1; x *= 1.3f) xs.insert(xs.end(), {x, -x});
  Matrix x(static_cast<int64_t>(xs.size()), 1);
  x.values = xs;
  const std::vector<tensor::Weight> one = {make_weight(Matrix(1, 1, 1.0f))};
  for (int i = 0; i <= static_cast<int>(ops::Activation::kHardshrink); ++i) {
    SCOPED_TRACE("activation " + std::to_string(i));
    const auto act = static_cast<ops::Activation>(i);
    const auto run = [&](Ops& on) {
      return download(on, on.linear(upload(on, x), {on.prepare_linear(one), {}}, act));
    };
    Matrix scale(x.rows, 1, 1e-30f);
    if (act == ops::Activation::kGelu || act == ops::Activation::kGeluTanh) {  // 1 + erf(x) cancels
      for (int64_t j = 0; j < x.rows; ++j) scale.values[j] = std::min(std::abs(xs[j]), 8.0f);
    }
    expect_close(run(*ops_), run(*ref_), scale, 8 * kRoundoff);
  }
}

// Parts of any types are one matrix, which takes half of what float32 does.
TEST_P(Linear, HalfFloatsTakeHalf) {
  Random random(7);
  const tensor::Weight parts[] = {make_weight(random_matrix(random, 64, 64), tensor::DType::kF32),
                                  make_weight(random_matrix(random, 32, 64), tensor::DType::kBF16),
                                  make_weight(random_matrix(random, 32, 64), tensor::DType::kF16)};
  const auto bytes = [&](ops::Compute compute) {
    return ops_->prepare_linear({&parts[0], 1}, compute)->bytes;
  };
  const Matrix x = random_matrix(random, 9, 64);
  for (const ops::Compute compute : computes()) {
    if (ops::rounds_to(compute) == tensor::DType::kF32) continue;
    if (ops_->name() != "irreducible") {
      EXPECT_EQ(2 * bytes(compute), bytes(ops::Compute::kFloat32));
    }
    const auto run = [&](Ops& on) {
      return download(on, on.linear(upload(on, x), {on.prepare_linear(parts, compute), {}}));
    };
    expect_close(run(*ops_), run(*ref_), Matrix(9, 128, 64),
                 sum_bound(64) + rounding_of_sums(*ops_, compute));
  }
}

// What a target does not have is refused by its name.
TEST_P(Linear, OtherComputesAreRefused) {
  const tensor::Weight weight = make_weight(Matrix(2, 4, 1));
  for (const ops::Compute compute : ops::kComputes) {
    if (has(compute)) continue;
    SCOPED_TRACE(ops::to_string(compute));
    for (const bool gated : {false, true}) {
      try {
        gated ? ops_->prepare_gated(weight, weight, compute)
              : ops_->prepare_linear({&weight, 1}, compute);
        ADD_FAILURE();
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
        EXPECT_EQ(error.field(), "compute");
        EXPECT_THAT(error.what(), testing::HasSubstr(std::string(ops::to_string(compute))));
      }
    }
  }
}

// A table that shares a matrix with a layer keeps its own numbers.
TEST_P(Linear, BFloat16LeavesATableAlone) {
  Random random(8);
  const tensor::Weight words = make_weight(random_matrix(random, 40, 50));
  const ops::PreparedWeight table = ops_->prepare_table(words);
  const Ops::Lookup lookup{*table, ops_->upload_indices({3, 39, 0})};
  const Matrix expected = download(*ops_, ops_->embed({&lookup, 1}));
  const ops::PreparedWeight layer = ops_->prepare_linear({&words, 1}, ops::Compute::kBFloat16);
  expect_same_bits(download(*ops_, ops_->embed({&lookup, 1})), expected);
}

struct GatedCase {
  int64_t n, k;
  tensor::DType dtype = tensor::DType::kF32;
  ops::Activation act = ops::Activation::kSilu;
  Layout layout = Layout::kDense;
  bool bias = false;
  ops::Compute compute = ops::Compute::kFloat32;
};

class GatedLinear : public OpTest {
 protected:
  void check(const GatedCase& c, const std::vector<int64_t>& counts = kFewRowCounts) {
    if (HasFailure() || !has(c.compute)) return;
    SCOPED_TRACE("n " + std::to_string(c.n) + ", k " + std::to_string(c.k) + ", " +
                 std::string(tensor::to_string(c.dtype)) + ", activation " +
                 std::to_string(static_cast<int>(c.act)) + (c.bias ? ", bias" : "") + ", compute " +
                 std::string(ops::to_string(c.compute)));
    Random random(static_cast<uint32_t>(c.n * 1013 + c.k));
    const int64_t most = *std::max_element(counts.begin(), counts.end());
    const Matrix x = random_matrix(random, most, c.k);
    const tensor::Weight gate = make_weight(random_matrix(random, c.n, c.k), c.dtype);
    const tensor::Weight up = make_weight(random_matrix(random, c.n, c.k), c.dtype);
    const Numbers bias = c.bias ? random_numbers(random, 2 * c.n) : Numbers();
    const auto run = [&](Ops& on, const tensor::Weight& g, const tensor::Weight& u,
                         const Numbers& b, const Matrix& in, ops::Activation act) {
      const ops::PreparedWeight w = on.prepare_gated(g, u, c.compute);
      EXPECT_EQ(w->n, c.n);
      EXPECT_EQ(w->k, c.k);
      return download(on, on.gated_linear(upload(on, in, c.layout), {w, prepare(on, b)}, act));
    };
    const Matrix expected = run(*ref_, gate, up, bias, x, c.act);
    const Matrix scale = run(*ref_, magnitudes(gate), magnitudes(up), magnitudes(bias),
                             magnitudes(x), ops::Activation::kIdentity);
    for (const int64_t m : counts) {
      SCOPED_TRACE("m " + std::to_string(m));
      expect_close(run(*ops_, gate, up, bias, rows_of(x, 0, m), c.act), rows_of(expected, 0, m),
                   rows_of(scale, 0, m), 2 * (sum_bound(c.k) + rounding_of_sums(*ops_, c.compute)));
      if (HasFailure()) return;
    }
  }
};

TEST_P(GatedLinear, EveryRowCount) {
  for (const auto& [dtype, compute] : kKinds)
    check({.n = 50, .k = 48, .dtype = dtype, .compute = compute}, row_counts());
}

TEST_P(GatedLinear, OddShapes) {
  const std::vector<int64_t> sizes = {1, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65, 100};
  for (const int64_t n : sizes) {
    for (const int64_t k : sizes) {
      for (const ops::Compute compute : computes()) {
        check({.n = n,
               .k = k,
               .dtype = kDTypes[(n + k) % 3],
               .layout = n % 2 == 1 ? Layout::kStrided : Layout::kDense,
               .bias = k % 2 == 1,
               .compute = compute},
              {1, 5, 8, 31});
      }
    }
  }
}

TEST_P(GatedLinear, LargeShapes) {
  for (const auto& [dtype, compute] : kKinds) {
    check({.n = 257, .k = 384, .dtype = dtype, .bias = true, .compute = compute}, {1, 8, 70});
    check({.n = 1000, .k = 130, .dtype = dtype, .compute = compute}, {1, 6, 33});
  }
}

TEST_P(GatedLinear, EveryActivation) {
  for (int act = 0; act <= static_cast<int>(ops::Activation::kLog1pRelu); ++act) {
    for (const bool bias : {false, true})
      check({.n = 40, .k = 33, .act = static_cast<ops::Activation>(act), .bias = bias},
            {0, 1, 7, 16});
  }
}

VECTON_FOR_EVERY_TARGET(Linear);
VECTON_FOR_EVERY_TARGET(GatedLinear);

}  // namespace
}  // namespace vecton::test
