// What all decoders read of config.json, and their heads.
#include "models/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_tensors.h"

namespace vecton::models {
namespace {

const std::string kSizes = R"("hidden_size": 8, "num_attention_heads": 4, "num_hidden_layers": 2,
    "vocab_size": 10, "max_position_embeddings": 16)";

checkpoint::Config config_of(const std::string& more = "") {
  return checkpoint::Config(base::parse_json("{" + kSizes + more + "}", "config.json").as_object(),
                            "config.json");
}

TEST(DecoderShape, TakesWhatConfigJsonSaysAndTheDefaultsElse) {
  const ModelShape plain = decoder_shape(config_of());
  EXPECT_EQ(plain.kv_heads, 4);
  EXPECT_EQ(plain.head_dim, 2);
  EXPECT_TRUE(plain.causal);
  const ModelShape defaults =
      decoder_shape(config_of(), {.causal = false, .kv_heads = 2, .head_dim = 6});
  EXPECT_EQ(defaults.kv_heads, 2);
  EXPECT_EQ(defaults.head_dim, 6);
  EXPECT_FALSE(defaults.causal);
  const ModelShape said =
      decoder_shape(config_of(R"(, "num_key_value_heads": 1, "head_dim": 4, "is_causal": true)"),
                    {.causal = false, .kv_heads = 2, .head_dim = 6});
  EXPECT_EQ(said.kv_heads, 1);
  EXPECT_EQ(said.head_dim, 4);
  EXPECT_TRUE(said.causal);
  EXPECT_FALSE(decoder_shape(config_of(R"(, "use_bidirectional_attention": true)")).causal);
}

TEST(DecoderShape, RefusesNumbersThatDoNotDivide) {
  EXPECT_REFUSED(decoder_shape(config_of(R"(, "num_key_value_heads": 3)")), ErrorCode::kCorrupt,
                 "num_key_value_heads");
  EXPECT_REFUSED(decoder_shape(config_of(R"(, "head_dim": 3)")), ErrorCode::kCorrupt,
                 "head_dim must be even");
  EXPECT_REFUSED(decoder_shape(config_of(R"(, "hidden_size": 9)")), ErrorCode::kCorrupt,
                 "hidden_size");
}

TEST(DecoderWindow, CountsTheTokenItselfWhereItSeesOneSide) {
  EXPECT_EQ(decoder_window(5, true), 5);
  EXPECT_EQ(decoder_window(5, false), 6);
}

class DecoderHead : public ::testing::Test {
 protected:
  checkpoint::Weights weights(const std::vector<std::string>& names) {
    std::vector<testing::NamedArray> arrays;
    for (const std::string& name : names) {
      const int64_t rows = name.starts_with("score.0") ? 8 : 2;
      if (name.ends_with("bias")) {
        arrays.push_back({name, {rows}, std::vector<float>(static_cast<size_t>(rows))});
      } else {
        arrays.push_back({name, {rows, 8}, std::vector<float>(static_cast<size_t>(rows * 8))});
      }
    }
    testing::write_safetensors(folder_.path() / "model.safetensors", arrays);
    return checkpoint::Weights::open(folder_.path(), *ops_);
  }

  base::TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

TEST_F(DecoderHead, OfASequenceIsOneLayerForTheLastTokenThatIsNotPadding) {
  const checkpoint::HeadWeights head =
      decoder_head(config_of(R"(, "pad_token_id": 3)"),
                   checkpoint::HeadKind::kSequenceClassification, 2, weights({"score.weight"}));
  EXPECT_FALSE(head.every_token);
  EXPECT_EQ(head.pooling, ops::Pooling::kLast);
  EXPECT_EQ(head.padding_id, 3);
  ASSERT_EQ(head.steps.size(), 1u);
  EXPECT_TRUE(head.steps[0].linear.bias.empty());
}

TEST_F(DecoderHead, OfTokensHasABias) {
  const checkpoint::Config config = config_of();
  EXPECT_REFUSED(decoder_head(config, checkpoint::HeadKind::kTokenClassification, 2,
                              weights({"score.weight"})),
                 ErrorCode::kCorrupt, "score.bias: missing");
  const checkpoint::HeadWeights head =
      decoder_head(config, checkpoint::HeadKind::kTokenClassification, 2,
                   weights({"score.weight", "score.bias"}));
  EXPECT_TRUE(head.every_token);
  EXPECT_EQ(head.padding_id, -1);
}

TEST_F(DecoderHead, OfRewardModelsIsTwoLayersOfEveryToken) {
  const checkpoint::HeadWeights head =
      decoder_head(config_of(), checkpoint::HeadKind::kTokenClassification, 2,
                   weights({"score.0.weight", "score.0.bias", "score.2.weight", "score.2.bias"}));
  EXPECT_TRUE(head.every_token);
  ASSERT_EQ(head.steps.size(), 2u);
  EXPECT_EQ(head.steps[0].activation, ops::Activation::kRelu);
}

TEST_F(DecoderHead, TensorsOfHeadsAreNoTrouble) {
  checkpoint::Weights w = weights({"model.lm_head.weight", "score.weight", "qa_outputs.bias"});
  prepare_decoder(decoder_shape(config_of()), w);
  w.check_taken();
}

}  // namespace
}  // namespace vecton::models
