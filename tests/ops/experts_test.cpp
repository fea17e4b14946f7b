// Mixtures of experts: route, experts, weighted_rows, clamped_swiglu.
#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "ops/support.h"

namespace vecton::test {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

class ExpertOps : public OpTest {
 protected:
  struct Chosen {
    std::vector<int32_t> experts;
    std::vector<float> weights;
  };
  Chosen route(const Numbers& logits, const ops::Router& router) {
    Matrix x(1, static_cast<int64_t>(logits.size()));
    x.values = logits;
    const ops::Routes routes = ops_->route(upload(*ops_, x), router);
    EXPECT_EQ(routes.weights.rows(), 1);
    EXPECT_EQ(routes.weights.columns(), router.k);
    return {ops_->download_indices(routes.experts), download(*ops_, routes.weights).values};
  }
  void expect_route(const Numbers& logits, const ops::Router& router,
                    const std::vector<int32_t>& experts, const Numbers& weights) {
    const Chosen chosen = route(logits, router);
    EXPECT_EQ(chosen.experts, experts);
    ASSERT_EQ(chosen.weights.size(), weights.size());
    for (size_t i = 0; i < weights.size(); ++i)
      EXPECT_NEAR(chosen.weights[i], weights[i], 1e-6f * std::max(1.0f, weights[i]));
  }
};

float sigmoid(double x) { return static_cast<float>(1 / (1 + std::exp(-x))); }

TEST_P(ExpertOps, SoftmaxIsOfAllExperts) {
  const Numbers logits = {0, std::log(3.0f), std::log(4.0f), -100};
  ops::Router router{.k = 2};
  expect_route(logits, router, {2, 1}, {0.5f, 0.375f});
  router.normalize = true;
  expect_route(logits, router, {2, 1}, {4 / 7.0f, 3 / 7.0f});
  router.scale = 2;
  expect_route(logits, router, {2, 1}, {8 / 7.0f, 6 / 7.0f});
  router.factors = prepare(*ops_, {1, 10, 100, 1000});
  expect_route(logits, router, {2, 1}, {800 / 7.0f, 60 / 7.0f});
  router.factors = {};
  router.least = 0.125;
  expect_route(logits, router, {2, 1}, {1, 0.75f});
}

TEST_P(ExpertOps, SoftmaxOfTheChosenIgnoresTheOthers) {
  expect_route({1, 5, 5 + std::log(3.0f), 4.9f},
               {.scores = ops::Router::Scores::kSoftmaxOfChosen, .k = 2}, {2, 1}, {0.75f, 0.25f});
}

TEST_P(ExpertOps, OfEqualOnesTheFirstIsChosen) {
  expect_route({2, 7, 7, 7}, {.scores = ops::Router::Scores::kSoftmaxOfChosen, .k = 2}, {1, 2},
               {0.5f, 0.5f});
}

TEST_P(ExpertOps, ACorrectionChoosesAndDoesNotWeigh) {
  ops::Router router{.scores = ops::Router::Scores::kSigmoid, .k = 2};
  expect_route({1, 2, -1, 0}, router, {1, 0}, {sigmoid(2), sigmoid(1)});
  router.correction = prepare(*ops_, {0, 0, 5, -5});
  expect_route({1, 2, -1, 0}, router, {2, 1}, {sigmoid(-1), sigmoid(2)});
  router.normalize = true;
  const float sum = sigmoid(-1) + sigmoid(2);
  expect_route({1, 2, -1, 0}, router, {2, 1}, {sigmoid(-1) / sum, sigmoid(2) / sum});
}

// The best expert of all is alone in its group, and the other group's two are better together.
TEST_P(ExpertOps, GroupsAreAsGoodAsTheirTwoBest) {
  ops::Router router{.scores = ops::Router::Scores::kSigmoid, .k = 2, .groups = 2, .top_groups = 1};
  const Numbers logits = {9, -9, -9, 3, 2, -9};
  expect_route(logits, router, {3, 4}, {sigmoid(3), sigmoid(2)});
  router.top_groups = 2;
  expect_route(logits, router, {0, 3}, {sigmoid(9), sigmoid(3)});
  router.groups = 6;  // of one expert each
  expect_route(logits, router, {0, 3}, {sigmoid(9), sigmoid(3)});
}

// Near is what lies within 2 jitter of the best, relative to the larger of both.
TEST_P(ExpertOps, SparseMixerWeighsAgainstWhatIsNear) {
  const ops::Router router{.scores = ops::Router::Scores::kSparseMixer, .k = 2, .jitter = 0.05f};
  expect_route({10, 9.5f, 8, 1}, router, {0, 1}, {static_cast<float>(1 / (1 + std::exp(-0.5))), 1});
  expect_route({10, 5, 4.9f, 1}, router, {0, 1}, {1, static_cast<float>(1 / (1 + std::exp(-0.1)))});
}

TEST_P(ExpertOps, RowsAreRoutedAlone) {
  Random random(3);
  const Matrix logits = random_matrix(random, 40, 16, 3);
  for (const auto scores :
       {ops::Router::Scores::kSoftmax, ops::Router::Scores::kSigmoid,
        ops::Router::Scores::kSoftmaxOfChosen, ops::Router::Scores::kSparseMixer}) {
    const ops::Router router{.scores = scores, .k = 2, .jitter = 0.01f};
    const ops::Routes all = ops_->route(upload(*ops_, logits, Layout::kStrided), router);
    const std::vector<int32_t> experts = ops_->download_indices(all.experts);
    const Matrix weights = download(*ops_, all.weights);
    ASSERT_EQ(experts.size(), 80u);
    for (int64_t i = 0; i < logits.rows; ++i) {
      const Chosen one = route(rows_of(logits, i, 1).values, router);
      EXPECT_THAT(one.experts, ElementsAre(experts[2 * i], experts[2 * i + 1]));
      EXPECT_THAT(one.weights, ElementsAre(weights.at(i, 0), weights.at(i, 1)));
    }
  }
}

enum class Gate { kStacked, kSplit, kNone };
constexpr Gate kGates[] = {Gate::kStacked, Gate::kSplit, Gate::kNone};

// Experts with gate, up and down of `n` by `k`.
ops::Experts make_experts(Ops& on, int64_t count, int64_t width, int64_t hidden, Gate kind) {
  Random random(static_cast<uint32_t>(width));
  ops::Experts experts{
      .all = {}, .activation = ops::Activation::kSilu, .alpha = 1.7f, .limit = 0.9f};
  const auto weight = [&](int64_t n, int64_t k) {
    return make_weight(random_matrix(random, n, k), tensor::DType::kBF16);
  };
  const auto linear = [&](int64_t n, int64_t k) {
    const tensor::Weight w = weight(n, k);
    return ops::LinearWeight{.w = on.prepare_linear({&w, 1}),
                             .bias = prepare(on, random_numbers(random, n))};
  };
  for (int64_t e = 0; e < count; ++e) {
    ops::Expert expert;
    if (kind == Gate::kSplit) {
      expert.up = ops::SplitGate{.gate = linear(width, hidden), .up = linear(width, hidden)};
    } else if (kind == Gate::kNone) {
      expert.up = linear(width, hidden);
    } else {
      const tensor::Weight gate = weight(width, hidden), up = weight(width, hidden);
      expert.up = ops::GatedWeight{.w = on.prepare_gated(gate, up), .bias = {}};
    }
    expert.down = linear(hidden, width);
    experts.all.push_back(std::move(expert));
  }
  return experts;
}

// Routes of `k` experts for every row, all of them used.
ops::Routes make_routes(Ops& on, int64_t rows, int64_t k, int64_t count) {
  Random random(static_cast<uint32_t>(rows + k));
  std::vector<int32_t> chosen;
  Matrix weights = random_matrix(random, rows, k);
  for (int64_t i = 0; i < rows; ++i) {
    std::vector<int32_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    chosen.insert(chosen.end(), order.begin(), order.begin() + k);
  }
  return {.experts = on.upload_indices(chosen), .weights = upload(on, weights)};
}

ops::Routes routes_of_row(Ops& on, const ops::Routes& all, int64_t row) {
  const int64_t k = all.weights.columns();
  const std::vector<int32_t> experts = on.download_indices(all.experts);
  return {
      .experts = on.upload_indices({experts.begin() + row * k, experts.begin() + (row + 1) * k}),
      .weights = upload(on, rows_of(download(on, all.weights), row, 1))};
}

TEST_P(ExpertOps, ExpertsAreTheReferences) {
  for (const Gate kind : kGates) {
    for (const int64_t rows : {1, 2, 37, 900}) {  // the last in two batches
      const auto run = [&](Ops& on) {
        Random random(5);
        const Matrix x = random_matrix(random, rows, 24);
        return download(on, on.experts(upload(on, x, Layout::kStrided), make_routes(on, rows, 3, 5),
                                       make_experts(on, 5, 20, 24, kind)));
      };
      expect_close(run(*ops_), run(*ref_), Matrix(rows, 24, 60), sum_bound(60));
    }
  }
}

// A row's bits do not depend on the rows that go to the same experts.
TEST_P(ExpertOps, RowsAreComputedAlone) {
  Random random(6);
  const Matrix x = random_matrix(random, 50, 24);
  for (const Gate kind : kGates) {
    const ops::Experts experts = make_experts(*ops_, 7, 20, 24, kind);
    const ops::Routes routes = make_routes(*ops_, x.rows, 3, 7);
    const Matrix all = download(*ops_, ops_->experts(upload(*ops_, x), routes, experts));
    for (int64_t i = 0; i < x.rows; ++i) {
      expect_same_bits(download(*ops_, ops_->experts(upload(*ops_, rows_of(x, i, 1)),
                                                     routes_of_row(*ops_, routes, i), experts)),
                       rows_of(all, i, 1));
    }
  }
}

TEST_P(ExpertOps, WeightedRowsAddInOrder) {
  Matrix parts(4, 2), weights(2, 2);
  parts.values = {1, 2, 10, 20, 3, 4, 30, 40};
  weights.values = {1, 0.5f, -1, 2};
  for (const Layout layout : {Layout::kDense, Layout::kStrided}) {
    const Matrix y = download(
        *ops_, ops_->weighted_rows(upload(*ops_, parts, layout), upload(*ops_, weights, layout)));
    EXPECT_THAT(y.values, ElementsAre(6, 12, 57, 76));
  }
  EXPECT_EQ(
      download(*ops_, ops_->weighted_rows(upload(*ops_, Matrix(0, 2)), upload(*ops_, Matrix(0, 3))))
          .rows,
      0);
}

TEST_P(ExpertOps, ClampedSwigluClampsTheGateAboveOnly) {
  Matrix gate(1, 4), up(1, 4);
  gate.values = {0.5f, 9, -9, 1};
  up.values = {0.25f, 9, -9, 0};
  const auto formula = [](double g, double u) {
    return static_cast<float>((u + 1) * g / (1 + std::exp(-1.702 * g)));
  };
  const Matrix y = download(
      *ops_,
      ops_->clamped_swiglu(upload(*ops_, gate), upload(*ops_, up, Layout::kStrided), 1.702f, 7));
  EXPECT_THAT(y.values, Pointwise(FloatNear(1e-5f), {formula(0.5, 0.25), formula(7, 7),
                                                     formula(-9, -7), formula(1, 0)}));
}

VECTON_FOR_EVERY_TARGET(ExpertOps);

}  // namespace
}  // namespace vecton::test
