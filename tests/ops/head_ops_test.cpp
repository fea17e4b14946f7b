// What heads do to logits: softmax, sigmoid, softcap, top_k, gather_columns.
#include <gmock/gmock.h>

#include <limits>

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

TEST_P(HeadOps, GatherColumns) {
  Random random(2);
  const Matrix x = random_matrix(random, 3, 40);
  const Indices columns = ops_->upload_indices({39, 0, 7, 7});
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
