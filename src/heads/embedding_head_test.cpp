// One vector of a text's rows: poolings, parts, lengths and cuts, computed by hand.
#include "heads/embedding_head.h"

#include <cmath>

#include "backend/ref/ref_ops.h"
#include "heads/test_heads.h"

namespace vecton::heads {
namespace {

using testing::activated;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::near;
using testing::Text;

class EmbeddingHeadTest : public testing::HeadTest {
 protected:
  EmbeddingHeadTest() : HeadTest(backend::make_ref_ops(), Embed{.normalize = false}) {}

  static EmbeddingHead head(std::vector<ops::Pooling> pooling, bool include_prompt = true,
                            std::optional<int64_t> truncate = std::nullopt) {
    return {RowModules(), std::move(pooling), include_prompt, RowModules(), {.truncate = truncate}};
  }
  const Text three_{.ids = {5, 6, 7}, .rows = {{1, -2}, {4, 0}, {-2, 8}}};
  const Text one_{.ids = {5}, .rows = {{3, 4}}};
};

// (1, -2), (4, 0), (-2, 8): sums (3, 6).
TEST_F(EmbeddingHeadTest, Poolings) {
  const float root = std::sqrt(3.0f);
  const std::pair<ops::Pooling, std::vector<float>> cases[] = {
      {ops::Pooling::kCls, {1, -2}},
      {ops::Pooling::kLast, {-2, 8}},
      {ops::Pooling::kMean, {1, 2}},
      {ops::Pooling::kMax, {4, 8}},
      {ops::Pooling::kMeanSqrtLen, {3 / root, 6 / root}},
      {ops::Pooling::kWeightedMean, {(1 + 8 - 6) / 6.0f, (-2 + 0 + 24) / 6.0f}},
  };
  for (const auto& [pooling, expected] : cases) {
    const testing::Text& text = three_;
    const testing::Given answer = this->answer(head({pooling}), text);
    EXPECT_THAT(answer.values, near(expected)) << static_cast<int>(pooling);
    EXPECT_EQ(answer.rows, 1);
    EXPECT_EQ(answer.columns, 2);
    EXPECT_THAT(answer.ids, IsEmpty());
  }
}

TEST_F(EmbeddingHeadTest, OfOneTokenAllPoolingsAreItsRow) {
  for (const ops::Pooling pooling :
       {ops::Pooling::kCls, ops::Pooling::kLast, ops::Pooling::kMean, ops::Pooling::kMax,
        ops::Pooling::kMeanSqrtLen, ops::Pooling::kWeightedMean})
    EXPECT_THAT(answer(head({pooling}), one_).values, ElementsAre(3, 4))
        << static_cast<int>(pooling);
}

TEST_F(EmbeddingHeadTest, SeveralPoolingsStandSideBySideInTheirOrder) {
  EXPECT_THAT(answer(head({ops::Pooling::kMean, ops::Pooling::kMax}), three_).values,
              ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(
      answer(head({ops::Pooling::kMax, ops::Pooling::kCls, ops::Pooling::kLast}), three_).values,
      ElementsAre(4, 8, 1, -2, -2, 8));
}

TEST_F(EmbeddingHeadTest, WantsTheRowsThatItPools) {
  const Work input{.ids = three_.ids};
  EXPECT_THAT(wanted(head({ops::Pooling::kCls}), input), ElementsAre(0));
  EXPECT_THAT(wanted(head({ops::Pooling::kLast}), input), ElementsAre(2));
  EXPECT_THAT(wanted(head({ops::Pooling::kCls, ops::Pooling::kLast}), input), ElementsAre(0, 2));
  EXPECT_THAT(wanted(head({ops::Pooling::kMean}), input), ElementsAre(0, 1, 2));
  EXPECT_THAT(wanted(head({ops::Pooling::kLast, ops::Pooling::kMax}), input), ElementsAre(0, 1, 2));
}

TEST_F(EmbeddingHeadTest, TheFirstRowIsTheLastOfOneToken) {
  const Work input{.ids = one_.ids};
  EXPECT_THAT(wanted(head({ops::Pooling::kCls, ops::Pooling::kLast}), input), ElementsAre(0));
  EXPECT_THAT(answer(head({ops::Pooling::kCls, ops::Pooling::kLast}), one_).values,
              ElementsAre(3, 4, 3, 4));
}

TEST_F(EmbeddingHeadTest, ThePromptCanBeLeftOut) {
  const auto prompted = [](Work& work) { work.prompt_tokens = 2; };
  EXPECT_THAT(answer(head({ops::Pooling::kMean}, false), three_, prompted).values,
              ElementsAre(-2, 8));
  EXPECT_THAT(answer(head({ops::Pooling::kMean}, true), three_, prompted).values,
              ElementsAre(1, 2));
  const Work input{.ids = three_.ids, .prompt_tokens = 1};
  EXPECT_THAT(wanted(head({ops::Pooling::kMean}, false), input), ElementsAre(1, 2));
  EXPECT_THAT(wanted(head({ops::Pooling::kCls}, false), input), ElementsAre(1));
  EXPECT_THAT(wanted(head({ops::Pooling::kLast}, false), input), ElementsAre(2));
  EXPECT_THAT(wanted(head({ops::Pooling::kMean}, true), input), ElementsAre(0, 1, 2));
}

// Positions count from the prompt's beginning: weights 2 and 3 of rows 1 and 2.
TEST_F(EmbeddingHeadTest, WeightsGoOnAfterAPromptThatIsLeftOut) {
  const auto prompted = [](Work& work) { work.prompt_tokens = 1; };
  EXPECT_THAT(answer(head({ops::Pooling::kWeightedMean}, false), three_, prompted).values,
              near({(2 * 4 - 3 * 2) / 5.0f, (0 + 3 * 8) / 5.0f}));
}

TEST_F(EmbeddingHeadTest, LengthOneIsOfTheRequest) {
  EXPECT_THAT(answer(head({ops::Pooling::kCls}), one_, activated).values, near({0.6f, 0.8f}));
  EXPECT_THAT(answer(head({ops::Pooling::kCls}), one_).values, ElementsAre(3, 4));
}

// Matryoshka: cut first, then length 1.
TEST_F(EmbeddingHeadTest, DimensionsAreCutBeforeTheLengthIsMadeOne) {
  const Text text{.ids = {1}, .rows = {{3, 4, 12}}};
  const auto two = [](Work& work) { work.tasks = {Embed{.dimensions = 2, .normalize = true}}; };
  EXPECT_THAT(answer(head({ops::Pooling::kCls}), text, two).values, near({0.6f, 0.8f}));
  EXPECT_THAT(answer(head({ops::Pooling::kCls}), text, activated).values,
              near({3 / 13.0f, 4 / 13.0f, 12 / 13.0f}));
}

// truncate_dim of sentence-transformers cuts what is finished, so that the length is below 1.
TEST_F(EmbeddingHeadTest, ACheckpointsTruncationComesLast) {
  const Text text{.ids = {1}, .rows = {{3, 4, 12}}};
  const EmbeddingHead cut(RowModules(), {ops::Pooling::kCls}, true, RowModules(),
                          {.normalize = true, .truncate = 2});
  const auto silent = [](Work& work) { work.tasks = {Embed{}}; };
  EXPECT_THAT(answer(cut, text, silent).values, near({3 / 13.0f, 4 / 13.0f}));
  EXPECT_THAT(answer(head({ops::Pooling::kCls}, true, 9), text).values, ElementsAre(3, 4, 12));
  const auto one = [](Work& work) { work.tasks = {Embed{.dimensions = 1, .normalize = false}}; };
  EXPECT_THAT(answer(cut, text, one).values, ElementsAre(3));
}

// Who asks for a length gets it of what is left after the cut.
TEST_F(EmbeddingHeadTest, ALengthThatIsAskedForIsOfTheCutVector) {
  const Text text{.ids = {1}, .rows = {{3, 4, 12}}};
  const EmbeddingHead cut = head({ops::Pooling::kCls}, true, 2);
  EXPECT_THAT(answer(cut, text, activated).values, near({0.6f, 0.8f}));
  EXPECT_THAT(answer(cut, text).values, ElementsAre(3, 4));
}

TEST_F(EmbeddingHeadTest, TheDefaultsCountWhereTheRequestSaysNothing) {
  const Text text{.ids = {1}, .rows = {{3, 4, 12}}};
  const EmbeddingHead two(RowModules(), {ops::Pooling::kCls}, true, RowModules(),
                          {.normalize = true, .dimensions = 2});
  const auto silent = [](Work& work) { work.tasks = {Embed{}}; };
  EXPECT_THAT(answer(two, text, silent).values, near({0.6f, 0.8f}));
  EXPECT_THAT(answer(two, text).values, ElementsAre(3, 4));  // asked not to
  const auto all = [](Work& work) { work.tasks = {Embed{.dimensions = 3, .normalize = false}}; };
  EXPECT_THAT(answer(two, text, all).values, ElementsAre(3, 4, 12));
}

TEST_F(EmbeddingHeadTest, EveryPartIsPooledForItself) {
  const std::vector<int64_t> parts = {1, 3};
  const auto in_parts = [&](Work& work) { work.parts = parts; };
  const testing::Given means = answer(head({ops::Pooling::kMean}), three_, in_parts);
  EXPECT_EQ(means.rows, 2);
  EXPECT_THAT(means.values, ElementsAre(1, -2, 1, 4));
  EXPECT_THAT(answer(head({ops::Pooling::kLast}), three_, in_parts).values,
              ElementsAre(1, -2, -2, 8));
  EXPECT_THAT(answer(head({ops::Pooling::kCls}), three_, in_parts).values,
              ElementsAre(1, -2, 4, 0));
}

// Weights begin at 1 in every part: (1 * 4 + 2 * -2) / 3, (0 + 2 * 8) / 3.
TEST_F(EmbeddingHeadTest, PositionsBeginAnewInEveryPart) {
  const std::vector<int64_t> parts = {1, 3};
  const auto in_parts = [&](Work& work) { work.parts = parts; };
  EXPECT_THAT(answer(head({ops::Pooling::kWeightedMean}), three_, in_parts).values,
              near({1, -2, 0, 16 / 3.0f}));
}

TEST_F(EmbeddingHeadTest, OneBatchHasTextsWithAndWithoutParts) {
  const std::vector<int64_t> parts = {2, 3};
  const auto first_in_parts = [&](Work& work) {
    if (work.ids.size() == 3) work.parts = parts;
  };
  const auto both =
      answers(head({ops::Pooling::kMean}), std::vector<Text>{three_, one_, three_}, first_in_parts);
  ASSERT_EQ(both.size(), 3u);
  EXPECT_THAT(both[0].values, ElementsAre(2.5, -1, -2, 8));
  EXPECT_THAT(both[1].values, ElementsAre(3, 4));
  EXPECT_EQ(both[2].values, both[0].values);
}

TEST_F(EmbeddingHeadTest, ATextHasTheSameBitsInAnyCompany) {
  std::vector<Text> texts;
  for (const int32_t length : {1, 4, 2, 7}) {
    Text text;
    for (int32_t i = 0; i < length; ++i) {
      text.ids.push_back(i);
      text.rows.push_back(testing::sines(5, 0.1 * (length + i)));
    }
    texts.push_back(text);
  }
  for (const ops::Pooling pooling :
       {ops::Pooling::kCls, ops::Pooling::kLast, ops::Pooling::kMean, ops::Pooling::kMax,
        ops::Pooling::kMeanSqrtLen, ops::Pooling::kWeightedMean})
    expect_same_alone(head({pooling}), texts, activated);
}

}  // namespace
}  // namespace vecton::heads
