// What heads do to logits and vectors: activations, calibration, nearness, means, top_k.
#include <gmock/gmock.h>

#include <limits>
#include <map>

#include "ops/activation.h"
#include "ops/support.h"

namespace vecton::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                kInfinity = std::numeric_limits<float>::infinity();

using HeadOps = OpTest;

// Computed in double and rounded once: every backend gives the same bits.
template <typename Run>
void check(Ops& ops, Ops& ref, const Run& run) {
  Random random(1);
  for (const int64_t columns : {1, 2, 7, 100, 30522}) {
    for (const int64_t rows : {0, 1, 5}) {
      Matrix x = random_matrix(random, rows, columns, 20);
      if (rows > 1) x.at(1, 0) = 3e38f;
      if (rows > 2) x.at(2, 0) = -kInfinity;
      for (const Layout layout : {Layout::kDense, Layout::kStrided}) {
        const Matrix expected = download(ref, run(ref, upload(ref, x)));
        expect_same_bits(download(ops, run(ops, upload(ops, x, layout))), expected);
        const Tensor kept = upload(ops, x, layout);
        expect_same_bits(download(ops, run(ops, kept)), expected);
        expect_same_bits(download(ops, kept), x);
      }
    }
  }
}

TEST_P(HeadOps, Softmax) {
  check(*ops_, *ref_, [](Ops& on, Tensor x) { return on.softmax(std::move(x)); });
  Matrix x(2, 3);
  x.values = {0, std::log(2.0f), 0, 1000, 1000, -1000};
  const Matrix y = download(*ops_, ops_->softmax(upload(*ops_, x)));
  EXPECT_THAT(y.values, testing::Pointwise(testing::FloatNear(1e-6f),
                                           {0.25f, 0.5f, 0.25f, 0.5f, 0.5f, 0.0f}));
  x.values[1] = kNan;
  const Matrix bad = download(*ops_, ops_->softmax(upload(*ops_, x)));
  EXPECT_TRUE(std::isnan(bad.at(0, 1)));
  EXPECT_EQ(bad.at(1, 0), 0.5f);
}

TEST_P(HeadOps, Sigmoid) {
  check(*ops_, *ref_, [](Ops& on, Tensor x) { return on.sigmoid(std::move(x)); });
  Matrix x(1, 3);
  x.values = {0, 3e38f, kNan};
  const Matrix y = download(*ops_, ops_->sigmoid(upload(*ops_, x)));
  EXPECT_EQ(y.values[0], 0.5f);
  EXPECT_EQ(y.values[1], 1);
  EXPECT_TRUE(std::isnan(y.values[2]));
}

TEST_P(HeadOps, Softcap) {
  for (const float cap : {0.0f, 0.5f, 30.0f})
    check(*ops_, *ref_, [=](Ops& on, Tensor x) { return on.softcap(std::move(x), cap); });
  Matrix x(1, 3);
  x.values = {1, -1e9f, 0};
  EXPECT_THAT(download(*ops_, ops_->softcap(upload(*ops_, x), 2)).values,
              testing::ElementsAre(2 * std::tanh(0.5f), -2, 0));
}

TEST_P(HeadOps, LogSoftmax) {
  check(*ops_, *ref_, [](Ops& on, Tensor x) { return on.log_softmax(std::move(x)); });
  Matrix x(2, 2);
  x.values = {0, std::log(3.0f), 1000, -1000};
  EXPECT_THAT(download(*ops_, ops_->log_softmax(upload(*ops_, x))).values,
              testing::Pointwise(testing::FloatNear(1e-6f),
                                 {-std::log(4.0f), std::log(0.75f), 0.0f, -2000.0f}));
}

TEST_P(HeadOps, Standardize) {
  for (const double mean : {0.0, -3.25}) {
    for (const double sigma : {1.0, 0.1, 7.0}) {
      check(*ops_, *ref_,
            [=](Ops& on, Tensor x) { return on.standardize(std::move(x), mean, sigma); });
    }
  }
  Matrix x(1, 4);
  x.values = {3, 0.1f, kInfinity, kNan};
  const Matrix y = download(*ops_, ops_->standardize(upload(*ops_, x), 1, 0.3));
  EXPECT_EQ(y.values[0], static_cast<float>(2 / 0.3));
  EXPECT_EQ(y.values[1], static_cast<float>((0.1f - 1.0) / 0.3));
  EXPECT_EQ(y.values[2], kInfinity);
  EXPECT_TRUE(std::isnan(y.values[3]));
}

// Division by a count is float32's own, as its result in double is rounded once more.
TEST_P(HeadOps, StandardizeDividesAsFloat32Does) {
  Random random(7);
  const Matrix x = random_matrix(random, 50, 40, 100);
  for (const int64_t count : {1, 3, 7, 32, 300}) {
    const Matrix y =
        download(*ops_, ops_->standardize(upload(*ops_, x), 0, static_cast<double>(count)));
    for (size_t i = 0; i < x.values.size(); ++i)
      ASSERT_EQ(y.values[i], x.values[i] / static_cast<float>(count));
  }
}

