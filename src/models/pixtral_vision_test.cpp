// What config.json says of the towers of Mistral 3 and Pixtral, and the names that their tensors
// have.
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

const std::string kText = R"("text_config": {"model_type": "mistral", "hidden_size": 8,
    "num_attention_heads": 2, "num_key_value_heads": 2, "num_hidden_layers": 1, "vocab_size": 10,
    "max_position_embeddings": 16, "intermediate_size": 12, "head_dim": 4})";

const std::string kVision = R"("model_type": "pixtral", "hidden_size": 8, "num_attention_heads": 2,
    "image_size": 6, "intermediate_size": 6, "num_hidden_layers": 1, "patch_size": 2,
    "hidden_act": "silu", "rope_theta": 10000.0)";

const std::string kMistral3 = R"("architectures": ["Mistral3ForConditionalGeneration"],
    "model_type": "mistral3", "image_token_index": 7, "spatial_merge_size": 2)";

const std::string kPixtral = R"("architectures": ["LlavaForConditionalGeneration"],
    "model_type": "llava", "image_token_index": 7, "vision_feature_layer": -1,
    "vision_feature_select_strategy": "full", "image_seq_length": 1)";

struct Names {
  std::string text, tower, projector;
};
const Names kHubs{"language_model.model.", "vision_tower.", "multi_modal_projector."},
    kNewer{"model.language_model.", "model.vision_tower.", "model.multi_modal_projector."},
    kMlx{"language_model.model.", "vision_tower.vision_model.", "multi_modal_projector."};

class PixtralVision : public ::testing::Test {
 protected:
  checkpoint::Weights weights(const Names& names, bool merges, bool bias) {
    testing::TinyWeights made;
    made.llama(names.text, false);
    if (!tower_) return made.open(folder_.path(), *ops_);
    const std::string tower = names.tower, block = tower + "transformer.layers.0.",
                      projector = names.projector;
    made.add(tower + "patch_conv.weight", {8, 3, 2, 2});
    made.add(tower + "ln_pre.weight", {8});
    for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"})
      made.linear(block + "attention." + name, 8, 8, false);
    for (const char* name : {"gate_proj", "up_proj"})
      made.linear(block + "feed_forward." + name, 6, 8, false);
    made.linear(block + "feed_forward.down_proj", 8, 6, false);
    made.add(block + "attention_norm.weight", {8});
    made.add(block + "ffn_norm.weight", {8});
    if (merges) {
      made.add(projector + "norm.weight", {8});
      made.add(projector + "patch_merger.merging_layer.weight", {8, 32});
    }
    made.linear(projector + "linear_1", 8, 8, bias);
    made.linear(projector + "linear_2", 8, 8, bias);
    return made.open(folder_.path(), *ops_);
  }

  static checkpoint::Config config_of(const std::string& model, const std::string& vision) {
    const std::string text = "{" + model + ", " + kText + ", \"vision_config\": {" + vision + "}}";
    return checkpoint::Config(base::parse_json(text, "config.json").as_object(), "config.json");
  }

  std::vector<float> mistral3(const std::string& vision, const std::string& more = "",
                              const Names& names = kHubs, bool bias = false) {
    return testing::image_rows(*ops_, config_of(kMistral3 + more, vision),
                               weights(names, true, bias), 4, 2, 12);
  }
  std::vector<float> pixtral(const std::string& model, const std::string& vision = kVision,
                             const Names& names = kHubs) {
    return testing::image_rows(*ops_, config_of(model, vision), weights(names, false, true), 4, 2,
                               12);
  }

