// Weights of the vocabulary's tokens, computed by hand; the vocabulary has three, the logits of a
// row (a, b) are (a, b, -a).
#include "heads/sparse_head.h"

#include <cmath>

#include "backend/ref/ref_ops.h"
#include "heads/test_heads.h"

namespace vecton::heads {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::near;
using testing::Text;

class SparseHeadTest : public testing::HeadTest {
 protected:
  SparseHeadTest() : HeadTest(backend::make_ref_ops(), SparseEmbed{}) {}

  SpladeHead splade(checkpoint::SpladePooling pooling = {},
                    std::optional<int64_t> most = std::nullopt) {
    checkpoint::HeadWeights weights{.every_token = true};
    weights.steps = {{.linear = testing::linear_of(*ops_, 3, 2, {1, 0, 0, 1, -1, 0})}};
    return {weights, pooling, RowModules(), most};
  }
  LexicalHead lexical(std::set<int32_t> special = {}) {
    return {testing::linear_of(*ops_, 1, 2, {1, 1}, {-1}), std::move(special)};
  }
  static float log1p(double x) { return static_cast<float>(std::log1p(x)); }
  const Text text_{.ids = {7, 8}, .rows = {{1, 2}, {-3, 0.5f}}};
};

// max over rows of ln(1 + relu(x)): (1, 2, -1) and (-3, 0.5, 3).
TEST_F(SparseHeadTest, SpladeTakesTheLargestOfEachToken) {
  const testing::Given all = answer(splade(), text_);
  EXPECT_THAT(all.ids, ElementsAre(0, 1, 2));
  EXPECT_THAT(all.values, near({log1p(1), log1p(2), log1p(3)}));
  EXPECT_EQ(all.rows, 1);
  EXPECT_EQ(all.columns, 3);
}

TEST_F(SparseHeadTest, SpladeCanSum) {
  const testing::Given sum = answer(splade({.sum = true}), text_);
  EXPECT_THAT(sum.values, near({log1p(1), log1p(2) + log1p(0.5), log1p(3)}));
}

TEST_F(SparseHeadTest, SpladeCanTakeTheLogarithmTwice) {
  const testing::Given twice = answer(splade({.log_twice = true}), text_);
  EXPECT_THAT(twice.values, near({log1p(log1p(1)), log1p(log1p(2)), log1p(log1p(3))}));
}

TEST_F(SparseHeadTest, TokensOfNoWeightAreLeftOut) {
  const testing::Given one = answer(splade(), {.ids = {7}, .rows = {{0, 2}}});
  EXPECT_THAT(one.ids, ElementsAre(1));
  EXPECT_EQ(one.columns, 1);
  const testing::Given none = answer(splade(), {.ids = {7}, .rows = {{0, -2}}});
  EXPECT_THAT(none.ids, IsEmpty());
  EXPECT_EQ(none.columns, 0);
}

TEST_F(SparseHeadTest, TheMostLargestAreKeptInTheOrderOfTheVocabulary) {
  const testing::Given two = answer(splade({}, 2), text_);
  EXPECT_THAT(two.ids, ElementsAre(1, 2));
  EXPECT_THAT(two.values, near({log1p(2), log1p(3)}));
  EXPECT_EQ(two.columns, 2);
  EXPECT_THAT(answer(splade({}, 3), text_).ids, ElementsAre(0, 1, 2));
  EXPECT_THAT(answer(splade({}, 9), text_).ids, ElementsAre(0, 1, 2));
}

TEST_F(SparseHeadTest, OfEqualWeightsTheFirstTokensAreKept) {
  const Text even{.ids = {7, 8}, .rows = {{2, 2}, {-2, 2}}};
  EXPECT_THAT(answer(splade({}, 1), even).ids, ElementsAre(0));
  EXPECT_THAT(answer(splade({}, 2), even).ids, ElementsAre(0, 1));
}

TEST_F(SparseHeadTest, WhatIsNotFiniteIsKept) {
  const float nan = std::nanf("");
  const testing::Given broken = answer(splade(), {.ids = {7}, .rows = {{nan, 0}}});
  EXPECT_THAT(broken.ids, ::testing::Contains(0));
  EXPECT_TRUE(std::isnan(broken.values.front()));
}

// relu(a + b - 1) per token of the text; of a token that stands twice the larger.
TEST_F(SparseHeadTest, LexicalGivesEachTokenItsLargestWeight) {
  const Text text{.ids = {30, 10, 30, 20}, .rows = {{1, 1}, {3, 2}, {2, 2}, {0, 1}}};
  const testing::Given answer = this->answer(lexical(), text);
  EXPECT_THAT(answer.ids, ElementsAre(10, 30));  // 20 has the weight 0
  EXPECT_THAT(answer.values, ElementsAre(4, 3));
  EXPECT_EQ(answer.columns, 2);
}

TEST_F(SparseHeadTest, LexicalLeavesSpecialTokensOut) {
  const Text text{.ids = {101, 10, 102}, .rows = {{9, 9}, {3, 2}, {9, 9}}};
  EXPECT_THAT(answer(lexical({101, 102}), text).ids, ElementsAre(10));
  EXPECT_THAT(answer(lexical({10, 101, 102}), text).ids, IsEmpty());
}

TEST_F(SparseHeadTest, LexicalReadsTheTokensThatAreKept) {
  const std::vector<uint8_t> kept = {1, 0, 1};
  const auto keep = [&](Work& work) { work.answered = kept; };
  const Text text{.ids = {3, 4, 5}, .rows = {{1, 1}, {9, 9}, {2, 1}}};
  const testing::Given answer = this->answer(lexical(), text, keep);
  EXPECT_THAT(answer.ids, ElementsAre(3, 5));
  EXPECT_THAT(answer.values, ElementsAre(1, 2));
}

TEST_F(SparseHeadTest, StaticWeightsAreTheTokensOwnRows) {
  const Text text{.ids = {30, 10, 30, 20}, .rows = {{1.5f}, {0}, {1.5f}, {-2}}};
  const testing::Given all = answer(StaticWeightsHead(std::nullopt), text);
  EXPECT_THAT(all.ids, ElementsAre(20, 30));
  EXPECT_THAT(all.values, ElementsAre(-2, 1.5f));
  EXPECT_THAT(answer(StaticWeightsHead(1), text).ids, ElementsAre(20));  // by magnitude
}

TEST_F(SparseHeadTest, ATextHasTheSameBitsInAnyCompany) {
  const Text other{.ids = {1, 2, 3}, .rows = {{0.3f, 0.1f}, {0.7f, -1}, {2, 2}}};
  const auto plain = [](Work&) {};
  expect_same_alone(splade(), {text_, other, text_}, plain);
  expect_same_alone(splade({.sum = true}, 2), {other, text_}, plain);
  expect_same_alone(lexical(), {text_, other}, plain);
}

}  // namespace
}  // namespace vecton::heads