TEST_P(HeadOps, ActivateExactly) {
  for (int act = 0; act <= static_cast<int>(ops::Activation::kHardshrink); ++act) {
    const auto kind = static_cast<ops::Activation>(act);
    check(*ops_, *ref_, [=](Ops& on, Tensor x) { return on.activate_exactly(std::move(x), kind); });
    Matrix x(1, 5);
    x.values = {-7.5f, -0.3f, 0, 0.4f, 21};
    const Matrix y = download(*ops_, ops_->activate_exactly(upload(*ops_, x), kind));
    for (size_t i = 0; i < x.values.size(); ++i)
      EXPECT_EQ(y.values[i], static_cast<float>(ops::activation_value(kind, x.values[i]))) << act;
  }
}

struct NearnessCase {
  ops::Nearness how;
  double (*of)(const std::vector<double>& a, const std::vector<double>& b);
};

double sum_over(const std::vector<double>& a, const std::vector<double>& b,
                double (*term)(double, double)) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += term(a[i], b[i]);
  return sum;
}

double product(const std::vector<double>& a, const std::vector<double>& b) {
  return sum_over(a, b, [](double x, double y) { return x * y; });
}

double cosine(const std::vector<double>& a, const std::vector<double>& b) {
  const double lengths = std::sqrt(product(a, a)) * std::sqrt(product(b, b));
  return lengths == 0 ? 0 : product(a, b) / lengths;
}

double euclidean(const std::vector<double>& a, const std::vector<double>& b) {
  return -std::sqrt(sum_over(a, b, [](double x, double y) { return (x - y) * (x - y); }));
}

double manhattan(const std::vector<double>& a, const std::vector<double>& b) {
  return -sum_over(a, b, [](double x, double y) { return std::abs(x - y); });
}

constexpr NearnessCase kNearness[] = {{ops::Nearness::kDot, product},
                                      {ops::Nearness::kCosine, cosine},
                                      {ops::Nearness::kEuclidean, euclidean},
                                      {ops::Nearness::kManhattan, manhattan}};

TEST_P(HeadOps, NearnessOfVectors) {
  Random random(4);
  for (const int64_t columns : {1, 2, 33, 384}) {
    for (const int64_t rows : {0, 1, 9}) {
      const Matrix q = random_matrix(random, 1, columns);
      Matrix d = random_matrix(random, rows, columns);
      if (rows > 2) d.values.assign(d.values.size(), 0.0f);
      if (rows > 2) d.at(1, 0) = 2;
      for (const auto& [how, expected] : kNearness) {
        for (const Layout layout : {Layout::kDense, Layout::kStrided}) {
          const Matrix y = download(
              *ops_, ops_->nearness(upload(*ops_, q, layout), upload(*ops_, d, layout), how));
          ASSERT_EQ(y.rows, 1);
          ASSERT_EQ(y.columns, rows);
          const std::vector<double> a(q.values.begin(), q.values.end());
          for (int64_t i = 0; i < rows; ++i) {
            const Matrix row = rows_of(d, i, 1);
            const std::vector<double> b(row.values.begin(), row.values.end());
            EXPECT_EQ(y.at(0, i), static_cast<float>(expected(a, b)));
          }
        }
      }
    }
  }
}

