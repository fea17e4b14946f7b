#include "cli/agreement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace vecton::cli {
namespace {

double value_of(const std::vector<Measure>& measures, std::string_view name) {
  const auto place = std::ranges::find(measures, name, &Measure::name);
  return place == measures.end() ? std::nan("") : place->value;
}

Result with(Answer answer) {
  Result result;
  result.answer = std::move(answer);
  return result;
}

Result vector(std::vector<float> values) {
  const auto columns = static_cast<int64_t>(values.size());
  return with(Vectors{.rows = 1, .columns = columns, .values = std::move(values)});
}

TEST(Agreement, OfVectorsIsTheirCosine) {
  const std::vector<Result> a = {vector({1, 0}), vector({0, 2})},
                            b = {vector({3, 0}), vector({1, 1})};
  EXPECT_DOUBLE_EQ(value_of(agreement(a, a), "least_cosine"), 1);
  EXPECT_NEAR(value_of(agreement(a, b), "least_cosine"), std::sqrt(0.5), 1e-7);
  EXPECT_NEAR(value_of(agreement(a, b), "mean_cosine"), (1 + std::sqrt(0.5)) / 2, 1e-7);
  EXPECT_TRUE(std::isnan(value_of(agreement(a, b), "top10_kept")))
      << "two texts have no ten others";
}

// Vectors on a circle: one that moves across it takes another's place among the neighbours.
TEST(Agreement, CountsTheNeighboursThatAreKept) {
  std::vector<Result> a;
  for (int i = 0; i < 14; ++i)
    a.push_back(
        vector({std::cos(0.1f * static_cast<float>(i)), std::sin(0.1f * static_cast<float>(i))}));
  EXPECT_DOUBLE_EQ(value_of(agreement(a, a), "top10_kept"), 1);
  std::vector<Result> b = a;
  b[0] = vector({-1, 0});
  const double kept = value_of(agreement(a, b), "top10_kept");
  EXPECT_LT(kept, 1);
  EXPECT_GT(kept, 0.8);
}

TEST(Agreement, OfTokensRanksByMaxSim) {
  const auto tokens = [](std::vector<float> values) {
    return with(Vectors{.rows = 2, .columns = 2, .values = std::move(values)});
  };
  const std::vector<Result> a = {tokens({1, 0, 0, 1}), tokens({1, 0, 1, 0}),
                                 tokens({0.5f, 0, 0, 0.5f})};
  EXPECT_DOUBLE_EQ(value_of(agreement(a, a), "max_sim_tau"), 1);
  std::vector<Result> b = a;
  b[2] = tokens({2, 0, 0, 2});
  EXPECT_LT(value_of(agreement(a, b), "max_sim_tau"), 1);
}

TEST(Agreement, OfSparseVectorsIsTheirCosine) {
  const std::vector<Result> a = {with(SparseVector{.ids = {1, 5}, .values = {3, 4}})},
                            b = {with(SparseVector{.ids = {5, 9}, .values = {2, 0}})};
  EXPECT_DOUBLE_EQ(value_of(agreement(a, a), "least_cosine"), 1);
  EXPECT_DOUBLE_EQ(value_of(agreement(a, b), "least_cosine"), 0.8);
}

TEST(Agreement, OfLabelsCountsTheLikeliest) {
  const std::vector<Result> a = {with(Labels{
                                .rows = 2, .columns = 2, .values = {0.9f, 0.1f, 0.4f, 0.6f}})},
                            b = {with(Labels{
                                .rows = 2, .columns = 2, .values = {0.8f, 0.2f, 0.6f, 0.4f}})};
  EXPECT_DOUBLE_EQ(value_of(agreement(a, b), "same_label"), 0.5);
  EXPECT_NEAR(value_of(agreement(a, b), "largest_difference"), 0.2, 1e-6);
}

TEST(Agreement, OfScoresIsKendallsTau) {
  const auto score = [](float logit) { return with(Relevance{.score = logit, .logit = logit}); };
  const std::vector<Result> a = {score(1), score(2), score(3)}, b = {score(1), score(3), score(2)};
  EXPECT_DOUBLE_EQ(value_of(agreement(a, a), "kendall_tau"), 1);
  EXPECT_NEAR(value_of(agreement(a, b), "kendall_tau"), 1.0 / 3, 1e-12);
  EXPECT_DOUBLE_EQ(value_of(agreement(a, b), "largest_difference"), 1);
  const double ties[] = {1, 1, 2}, order[] = {1, 2, 3};
  EXPECT_NEAR(kendall_tau(ties, order), 2 / std::sqrt(6), 1e-12);
}

TEST(Agreement, OfCompletionsEndsAtTheFirstOtherToken) {
  const auto tokens = [](std::vector<int32_t> ids) {
    Generation made;
    made.completions.push_back(Completion{.token_ids = std::move(ids)});
    return with(std::move(made));
  };
  const std::vector<Result> a = {tokens({1, 2, 3, 4})}, b = {tokens({1, 2, 9, 4})};
  EXPECT_DOUBLE_EQ(value_of(agreement(a, b), "same_tokens"), 0.5);
}

}  // namespace
}  // namespace vecton::cli
