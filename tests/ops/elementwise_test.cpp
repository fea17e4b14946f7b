// Operations element by element, rows of a cache, short convolutions.
#include <limits>

#include "ops/activation.h"
#include "ops/support.h"

namespace vecton::test {
namespace {

constexpr int64_t kColumns[] = {1, 3, 7, 8, 15, 16, 17, 31, 33, 100, 257};

std::vector<ops::Activation> every_activation() {
  std::vector<ops::Activation> all;
  for (int act = 0; act <= static_cast<int>(ops::Activation::kHardshrink); ++act)
    all.push_back(static_cast<ops::Activation>(act));
  return all;
}

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
  for (const ops::Activation act : every_activation()) {
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
  const std::vector<tensor::Weight> one = {make_weight(Matrix(1, 1, 1.0f))};
  const ops::PreparedWeight prepared = ops_->prepare_linear(one);
  for (const ops::Activation act : every_activation()) {
    SCOPED_TRACE("activation " + std::to_string(static_cast<int>(act)));
    Matrix fused = download(*ops_, ops_->linear(upload(*ops_, column), {prepared, {}}, act));
    // A sum begins at +0, so linear() itself makes +0 of -0.
    const Tensor sums = ops_->linear(upload(*ops_, column), {prepared, {}});
    expect_same_bits(download(*ops_, ops_->activate(sums, act)), fused);
    Matrix across(1, row.columns);
    across.values = download(*ops_, sums).values;
    std::swap(fused.rows, fused.columns);
    expect_same_bits(download(*ops_, ops_->activate(upload(*ops_, across), act)), fused);
  }
}

// Values of torch.nn's modules, in float32.
TEST(ActivationValue, IsTorchs) {
  struct Row {
    ops::Activation act;
    std::vector<double> y;  // of -25, -4, -0.7, -0.3, 0, 0.3, 0.7, 4, 25
  };
  const double xs[] = {-25, -4, -0.7, -0.3, 0, 0.3, 0.7, 4, 25};
  const Row rows[] = {
      {ops::Activation::kGelu,
       {-0, -0.000126481056, -0.169374555, -0.114626579, 0, 0.18537344, 0.530625463, 3.99987364,
        25}},
      {ops::Activation::kRelu, {0, 0, 0, 0, 0, 0.300000012, 0.699999988, 4, 25}},
      {ops::Activation::kSilu,
       {-3.47198575e-10, -0.0719448403, -0.232268557, -0.127667248, 0, 0.172332764, 0.467731416,
        3.92805505, 25}},
      {ops::Activation::kTanh,
       {-1, -0.999329329, -0.604367793, -0.291312635, 0, 0.291312635, 0.604367793, 0.999329329, 1}},
      {ops::Activation::kSigmoid,
       {1.38879429e-11, 0.0179862101, 0.331812233, 0.425557494, 0.5, 0.574442506, 0.668187737,
        0.982013762, 1}},
      {ops::Activation::kLeakyRelu,
       {-0.25, -0.0399999991, -0.00699999975, -0.00300000003, 0, 0.300000012, 0.699999988, 4, 25}},
      {ops::Activation::kPRelu,
       {-6.25, -1, -0.174999997, -0.075000003, 0, 0.300000012, 0.699999988, 4, 25}},
      {ops::Activation::kRRelu,
       {-5.72916698, -0.916666687, -0.160416663, -0.0687500015, 0, 0.300000012, 0.699999988, 4,
        25}},
      {ops::Activation::kElu,
       {-1, -0.981684387, -0.50341469, -0.259181798, 0, 0.300000012, 0.699999988, 4, 25}},
      {ops::Activation::kElu,
       {-1, -0.981684387, -0.50341469, -0.259181798, 0, 0.300000012, 0.699999988, 4, 25}},
      {ops::Activation::kSelu,
       {-1.75809932, -1.72589862, -0.885053039, -0.455667347, 0, 0.315210313, 0.73549068,
        4.20280409, 26.2675247}},
      {ops::Activation::kSoftplus,
       {1.38879437e-11, 0.0181499291, 0.403186053, 0.554355264, 0.693147182, 0.854355276,
        1.10318601, 4.01814985, 25}},
      {ops::Activation::kMish,
       {-3.47198603e-10, -0.0725917518, -0.267870218, -0.15113318, 0, 0.20800139, 0.561148345,
        3.99741292, 25}},
      {ops::Activation::kHardtanh,
       {-1, -1, -0.699999988, -0.300000012, 0, 0.300000012, 0.699999988, 1, 1}},
      {ops::Activation::kHardSigmoid,
       {0, 0, 0.383333325, 0.450000018, 0.5, 0.550000012, 0.616666675, 1, 1}},
      {ops::Activation::kHardSwish,
       {-0, -0, -0.268333316, -0.135000005, 0, 0.165000007, 0.431666642, 4, 25}},
      {ops::Activation::kSoftsign,
       {-0.961538434, -0.800000012, -0.411764681, -0.230769247, 0, 0.230769247, 0.411764681,
        0.800000012, 0.961538434}},
      {ops::Activation::kRelu6, {0, 0, 0, 0, 0, 0.300000012, 0.699999988, 4, 6}},
      {ops::Activation::kTanhshrink,
       {-24, -3.00067067, -0.0956321955, -0.00868737698, 0, 0.00868737698, 0.0956321955, 3.00067067,
        24}},
      {ops::Activation::kLogSigmoid,
       {-25, -4.01814985, -1.10318601, -0.854355216, -0.693147182, -0.554355204, -0.403186053,
        -0.0181499291, -1.38879437e-11}},
      {ops::Activation::kSoftshrink, {-24.5, -3.5, -0.199999988, -0, 0, 0, 0.199999988, 3.5, 24.5}},
      {ops::Activation::kHardshrink, {-25, -4, -0.699999988, 0, 0, 0, 0.699999988, 4, 25}},
  };
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.y.size(); ++i) {
      EXPECT_NEAR(ops::activation_value(row.act, xs[i]), row.y[i],
                  1e-6 * std::max(1.0, std::abs(row.y[i])))
          << static_cast<int>(row.act) << " of " << xs[i];
    }
  }
}