// By hand: (3, 4) and (0, 0), (3, 4), (-4, 3), (6, 8).
TEST_P(HeadOps, NearnessByHand) {
  Matrix q(1, 2), d(4, 2);
  q.values = {3, 4};
  d.values = {0, 0, 3, 4, -4, 3, 6, 8};
  const auto near = [&](ops::Nearness how) {
    return download(*ops_, ops_->nearness(upload(*ops_, q), upload(*ops_, d), how)).values;
  };
  EXPECT_THAT(near(ops::Nearness::kDot), testing::ElementsAre(0, 25, 0, 50));
  EXPECT_THAT(near(ops::Nearness::kCosine), testing::ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(near(ops::Nearness::kEuclidean),
              testing::ElementsAre(-5, 0, static_cast<float>(-std::sqrt(50.0)), -5));
  EXPECT_THAT(near(ops::Nearness::kManhattan), testing::ElementsAre(-7, 0, -8, -7));
}

using Weights = std::map<int32_t, float>;

ops::SparseRows sparse(Ops& ops, const std::vector<Weights>& rows) {
  std::vector<float> values;
  std::vector<int32_t> columns, offsets{0};
  for (const Weights& row : rows) {
    for (const auto& [column, value] : row) {
      columns.push_back(column);
      values.push_back(value);
    }
    offsets.push_back(static_cast<int32_t>(columns.size()));
  }
  return {.values = ops.upload(values, 1, static_cast<int64_t>(values.size())),
          .columns = ops.upload_indices(columns),
          .offsets = ops.upload_indices(offsets)};
}

Weights random_weights(Random& random, int count, int32_t columns) {
  Weights weights;
  for (int i = 0; i < count; ++i)
    weights[static_cast<int32_t>(random() % static_cast<uint32_t>(columns))] =
        uniform(random, -2, 2);
  return weights;
}

// Sparse rows are as near as the same rows written out.
TEST_P(HeadOps, NearnessOfSparseRows) {
  constexpr int32_t kColumns = 200;
  Random random(5);
  for (const int of_query : {0, 1, 20, 150}) {
    const Weights query = random_weights(random, of_query, kColumns);
    std::vector<Weights> others = {{}, query, {{0, 1.5f}}, {{kColumns - 1, -1.0f}}};
    for (const int count : {3, 40, 190}) others.push_back(random_weights(random, count, kColumns));
    const auto written_out = [](const Weights& weights) {
      std::vector<double> dense(kColumns);
      for (const auto& [column, value] : weights) dense[static_cast<size_t>(column)] = value;
      return dense;
    };
    for (const auto& [how, expected] : kNearness) {
      const Matrix y =
          download(*ops_, ops_->nearness(sparse(*ops_, {query}), sparse(*ops_, others), how));
      ASSERT_EQ(y.columns, static_cast<int64_t>(others.size()));
      for (size_t i = 0; i < others.size(); ++i) {
        EXPECT_EQ(y.values[i],
                  static_cast<float>(expected(written_out(query), written_out(others[i]))))
            << "row " << i << " of a query of " << query.size();
      }
    }
  }
  EXPECT_EQ(download(*ops_, ops_->nearness(sparse(*ops_, {{{1, 2.0f}}}), sparse(*ops_, {}),
                                           ops::Nearness::kDot))
                .columns,
            0);
}

TEST_P(HeadOps, WeightedMean) {
  Matrix x(2, 2);
  x.values = {1, 5, 3, -3};
  const double weights[] = {1, 3};
  for (const Layout layout : {Layout::kDense, Layout::kStrided}) {
    const auto mean = [&](bool normalize) {
      return download(*ops_, ops_->weighted_mean(upload(*ops_, x, layout), weights, normalize));
    };
    EXPECT_THAT(mean(false).values, testing::ElementsAre(2.5f, -1));
    const double length = std::sqrt(2.5 * 2.5 + 1);
    EXPECT_THAT(mean(true).values, testing::ElementsAre(static_cast<float>(2.5 / length),
                                                        static_cast<float>(-1 / length)));
  }
  const double one[] = {0.25};
  EXPECT_THAT(
      download(*ops_, ops_->weighted_mean(upload(*ops_, rows_of(x, 1, 1)), one, false)).values,
      testing::ElementsAre(3, -3));
  // A vector that is 0 stays: it has no direction.
  EXPECT_THAT(
      download(*ops_, ops_->weighted_mean(upload(*ops_, Matrix(2, 3)), weights, true)).values,
      testing::ElementsAre(0, 0, 0));
}

TEST_P(HeadOps, GatherColumns) {
  Random random(2);
  const Matrix x = random_matrix(random, 3, 40);
  const tensor::Indices columns = ops_->upload_indices({39, 0, 7, 7});
  for (const Layout layout : {Layout::kDense, Layout::kStrided}) {
    const Matrix y = download(*ops_, ops_->gather_columns(upload(*ops_, x, layout), columns));
    for (int64_t i = 0; i < 3; ++i) {
      EXPECT_THAT(rows_of(y, i, 1).values,
                  testing::ElementsAre(x.at(i, 39), x.at(i, 0), x.at(i, 7), x.at(i, 7)));
    }
  }
}

TEST_P(HeadOps, TopKTakesTheFirstOfEqualOnes) {
  Matrix x(2, 5);
  x.values = {1, 5, 3, 5, -1, 0, 0, 0, 0, 0};
  for (const Layout layout : {Layout::kDense, Layout::kStrided}) {
    const Ops::TopK top = ops_->top_k(upload(*ops_, x, layout), 3);
    EXPECT_THAT(download(*ops_, top.values).values, testing::ElementsAre(5, 5, 3, 0, 0, 0));
    EXPECT_THAT(download(*ops_, top.columns).values, testing::ElementsAre(1, 3, 2, 0, 1, 2));
  }
  EXPECT_EQ(ops_->top_k(upload(*ops_, Matrix(0, 5)), 2).values.columns(), 2);
}

TEST_P(HeadOps, DownloadsSeveralAtOnce) {
  Random random(3);
  const Matrix a = random_matrix(random, 3, 5), b = random_matrix(random, 0, 7),
               c = random_matrix(random, 1, 33);
  const Tensor all[] = {upload(*ops_, a), upload(*ops_, b), upload(*ops_, c, Layout::kStrided)};
  EXPECT_THAT(ops_->download_all(all), testing::ElementsAre(a.values, b.values, c.values));
}

VECTON_FOR_EVERY_TARGET(HeadOps);

}  // namespace
}  // namespace vecton::test