  bool tower_ = true;
  testing::TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

TEST_F(PixtralVision, IsReadByTheHubsNamesOrNewerOnesOrMlxs) {
  const std::vector<float> values = mistral3(kVision);
  EXPECT_EQ(values.size(), 2U * 8U);
  EXPECT_EQ(mistral3(kVision, "", kNewer), values);
  EXPECT_EQ(mistral3(kVision, "", kMlx), values);
  const std::vector<float> unmerged = pixtral(kPixtral);
  EXPECT_EQ(unmerged.size(), 8U * 8U);
  EXPECT_EQ(pixtral(kPixtral, kVision, kNewer), unmerged);
}

TEST_F(PixtralVision, ReadsWhatChangesItsNumbers) {
  const std::vector<float> values = mistral3(kVision);
  EXPECT_NE(mistral3(testing::changed(kVision, "silu", "gelu")), values);
  EXPECT_NE(mistral3(testing::changed(kVision, "10000.0", "1.0")), values);
  EXPECT_NE(mistral3(kVision, R"(, "projector_hidden_act": "relu")"), values);
  EXPECT_NE(mistral3(kVision, R"(, "multimodal_projector_bias": true)", kHubs, true), values);
  EXPECT_EQ(mistral3(kVision, R"(, "vision_feature_layer": -1)"), values);
}

TEST_F(PixtralVision, RefusesWhatDoesNotFit) {
  const auto changed = [](const std::string& from, const std::string& to) {
    return testing::changed(kVision, from, to);
  };
  EXPECT_REFUSED(mistral3(changed("heads\": 2", "heads\": 3")), ErrorCode::kCorrupt,
                 "num_attention_heads");
  EXPECT_REFUSED(mistral3(changed("heads\": 2", "heads\": 4")), ErrorCode::kCorrupt,
                 "vision_config: heads of 2 columns");
  EXPECT_REFUSED(mistral3(changed("\"pixtral\"", "\"siglip\"")), ErrorCode::kUnsupported,
                 "model_type");
  EXPECT_REFUSED(mistral3(kVision + R"(, "head_dim": 8)"), ErrorCode::kUnsupported, "head_dim");
  EXPECT_REFUSED(mistral3(kVision + R"(, "window_size": 8)"), ErrorCode::kUnsupported,
                 "vision_config.window_size");
  EXPECT_REFUSED(mistral3(kVision, R"(, "vision_feature_layer": -2)"), ErrorCode::kUnsupported,
                 "vision_feature_layer");
  EXPECT_REFUSED(mistral3(kVision, R"(, "vision_feature_layer": [-1])"), ErrorCode::kUnsupported,
                 "vision_feature_layer");
  EXPECT_REFUSED(mistral3(kVision, R"(, "projector_hidden_act": "no_such")"),
                 ErrorCode::kUnsupported, "projector_hidden_act");
  EXPECT_REFUSED(mistral3(kVision, R"(, "multimodal_projector_bias": true)"), ErrorCode::kCorrupt,
                 "linear_1.bias");
}

TEST_F(PixtralVision, OfLlavaIsTheOneThatIsRead) {
  const auto changed = [](const std::string& from, const std::string& to) {
    return testing::changed(kPixtral, from, to);
  };
  EXPECT_REFUSED(pixtral(kPixtral, testing::changed(kVision, "pixtral", "clip_vision_model")),
                 ErrorCode::kUnsupported, "vision_config: model_type \"clip_vision_model\"");
  EXPECT_REFUSED(pixtral(changed("\"vision_feature_layer\": -1,", "")), ErrorCode::kUnsupported,
                 "vision_feature_layer is missing");
  EXPECT_REFUSED(pixtral(changed("\"full\"", "\"default\"")), ErrorCode::kUnsupported,
                 "vision_feature_select_strategy");
}

// Saved for the text, whatever config.json says of a tower.
TEST_F(PixtralVision, MayBeMissing) {
  tower_ = false;
  EXPECT_REFUSED(mistral3(kVision), ErrorCode::kUnsupported, "image");
}

TEST(PixtralImages, HaveTokensBetweenAndBehindTheirRows) {
  const auto images_of = [](const std::string& settings) {
    const checkpoint::Config config(base::parse_json(settings, "config.json").as_object(),
                                    "config.json");
    return find_family(config).images(config);
  };
  EXPECT_FALSE(images_of(R"({"model_type": "mistral3"})"));
  const std::optional<ImageInput> images =
      images_of(R"({"model_type": "mistral3", "image_token_index": 10, "vision_config": {}})");
  ASSERT_TRUE(images);
  EXPECT_EQ(images->token, 10);
  const tensor::Image image{.patches = {}, .rows = 6, .columns = 4};
  EXPECT_EQ(images->rows(image), 6);
  EXPECT_EQ(images->tokens(image), 8);
  EXPECT_EQ(images->tiles(0, 0), "[IMG][IMG_END]");
  EXPECT_EQ(
      images_of(R"({"model_type": "llava", "image_token_id": 9, "vision_config": {}})")->merge, 1);
}

}  // namespace
}  // namespace vecton::models
