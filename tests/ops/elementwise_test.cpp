// Operations element by element, rows of a cache, short convolutions.
#include <limits>

#include "ops/support.h"

namespace vecton::test {
namespace {

constexpr int64_t kColumns[] = {1, 3, 7, 8, 15, 16, 17, 31, 33, 100, 257};
constexpr Activation kActivations[] = {
    Activation::kIdentity, Activation::kGelu, Activation::kGeluTanh, Activation::kRelu,
    Activation::kSilu,     Activation::kTanh, Activation::kSigmoid,  Activation::kLog1pRelu};

using Elementwise = OpTest;

// `run(ops, x, y)` with tensors that are given for good and with tensors that are used elsewhere.
template <typename Run>
void check(Ops& ops, Ops& ref, const Run& run, double bound) {
  Random random(1);
  for (const int64_t columns : kColumns) {
    for (const int64_t rows : {0, 1, 2, 33, 300}) {
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(columns));
      const Matrix x = random_matrix(random, rows, columns, 4),
                   y = random_matrix(random, rows, columns, 4);
      for (const Layout layout : {Layout::kDense, Layout::kStrided}) {
        const Matrix expected = download(ref, run(ref, upload(ref, x), upload(ref, y)));
        const Matrix given =
            download(ops, run(ops, upload(ops, x, layout), upload(ops, y, layout)));
        const Tensor kept = upload(ops, x, layout), other = upload(ops, y, layout);
        const Matrix made = download(ops, run(ops, kept, other));
        expect_close(given, expected, Matrix(rows, columns, 0.1f), bound);
        expect_same_bits(made, given);
        expect_same_bits(download(ops, kept), x);
        expect_same_bits(download(ops, other), y);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST_P(Elementwise, Add) {
  check(
      *ops_, *ref_, [](Ops& on, Tensor x, const Tensor& y) { return on.add(std::move(x), y); }, 0);
}

TEST_P(Elementwise, Multiply) {
  check(
      *ops_, *ref_, [](Ops& on, Tensor x, const Tensor& y) { return on.multiply(std::move(x), y); },
      0);
}

TEST_P(Elementwise, Scale) {
  for (const float factor : {0.0f, -1.0f, 0.3f, 27.7f}) {
    check(
        *ops_, *ref_,
        [=](Ops& on, Tensor x, const Tensor&) { return on.scale(std::move(x), factor); }, 0);
  }
}

TEST_P(Elementwise, Activate) {
  for (const Activation act : kActivations) {
    SCOPED_TRACE("activation " + std::to_string(static_cast<int>(act)));
    check(
        *ops_, *ref_,
        [=](Ops& on, Tensor x, const Tensor&) { return on.activate(std::move(x), act); },
        64 * kRoundoff);
  }
}

// The fused activation of a linear layer and the one by itself: the same bits, at every place of a
// row and over all magnitudes.
TEST_P(Elementwise, ActivateGivesTheBitsOfLinear) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                  kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> xs = {0.0f,  -0.0f,  1e-30f, -1e-30f,   1e9f,      -1e9f,
                           3e38f, -3e38f, kNan,   kInfinity, -kInfinity};
  for (float x = -105; x <= 105; x += 0.37f) xs.push_back(x);
  for (float x = 1e-6f; x < 1; x *= 1.3f) xs.insert(xs.end(), {x, -x});
  Matrix column(static_cast<int64_t>(xs.size()), 1), row(1, static_cast<int64_t>(xs.size()));
  column.values = row.values = xs;
  const std::vector<Weight> one = {make_weight(Matrix(1, 1, 1.0f))};
  const PreparedWeight prepared = ops_->prepare_linear(one);
  for (const Activation act : kActivations) {
    SCOPED_TRACE("activation " + std::to_string(static_cast<int>(act)));
    Matrix fused = download(*ops_, ops_->linear(upload(*ops_, column), {prepared, nullptr}, act));
    // A sum begins at +0, so linear() itself makes +0 of -0.
    const Tensor sums = ops_->linear(upload(*ops_, column), {prepared, nullptr});
    expect_same_bits(download(*ops_, ops_->activate(sums, act)), fused);
    Matrix across(1, row.columns);
    across.values = download(*ops_, sums).values;
    std::swap(fused.rows, fused.columns);
    expect_same_bits(download(*ops_, ops_->activate(upload(*ops_, across), act)), fused);
  }
}

using StoreRows = OpTest;

TEST_P(StoreRows, WritesOnlyThose) {
  Random random(2);
  for (const int64_t columns : kColumns) {
    for (const int64_t count : {0, 1, 5, 40}) {
      const Matrix x = random_matrix(random, 50, columns), old = random_matrix(random, 64, columns);
      std::vector<int32_t> from(count), to(count);
      Matrix expected = old;
      for (int64_t i = 0; i < count; ++i) {
        from[i] = static_cast<int32_t>((i * 7) % 50);
        to[i] = static_cast<int32_t>((i * 11 + 3) % 64);
        for (int64_t j = 0; j < columns; ++j) expected.at(to[i], j) = x.at(from[i], j);
      }
      for (const Layout layout : {Layout::kDense, Layout::kStrided}) {
        const Tensor into = upload(*ops_, old);
        ops_->store_rows(upload(*ops_, x, layout), from, into, to);
        expect_same_bits(download(*ops_, into), expected);
      }
    }
  }
}

class ShortConv : public OpTest {
 protected:
  struct Case {
    std::vector<int32_t> lengths;
    int64_t columns, width;
    bool bias;
  };

  void check(const Case& c) {
    if (HasFailure()) return;
    SCOPED_TRACE("lengths " + testing::PrintToString(c.lengths) + ", " + std::to_string(c.columns) +
                 " columns, width " + std::to_string(c.width));
    Random random(static_cast<uint32_t>(c.columns * 10 + c.width));
    const Rows rows = all_rows(c.lengths);
    const Matrix x = random_matrix(random, rows.count(), c.columns);
    const Vector weight = random_vector(random, c.columns * c.width);
    const Vector bias = c.bias ? random_vector(random, c.columns) : nullptr;
    const auto run = [&](Ops& on, const Matrix& in, const Vector& w, const Vector& b,
                         Layout layout) {
      return download(on, on.short_conv(upload(on, in, layout), w, b, rows));
    };
    const Matrix expected = run(*ref_, x, weight, bias, Layout::kDense);
    const Matrix scale =
        run(*ref_, magnitudes(x), magnitudes(weight), magnitudes(bias), Layout::kDense);
    for (const Layout layout : {Layout::kDense, Layout::kStrided})
      expect_close(run(*ops_, x, weight, bias, layout), expected, scale, sum_bound(c.width));
    // A sequence by itself.
    int64_t first = 0;
    const Matrix together = run(*ops_, x, weight, bias, Layout::kDense);
    for (const int32_t length : c.lengths) {
      const Matrix alone =
          download(*ops_, ops_->short_conv(upload(*ops_, rows_of(x, first, length)), weight, bias,
                                           all_rows({length})));
      expect_same_bits(alone, rows_of(together, first, length));
      first += length;
    }
  }
};

TEST_P(ShortConv, EverySize) {
  for (const int64_t columns : kColumns) {
    for (const int64_t width : {1, 2, 3, 4, 9}) {
      check({{}, columns, width, true});
      check({{1, 2, 0, 5, 33, 0, 3}, columns, width, columns % 2 == 0});
    }
  }
  check({{700, 1, 300}, 130, 3, true});
}

VECTON_FOR_EVERY_TARGET(Elementwise);
VECTON_FOR_EVERY_TARGET(StoreRows);
VECTON_FOR_EVERY_TARGET(ShortConv);

}  // namespace
}  // namespace vecton::test
