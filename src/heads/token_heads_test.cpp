// Heads that answer with tokens' own numbers: vectors of tokens, the choice between two tokens,
// labels of a pooled vector; and the mean of the layers' states.
#include <cmath>

#include "backend/ref/ref_ops.h"
#include "checkpoint/test_tensors.h"
#include "heads/test_heads.h"
#include "heads/token_choice_head.h"
#include "heads/token_embedding_head.h"
#include "heads/vector_classifier_head.h"
#include "heads/weighted_layers.h"

namespace vecton::heads {
namespace {

using testing::activated;
using ::testing::ElementsAre;
using testing::linear_of;
using testing::near;
using testing::Text;
using testing::values_of;

class TokenHeadsTest : public testing::HeadTest {
 protected:
  TokenHeadsTest() : HeadTest(backend::make_ref_ops(), Score{.use_activation = false}) {}

  TokenChoiceHead choice(int tokens, float scale = 1, float softcap = 0) {
    std::vector<ops::LinearWeight> rows = {linear_of(*ops_, 1, 2, {1, 0})};
    if (tokens == 2) rows.push_back(linear_of(*ops_, 1, 2, {0, 1}));
    return {std::move(rows), scale, softcap, LabelActivation::kSigmoid};
  }
  const Text text_{.ids = {5, 6, 7}, .rows = {{3, 4}, {0, 2}, {-5, 12}}};
};

class TokenVectorsTest : public testing::HeadTest {
 protected:
  TokenVectorsTest() : HeadTest(backend::make_ref_ops(), TokenEmbed{}) {}
  const Text text_{.ids = {5, 6, 7}, .rows = {{3, 4}, {0, 2}, {-5, 12}}};
};

TEST_F(TokenVectorsTest, VectorsAreTheHiddenRows) {
  const TokenEmbeddingHead head(std::nullopt, RowModules(), false);
  const testing::Given all = answer(head, text_);
  EXPECT_EQ(all.rows, 3);
  EXPECT_EQ(all.columns, 2);
  EXPECT_THAT(all.values, ElementsAre(3, 4, 0, 2, -5, 12));
  EXPECT_THAT(all.positions, ElementsAre(0, 1, 2));
}

TEST_F(TokenVectorsTest, VectorsHaveLengthOneWhereThatIsAskedFor) {
  const TokenEmbeddingHead head(std::nullopt, RowModules(), false);
  EXPECT_THAT(answer(head, text_, activated).values,
              near({0.6f, 0.8f, 0, 1, -5 / 13.0f, 12 / 13.0f}));
}

TEST_F(TokenVectorsTest, TheDefaultCountsWhereTheRequestSaysNothing) {
  const TokenEmbeddingHead head(std::nullopt, RowModules(), true);
  EXPECT_THAT(answer(head, text_).values, near({0.6f, 0.8f, 0, 1, -5 / 13.0f, 12 / 13.0f}));
  const auto plain = [](Work& work) { work.tasks = {TokenEmbed{.normalize = false}}; };
  EXPECT_THAT(answer(head, text_, plain).values, ElementsAre(3, 4, 0, 2, -5, 12));
}

TEST_F(TokenVectorsTest, VectorsAreProjected) {
  const TokenEmbeddingHead head(linear_of(*ops_, 3, 2, {1, 0, 0, 1, 1, 1}), RowModules(), false);
  const testing::Given all = answer(head, text_);
  EXPECT_EQ(all.columns, 3);
  EXPECT_THAT(all.values, ElementsAre(3, 4, 7, 0, 2, 2, -5, 12, 7));
}

TEST_F(TokenVectorsTest, PicturesAreNamedByTheRowsOfTheAnswer) {
  const std::vector<ImageGrid> given = {{.image = 0, .begin = 2, .rows = 1, .columns = 2},
                                        {.image = 1, .begin = 6, .rows = 2, .columns = 1}};
  const HeadInput input{.images = given};
  tensor::Rows rows;
  rows.index = {9, 1, 2, 3, 5, 6, 7};  // tokens 0 and 4 have no rows
  rows.offsets = {0, 1, 7};
  EXPECT_THAT(images_of(input, rows, 1),
              ElementsAre(ImageGrid{.image = 0, .begin = 1, .rows = 1, .columns = 2},
                          ImageGrid{.image = 1, .begin = 4, .rows = 2, .columns = 1}));
  rows.index = {9, 1, 2, 4, 5, 6, 8};  // nor have patches
  EXPECT_THAT(images_of(input, rows, 1), ElementsAre());
}

TEST_F(TokenVectorsTest, TheFirstTokenCanHaveNone) {
  const TokenEmbeddingHead head(std::nullopt, RowModules(), false, true);
  const testing::Given rest = answer(head, text_);
  EXPECT_THAT(rest.values, ElementsAre(0, 2, -5, 12));
  EXPECT_THAT(rest.positions, ElementsAre(1, 2));
  const std::vector<uint8_t> kept = {1, 0, 1};
  EXPECT_THAT(wanted(head, {.ids = text_.ids, .answered = kept}), ElementsAre(2));
}

TEST_F(TokenVectorsTest, VectorsOfABatchGoToTheirTexts) {
  const std::vector<uint8_t> kept = {0, 1, 0};
  const auto second = [&, n = 0](Work& work) mutable {
    if (n++ == 0) work.answered = kept;
  };
  const auto both =
      answers(TokenEmbeddingHead(std::nullopt, RowModules(), false), {text_, text_}, second);
  EXPECT_THAT(both.at(0).values, ElementsAre(0, 2));
  EXPECT_THAT(both.at(0).positions, ElementsAre(1));
  EXPECT_THAT(both.at(1).values, ElementsAre(3, 4, 0, 2, -5, 12));
}

// yes - no, of the last token; sigmoid(x) = 1 / (1 + e^-x) is the softmax over both.
TEST_F(TokenHeadsTest, AChoiceIsTheDifferenceOfTwoLogits) {
  const testing::Given score = answer(choice(2), text_, activated);
  EXPECT_EQ(score.logit, 17);
  EXPECT_THAT(score.values, near({1 / (1 + std::exp(-17.0f))}));
  EXPECT_THAT(answer(choice(2), text_).values, ElementsAre(17));
  EXPECT_THAT(wanted(choice(2), {.ids = text_.ids}), ElementsAre(2));
}

TEST_F(TokenHeadsTest, AChoiceOfOneTokenIsItsLogit) {
  const testing::Given score = answer(choice(1), text_, activated);
  EXPECT_EQ(score.logit, -5);
  EXPECT_THAT(score.values, near({1 / (1 + std::exp(5.0f))}));
}

// softcap tanh(scale x / softcap) of each logit, before the difference.
TEST_F(TokenHeadsTest, LogitsAreScaledAndCapped) {
  EXPECT_FLOAT_EQ(answer(choice(2, 0.5f), text_).logit, 8.5f);
  const double no = 10 * std::tanh(-5 / 10.0), yes = 10 * std::tanh(12 / 10.0);
  EXPECT_NEAR(answer(choice(2, 1, 10), text_).logit, yes - no, 1e-5);
  const double half_no = 10 * std::tanh(-2.5 / 10), half_yes = 10 * std::tanh(6 / 10.0);
  EXPECT_NEAR(answer(choice(2, 0.5f, 10), text_).logit, half_yes - half_no, 1e-5);
}

TEST_F(TokenHeadsTest, ChoicesOfABatchGoToTheirTexts) {
  const Text other{.ids = {1}, .rows = {{2, 1}}};
  const auto both = answers(choice(2), {text_, other});
  EXPECT_EQ(both.at(0).logit, 17);
  EXPECT_EQ(both.at(1).logit, -1);
  expect_same_alone(choice(2, 0.5f, 10), {text_, other, text_}, activated);
}

TEST_F(TokenHeadsTest, APooledVectorIsScoredByItsLabels) {
  const VectorClassifierHead head(
      EmbeddingHead(RowModules(), {ops::Pooling::kLast}, true, RowModules(), {}),
      LabelActivation::kSoftmax);
  EXPECT_THAT(wanted(head, {.ids = text_.ids}), ElementsAre(2));
  const auto classify = [](bool use_activation) {
    return [=](Work& work) { work.tasks = {Classify{.use_activation = use_activation}}; };
  };
  EXPECT_THAT(answer(head, text_, classify(false)).values, ElementsAre(-5, 12));
  const float likely = 1 / (1 + std::exp(-17.0f));
  EXPECT_THAT(answer(head, text_, classify(true)).values, near({1 - likely, likely}));
}

class WeightedLayersTest : public ::testing::Test {
 protected:
  checkpoint::WeightedLayerPooling module(std::vector<float> weights, int64_t start) {
    const auto count = static_cast<int64_t>(weights.size());
    testing::write_safetensors(
        folder_.path() / "model.safetensors",
        std::vector<testing::NamedArray>{{"layer_weights", {count}, std::move(weights)}});
    return {.folder = folder_.path(), .layer_start = start, .width = 1, .num_hidden_layers = 2};
  }
  std::vector<float> mean(const checkpoint::WeightedLayerPooling& module) {
    std::vector<Tensor> states;
    for (const float value : {1.0f, 10.0f, 100.0f})
      states.push_back(ops_->upload(std::vector<float>{value, 2 * value}, 2, 1));
    return values_of(*ops_, WeightedLayers(module, 2, *ops_).mean(*ops_, std::move(states)));
  }
  const testing::TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

// sum of w x / sum of w over the states 1, 10, 100.
TEST_F(WeightedLayersTest, GiveTheWeightedMean) {
  EXPECT_THAT(mean(module({1, 1, 2}, 0)), near({211 / 4.0f, 211 / 2.0f}, 1e-5f));
  EXPECT_THAT(mean(module({3, 1}, 1)), near({130 / 4.0f, 130 / 2.0f}, 1e-5f));
  EXPECT_THAT(mean(module({5}, 2)), near({100, 200}, 1e-5f));
}

TEST_F(WeightedLayersTest, AreForAsManyLayersAsTheModelHas) {
  const checkpoint::WeightedLayerPooling two = module({1, 1, 2}, 0);
  EXPECT_REFUSED(WeightedLayers(two, 3, *ops_), ErrorCode::kCorrupt,
                 "config.json: \"num_hidden_layers\": the transformer has 3, found 2");
  const checkpoint::WeightedLayerPooling short_one = module({1, 2}, 0);
  EXPECT_REFUSED(WeightedLayers(short_one, 2, *ops_), ErrorCode::kCorrupt, "layer_weights");
}

}  // namespace
}  // namespace vecton::heads
