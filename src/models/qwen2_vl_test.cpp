// What config.json says of the towers of Qwen2-VL and Qwen2.5-VL, and of settings that it says
// twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_parameters.h"
#include "models/tiny_model.h"

namespace vecton::models {
namespace {

const std::string kText = R"("hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1,
    "vocab_size": 10, "max_position_embeddings": 16, "intermediate_size": 12,
    "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 0]})";

const std::string kVision = R"("hidden_size": 8, "num_heads": 2, "intermediate_size": 6,
    "out_hidden_size": 8, "depth": 2, "patch_size": 2, "window_size": 8,
    "fullatt_block_indexes": [1])";

checkpoint::Config config_of(const std::string& text) {
  return checkpoint::Config(base::parse_json("{" + text + "}", "config.json").as_object(),
                            "config.json");
}

// As the first files of the family have it: the text model's settings beside the tower's.
checkpoint::Config flat(const std::string& vision) {
  return config_of(R"("architectures": ["Qwen2_5_VLForConditionalGeneration"],
      "image_token_id": 7, )" +
                   kText + R"(, "vision_config": {)" + vision + "}");
}

class Qwen2_5_VL : public ::testing::Test {
 protected:
  checkpoint::Weights weights() {
    testing::TinyWeights made;
    made.llama("model.", true);
    made.add("visual.patch_embed.proj.weight", {8, 3, 2, 2, 2});
    for (const char* i : {"0", "1"}) {
      const std::string block = "visual.blocks." + std::string(i) + ".";
      made.linear(block + "attn.qkv", 24, 8);
      made.linear(block + "attn.proj", 8, 8);
      made.linear(block + "mlp.gate_proj", 6, 8);
      made.linear(block + "mlp.up_proj", 6, 8);
      made.linear(block + "mlp.down_proj", 8, 6);
      made.add(block + "norm1.weight", {8});
      made.add(block + "norm2.weight", {8});
    }
    made.add("visual.merger.ln_q.weight", {8});
    made.linear("visual.merger.mlp.0", 32, 32);
    made.linear("visual.merger.mlp.2", 8, 32);
    return made.open(folder_.path(), *ops_);
  }

  std::vector<float> rows(const std::string& vision) {
    return testing::image_rows(*ops_, flat(vision), weights(), 8, 4, 24);
  }

  testing::TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

TEST_F(Qwen2_5_VL, LayersSeeWindowsOrAllAsConfigJsonSays) {
  const std::vector<float> some = rows(kVision);
  EXPECT_EQ(some.size(), 4U * 2U * 8U);
  EXPECT_NE(rows(testing::changed(kVision, "[1]", "[0, 1]")), some);
  EXPECT_NE(rows(testing::changed(kVision, "[1]", "[]")), some);
  EXPECT_NE(rows(testing::changed(kVision, "window_size\": 8", "window_size\": 16")), some);
}

TEST_F(Qwen2_5_VL, RefusesNumbersOfTheTowerThatDoNotFit) {
  const auto changed = [](const std::string& from, const std::string& to) {
    return testing::changed(kVision, from, to);
  };
  EXPECT_REFUSED(rows(changed("\"window_size\": 8", "\"window_size\": 3")), ErrorCode::kCorrupt,
                 "vision_config: window_size is 3", "at least 4");
  EXPECT_REFUSED(rows(changed("[1]", "[2]")), ErrorCode::kCorrupt,
                 "vision_config: fullatt_block_indexes", "below 2");
  EXPECT_REFUSED(rows(changed("\"out_hidden_size\": 8", "\"out_hidden_size\": 4")),
                 ErrorCode::kCorrupt, "vision_config: out_hidden_size");
  EXPECT_REFUSED(rows(changed("\"num_heads\": 2", "\"num_heads\": 4")), ErrorCode::kCorrupt,
                 "vision_config: heads of 2 columns");
  EXPECT_REFUSED(rows(changed("\"num_heads\": 2", "\"num_heads\": 3")), ErrorCode::kCorrupt,
                 "num_heads");
  EXPECT_REFUSED(rows(changed("\"intermediate_size\": 6", "\"intermediate_size\": 5")),
                 ErrorCode::kCorrupt, "mlp.down_proj");
  EXPECT_REFUSED(rows(changed("\"patch_size\": 2", "\"patch_size\": 1")), ErrorCode::kCorrupt,
                 "patch_embed");
  EXPECT_REFUSED(rows(kVision + R"(, "hidden_act": "no_such")"), ErrorCode::kUnsupported,
                 "hidden_act");
  EXPECT_REFUSED(rows(kVision + R"(, "deepstack_visual_indexes": [0])"), ErrorCode::kUnsupported,
                 "deepstack_visual_indexes");
}

TEST_F(Qwen2_5_VL, RefusesNumbersOfTheFirstTowerThatDoNotFit) {
  const auto tower = [](const std::string& ratio, const std::string& text) {
    return R"("embed_dim": 8, "num_heads": 2, "depth": 2, "patch_size": 2, "mlp_ratio": )" + ratio +
           R"(, "hidden_size": )" + text;
  };
  EXPECT_REFUSED(rows(tower("0", "8")), ErrorCode::kCorrupt, "vision_config: mlp_ratio");
  EXPECT_REFUSED(rows(tower("2", "4")), ErrorCode::kCorrupt, "vision_config: hidden_size must be");
}

// What is said beside text_config as well.
TEST_F(Qwen2_5_VL, SettingsThatAreSaidTwiceAreOne) {
  const auto shape = [](const std::string& beside) {
    const checkpoint::Config config =
        config_of(R"("architectures": ["Qwen2_5_VLForConditionalGeneration"], "text_config": {)" +
                  kText + "}, " + beside);
    const ModelShape made = find_family(config).shape(config);
    return made.hidden;
  };
  EXPECT_EQ(shape(kText), 8);
  EXPECT_EQ(shape(R"("vocab_size": 10, "hidden_size": null)"), 8);
  EXPECT_REFUSED(shape(R"("hidden_size": 16)"), ErrorCode::kCorrupt, "hidden_size is 16",
                 "8 in text_config");
  EXPECT_REFUSED(shape(R"("rope_scaling": {"type": "mrope", "mrope_section": [1, 0, 1]})"),
                 ErrorCode::kCorrupt, "rope_scaling is");
}

TEST_F(Qwen2_5_VL, SettingsBesideTheTextModelsThatNobodyReadsAreRefused) {
  const checkpoint::Config config =
      config_of(R"("architectures": ["Qwen2_5_VLForConditionalGeneration"], "text_config": {)" +
                kText + R"(}, "attention_bias": true)");
  find_family(config).shape(config);
  EXPECT_REFUSED(config.check_read(), ErrorCode::kUnsupported, "attention_bias");
}

}  // namespace
}  // namespace vecton::models
