// Logits of labels: of a text's first, last or mean row, of its tokens, of steps of a process.
#include "heads/classifier_head.h"

#include <cmath>

#include "backend/ref/ref_ops.h"
#include "heads/test_heads.h"

namespace vecton::heads {
namespace {

using testing::activated;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::linear_of;
using testing::near;
using testing::Text;

class ClassifierHeadTest : public testing::HeadTest {
 protected:
  ClassifierHeadTest() : HeadTest(backend::make_ref_ops(), Classify{.use_activation = false}) {}

  // Logits (a + b, a - b) of a row (a, b).
  checkpoint::HeadStep sum_and_difference() {
    return {.linear = linear_of(*ops_, 2, 2, {1, 1, 1, -1})};
  }
  checkpoint::HeadStep sum() { return {.linear = linear_of(*ops_, 1, 2, {1, 1})}; }
  checkpoint::HeadWeights weights(ops::Pooling pooling, bool every_token = false) {
    checkpoint::HeadWeights weights{.every_token = every_token, .pooling = pooling};
    weights.steps = {sum_and_difference()};
    return weights;
  }
  const Text text_{.ids = {5, 6, 0}, .rows = {{1, 2}, {3, 5}, {5, -1}}};
};

TEST_F(ClassifierHeadTest, ReadsTheRowThatItPools) {
  EXPECT_THAT(answer(ClassifierHead(weights(ops::Pooling::kCls), {}), text_).values,
              ElementsAre(3, -1));
  EXPECT_THAT(answer(ClassifierHead(weights(ops::Pooling::kLast), {}), text_).values,
              ElementsAre(4, 6));
  EXPECT_THAT(answer(ClassifierHead(weights(ops::Pooling::kMean), {}), text_).values,
              ElementsAre(5, 1));
}

TEST_F(ClassifierHeadTest, TheLastTokenIsTheLastThatIsNoPadding) {
  checkpoint::HeadWeights last = weights(ops::Pooling::kLast);
  last.padding_id = 0;
  const ClassifierHead head(last, {});
  EXPECT_THAT(answer(head, text_).values, ElementsAre(8, -2));
  const auto at = [&](std::vector<int32_t> ids) { return wanted(head, {.ids = ids}); };
  EXPECT_THAT(at({0, 5, 0, 6, 0, 0}), ElementsAre(3));
  EXPECT_THAT(at({5}), ElementsAre(0));
  EXPECT_THAT(at({0, 0, 0}), ElementsAre(0));  // the first, where all are padding
}

// softmax(3, -1) = 1 / (1 + e^-4), sigmoid(x) = 1 / (1 + e^-x).
TEST_F(ClassifierHeadTest, ProbabilitiesAreGivenWhereTheyAreAskedFor) {
  const ClassifierHead softmax(weights(ops::Pooling::kCls), LabelActivation::kSoftmax);
  const float likely = 1 / (1 + std::exp(-4.0f));
  EXPECT_THAT(answer(softmax, text_, activated).values, near({likely, 1 - likely}));
  EXPECT_THAT(answer(softmax, text_).values, ElementsAre(3, -1));
  const ClassifierHead sigmoid(weights(ops::Pooling::kCls), LabelActivation::kSigmoid);
  EXPECT_THAT(answer(sigmoid, text_, activated).values,
              near({1 / (1 + std::exp(-3.0f)), 1 / (1 + std::exp(1.0f))}));
}

TEST_F(ClassifierHeadTest, OneBatchMixesLogitsAndProbabilities) {
  const ClassifierHead head(weights(ops::Pooling::kCls), LabelActivation::kSigmoid);
  const auto first_only = [n = 0](Work& work) mutable {
    work.tasks = {Classify{.use_activation = n++ == 0}};
  };
  const auto both = answers(head, std::vector<Text>{text_, text_}, first_only);
  EXPECT_THAT(both.at(0).values, near({0.9525741f, 0.2689414f}));
  EXPECT_THAT(both.at(1).values, ElementsAre(3, -1));
}

TEST_F(ClassifierHeadTest, AScoreKeepsItsLogit) {
  checkpoint::HeadWeights one{.pooling = ops::Pooling::kCls};
  one.steps = {sum()};
  const ClassifierHead head(one, LabelActivation::kSigmoid);
  const auto score = [](bool use_activation) {
    return [=](Work& work) { work.tasks = {Score{.use_activation = use_activation}}; };
  };
  const testing::Given probability = answer(head, text_, score(true));
  EXPECT_THAT(probability.values, near({1 / (1 + std::exp(-3.0f))}));
  EXPECT_EQ(probability.logit, 3);
  const testing::Given logit = answer(head, text_, score(false));
  EXPECT_THAT(logit.values, ElementsAre(3));
  EXPECT_EQ(logit.logit, 3);
  // Two labels are no score.
  EXPECT_THROW(answer(ClassifierHead(weights(ops::Pooling::kCls), {}), text_, score(true)), Error);
}

TEST_F(ClassifierHeadTest, LogitsOfABatchGoToTheirTexts) {
  checkpoint::HeadWeights one{.pooling = ops::Pooling::kCls};
  one.steps = {sum()};
  const std::vector<Text> texts = {
      text_, {.ids = {1}, .rows = {{7, 7}}}, {.ids = {1}, .rows = {{0, 0}}}};
  const auto scores = answers(ClassifierHead(one, LabelActivation::kSigmoid), texts,
                              [](Work& work) { work.tasks = {Score{}}; });
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_EQ(scores[0].logit, 3);
  EXPECT_EQ(scores[1].logit, 14);
  EXPECT_EQ(scores[2].logit, 0);
}

// norm(relu(W x)) and then the logits.
TEST_F(ClassifierHeadTest, StepsFollowOneAnother) {
  checkpoint::HeadWeights two{.pooling = ops::Pooling::kCls};
  checkpoint::HeadStep hidden{.linear = linear_of(*ops_, 2, 2, {1, 0, 0, -1}, {0, 1}),
                              .activation = ops::Activation::kRelu};  // relu(1, -2 + ... ) = (1, 0)
  two.steps = {hidden, sum_and_difference()};
  EXPECT_THAT(answer(ClassifierHead(two, {}), text_).values, ElementsAre(1, 1));
  two.steps[0].norm = testing::norm_of(*ops_, ops::NormWeight::Kind::kLayerNorm, {3, 3}, {1, 1}, 0);
  // (1, 0) has mean 1/2 and deviation 1/2: (1, -1) -> (4, -2).
  EXPECT_THAT(answer(ClassifierHead(two, {}), text_).values, near({2, 6}));
}

TEST_F(ClassifierHeadTest, TokenStepsComeBeforePooling) {
  checkpoint::HeadWeights two{.pooling = ops::Pooling::kMean, .token_steps = 1};
  two.steps = {
      {.linear = linear_of(*ops_, 2, 2, {1, 0, 0, 1}), .activation = ops::Activation::kRelu},
      sum_and_difference()};
  // relu takes the -1 of the last row away: means (3, 7/3).
  EXPECT_THAT(answer(ClassifierHead(two, {}), text_).values, near({16 / 3.0f, 2 / 3.0f}));
  two.token_steps = 0;  // means (3, 2) have nothing below 0
  EXPECT_THAT(answer(ClassifierHead(two, {}), text_).values, near({5, 1}));
}

TEST_F(ClassifierHeadTest, EveryTokenHasAnAnswer) {
  const testing::Given all = answer(ClassifierHead(weights(ops::Pooling::kCls, true), {}), text_);
  EXPECT_EQ(all.rows, 3);
  EXPECT_EQ(all.columns, 2);
  EXPECT_THAT(all.values, ElementsAre(3, -1, 8, -2, 4, 6));
  EXPECT_THAT(all.positions, ElementsAre(0, 1, 2));
}

TEST_F(ClassifierHeadTest, TokensThatAreNotKeptHaveNone) {
  const std::vector<uint8_t> kept = {0, 1, 0};
  const auto keep = [&](Work& work) { work.answered = kept; };
  const testing::Given middle =
      answer(ClassifierHead(weights(ops::Pooling::kCls, true), {}), text_, keep);
  EXPECT_THAT(middle.values, ElementsAre(8, -2));
  EXPECT_THAT(middle.positions, ElementsAre(1));
  const std::vector<uint8_t> none = {0, 0, 0};
  EXPECT_THAT(wanted(ClassifierHead(weights(ops::Pooling::kCls, true), {}),
                     {.ids = text_.ids, .answered = none}),
              IsEmpty());
}

TEST_F(ClassifierHeadTest, StepTagsChooseTokensAndColumns) {
  const ClassifierHead head(weights(ops::Pooling::kCls, true), {}, {.tag = 6, .columns = {1}});
  const testing::Given step = answer(head, text_);
  EXPECT_THAT(step.positions, ElementsAre(1));
  EXPECT_THAT(step.values, ElementsAre(-2));
  EXPECT_EQ(step.columns, 1);
  const std::vector<int32_t> ids = {6, 1, 6, 6};
  EXPECT_THAT(wanted(head, {.ids = ids}), ElementsAre(0, 2, 3));
}

TEST_F(ClassifierHeadTest, ColumnsAreChosenAfterTheProbabilities) {
  const ClassifierHead head(weights(ops::Pooling::kCls, true), LabelActivation::kSoftmax,
                            {.tag = 5, .columns = {1, 0}});
  const float likely = 1 / (1 + std::exp(-4.0f));
  EXPECT_THAT(answer(head, text_, activated).values, near({1 - likely, likely}));
}

TEST_F(ClassifierHeadTest, ATextHasTheSameBitsInAnyCompany) {
  const std::vector<Text> texts = {text_, {.ids = {4}, .rows = {{0.3f, 0.7f}}}, text_};
  for (const ops::Pooling pooling : {ops::Pooling::kCls, ops::Pooling::kLast, ops::Pooling::kMean})
    expect_same_alone(ClassifierHead(weights(pooling), LabelActivation::kSoftmax), texts,
                      activated);
  expect_same_alone(ClassifierHead(weights(ops::Pooling::kCls, true), LabelActivation::kLogSoftmax),
                    texts, activated);
}

}  // namespace
}  // namespace vecton::heads