// Every number between two of the type, those halfway and next to it among them, both infinities
// and NaN: the bits of the definition.
TEST_P(Elementwise, RoundTo) {
  for (const tensor::DType dtype : kNarrowTypes) {
    SCOPED_TRACE(to_string(dtype));
    Random random(3);
    Matrix x(1, 0);
    for (const float value :
         {0.0f, -0.0f, 447.9f, 448.0f, 464.0f, 1e5f, 57344.0f, 61440.0f, 1e38f, 3.4e38f, 0x1p-9f,
          0x1p-10f, 0x1.8p-10f, 0x1p-16f, 0x1p-17f, 0x1p-126f, 0x1p-149f,
          std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      x.values.push_back(value);
      x.values.push_back(-value);
    }
    for (int exponent = -24; exponent <= 17; ++exponent) {
      for (int i = 0; i < 64; ++i) {
        const float value = std::ldexp(1 + static_cast<float>(i) / 64, exponent);
        for (const float near : {value, std::nextafter(value, 0.0f), std::nextafter(value, 1e9f)})
          x.values.push_back(i % 2 ? near : -near);
      }
    }
    for (int i = 0; i < 1000; ++i) x.values.push_back(uniform(random, -3, 3));
    x.columns = static_cast<int64_t>(x.values.size());
    const Matrix expected = download(*ref_, ref_->round_to(upload(*ref_, x), dtype));
    const Matrix rounded =
        download(*ops_, ops_->round_to(upload(*ops_, x, Layout::kStrided), dtype));
    expect_same_bits(rounded, expected);
    expect_same_bits(download(*ops_, ops_->round_to(upload(*ops_, rounded), dtype)), rounded);
    const Tensor kept = upload(*ops_, x);
    expect_same_bits(download(*ops_, ops_->round_to(kept, dtype)), expected);
    expect_same_bits(download(*ops_, kept), x);
  }
  check(
      *ops_, *ref_,
      [](Ops& on, Tensor x, const Tensor&) {
        return on.round_to(std::move(x), tensor::DType::kBF16);
      },
      0);
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
        ops_->store_rows(upload(*ops_, x, layout), ops_->upload_indices(from), into,
                         ops_->upload_indices(to));
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
    const tensor::Rows rows = all_rows(c.lengths);
    const Matrix x = random_matrix(random, rows.count(), c.columns);
    const Matrix taps = random_matrix(random, c.width, c.columns);
    const Numbers bias = c.bias ? random_numbers(random, c.columns) : Numbers();
    const auto run = [&](Ops& on, const Matrix& in, const Matrix& w, const Numbers& b,
                         Layout layout) {
      return download(on, on.short_conv(upload(on, in, layout), upload(on, w), prepare(on, b),
                                        on.upload_rows(rows)));
    };
    const Matrix expected = run(*ref_, x, taps, bias, Layout::kDense);
    const Matrix scale =
        run(*ref_, magnitudes(x), magnitudes(taps), magnitudes(bias), Layout::kDense);
    for (const Layout layout : {Layout::kDense, Layout::kStrided})
      expect_close(run(*ops_, x, taps, bias, layout), expected, scale, sum_bound(c.width));
    // A sequence by itself.
    int64_t first = 0;
    const Matrix together = run(*ops_, x, taps, bias, Layout::kDense);
    for (const int32_t length : c.lengths) {
      const Matrix alone = download(
          *ops_, ops_->short_conv(upload(*ops_, rows_of(x, first, length)), upload(*ops_, taps),
                                  prepare(*ops_, bias), ops_->upload_rows(all_rows({length}))));
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
