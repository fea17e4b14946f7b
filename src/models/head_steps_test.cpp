// Heads that several families have, as they are read from a checkpoint's tensors; sizes that must
// fit together.
#include "models/head_steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_tensors.h"
#include "models/equal_heads.h"

namespace vecton::models {
namespace {

using ::testing::ElementsAre;

checkpoint::Config config_of(const std::string& more = "") {
  return checkpoint::Config(
      base::parse_json(R"({"hidden_size": 2, "vocab_size": 5, "num_labels": 3)" + more + "}",
                       "config.json")
          .as_object(),
      "config.json");
}

class HeadStepsTest : public ::testing::Test {
 protected:
  // Tensors of these names and shapes; their numbers count up from `from`.
  checkpoint::Weights weights(
      const std::vector<std::pair<std::string, std::vector<int64_t>>>& tensors) {
    std::vector<testing::NamedArray> arrays;
    float next = 1;
    for (const auto& [name, shape] : tensors) {
      int64_t size = 1;
      for (const int64_t n : shape) size *= n;
      std::vector<float> values;
      for (int64_t i = 0; i < size; ++i) values.push_back(next++);
      arrays.push_back({name, shape, std::move(values)});
    }
    testing::write_safetensors(folder_.path() / "model.safetensors", arrays);
    return checkpoint::Weights::open(folder_.path(), *ops_);
  }
  std::vector<float> run(const checkpoint::HeadStep& step, const std::vector<float>& row) {
    const Tensor x = ops_->upload(row, 1, static_cast<int64_t>(row.size()));
    return testing::values_of(*ops_, ops_->linear(x, step.linear, step.activation));
  }
  const testing::TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

TEST_F(HeadStepsTest, BertsTokensHaveOneLayer) {
  const checkpoint::Weights w = weights({{"classifier.weight", {3, 2}}, {"classifier.bias", {3}}});
  const checkpoint::HeadWeights head =
      bert_classifier(checkpoint::HeadKind::kTokenClassification, 3, w, 2);
  w.check_taken();
  EXPECT_TRUE(head.every_token);
  ASSERT_EQ(head.steps.size(), 1u);
  EXPECT_THAT(run(head.steps[0], {1, 10}), ElementsAre(21 + 7, 43 + 8, 65 + 9));
}

TEST_F(HeadStepsTest, BertsTextsHaveAPoolerBeforeIt) {
  const checkpoint::Weights w = weights({{"pooler.dense.weight", {2, 2}},
                                         {"pooler.dense.bias", {2}},
                                         {"classifier.weight", {3, 2}},
                                         {"classifier.bias", {3}}});
  const checkpoint::HeadWeights head =
      bert_classifier(checkpoint::HeadKind::kSequenceClassification, 3, w, 2);
  w.check_taken();
  EXPECT_FALSE(head.every_token);
  EXPECT_EQ(head.pooling, ops::Pooling::kCls);
  EXPECT_EQ(head.pooler_steps, 1u);
  ASSERT_EQ(head.steps.size(), 2u);
  EXPECT_EQ(head.steps[0].activation, ops::Activation::kTanh);
  EXPECT_THAT(run(head.steps[1], {0, 0}), ElementsAre(13, 14, 15));
}

TEST_F(HeadStepsTest, RobertasTextsReadTheirOwnNames) {
  const checkpoint::Weights w = weights({{"classifier.dense.weight", {2, 2}},
                                         {"classifier.dense.bias", {2}},
                                         {"classifier.out_proj.weight", {3, 2}},
                                         {"classifier.out_proj.bias", {3}}});
  const checkpoint::HeadWeights head =
      roberta_head(config_of(), checkpoint::HeadKind::kSequenceClassification, 3, w, 1e-5);
  w.check_taken();
  ASSERT_EQ(head.steps.size(), 2u);
  EXPECT_EQ(head.steps[0].activation, ops::Activation::kTanh);
  EXPECT_EQ(head.pooler_steps, 0u);
}

using Shapes = std::vector<std::pair<std::string, std::vector<int64_t>>>;

Shapes masked_lm_shapes() {
  return {{"lm_head.dense.weight", {2, 2}},
          {"lm_head.dense.bias", {2}},
          {"lm_head.layer_norm.weight", {2}},
          {"lm_head.layer_norm.bias", {2}},
          {"lm_head.bias", {5}},
          {"embeddings.word_embeddings.weight", {5, 2}}};
}

TEST_F(HeadStepsTest, RobertasMasksUseTheWordsWhereThereIsNoDecoder) {
  const checkpoint::HeadWeights head = roberta_head(config_of(), checkpoint::HeadKind::kMaskedLm, 3,
                                                    weights(masked_lm_shapes()), 1e-5);
  EXPECT_TRUE(head.every_token);
  ASSERT_EQ(head.steps.size(), 2u);
  EXPECT_EQ(head.steps[0].activation, ops::Activation::kGelu);
  ASSERT_TRUE(head.steps[0].norm);
  EXPECT_EQ(head.steps[0].norm->eps, 1e-5f);
  // Words begin at 16, the bias at 11: a column of words and its bias.
  EXPECT_THAT(run(head.steps[1], {1, 0}), ElementsAre(27, 30, 33, 36, 39));
}

TEST_F(HeadStepsTest, ADecoderOfItsOwnIsTaken) {
  Shapes shapes = masked_lm_shapes();
  shapes.push_back({"lm_head.decoder.weight", {5, 2}});
  const checkpoint::HeadWeights head =
      roberta_head(config_of(), checkpoint::HeadKind::kMaskedLm, 3, weights(shapes), 1e-5);
  EXPECT_THAT(run(head.steps[1], {1, 0}), ElementsAre(37, 40, 43, 46, 49));
}

TEST_F(HeadStepsTest, TheDecodersBiasHasTwoNames) {
  const checkpoint::Weights first = weights({{"bias", {5}}});
  EXPECT_THAT(testing::values_of(*ops_, decoder_bias(first, 5)), ElementsAre(1, 2, 3, 4, 5));
  const checkpoint::Weights second = weights({{"decoder.bias", {5}}});
  EXPECT_THAT(testing::values_of(*ops_, decoder_bias(second, 5)), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_REFUSED(decoder_bias(weights({{"other", {5}}}), 5), ErrorCode::kCorrupt, "decoder.bias");
  EXPECT_REFUSED(decoder_bias(weights({{"bias", {4}}}), 5), ErrorCode::kCorrupt, "bias", "5");
}

TEST_F(HeadStepsTest, LabelsAndRowsMustBeAsMany) {
  const Shapes four = {{"classifier.weight", {4, 2}}, {"classifier.bias", {4}}};
  EXPECT_REFUSED(bert_classifier(checkpoint::HeadKind::kTokenClassification, 3, weights(four), 2),
                 ErrorCode::kCorrupt, "classifier", "3", "4");
}

TEST(EqualHeads, AreTheColumnsOfOne) {
  EXPECT_EQ(equal_heads(config_of(R"(, "heads": 2)"), "hidden_size", "heads"), 1);
  EXPECT_EQ(equal_heads(config_of(R"(, "n": 768, "heads": 12)"), "n", "heads"), 64);
  EXPECT_REFUSED(equal_heads(config_of(R"(, "n": 10, "heads": 4)"), "n", "heads"),
                 ErrorCode::kCorrupt, "config.json: n must be a multiple of heads");
  EXPECT_REFUSED(equal_heads(config_of(R"(, "n": 10, "heads": 0)"), "n", "heads"),
                 ErrorCode::kCorrupt, "heads");
  EXPECT_REFUSED(equal_heads(config_of(), "hidden_size", "heads"), ErrorCode::kCorrupt, "heads");
}

TEST(EqualHeads, MultiplesAreChecked) {
  EXPECT_NO_THROW(check_multiple(config_of(), "a", 12, "b", 4));
  EXPECT_NO_THROW(check_multiple(config_of(), "a", 0, "b", 4));
  EXPECT_REFUSED(check_multiple(config_of(), "a", 13, "b", 4), ErrorCode::kCorrupt,
                 "a must be a multiple of b");
}

}  // namespace
}  // namespace vecton::models
