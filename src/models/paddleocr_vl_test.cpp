// What config.json says of PaddleOCR-VL's tower, and the names that its tensors have.
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
    "vocab_size": 10, "max_position_embeddings": 16, "intermediate_size": 12, "head_dim": 4,
    "rope_scaling": {"type": "default", "mrope_section": [1, 1, 0]})";

const std::string kVision = R"("hidden_size": 8, "num_attention_heads": 2, "image_size": 6,
    "intermediate_size": 6, "num_hidden_layers": 1, "patch_size": 2)";

struct Names {
  std::string text, visual, projector;
};
const Names kPublishers{"model.", "visual.", "mlp_AR."},
    kTransformers{"model.language_model.", "model.visual.", "model.projector."};

class PaddleOcrVl : public ::testing::Test {
 protected:
  checkpoint::Weights weights(const Names& names) {
    testing::TinyWeights made;
    made.llama(names.text, false);
    const std::string tower = names.visual + "vision_model.", block = tower + "encoder.layers.0.";
    made.add(tower + "embeddings.patch_embedding.weight", {8, 3, 2, 2});
    made.add(tower + "embeddings.patch_embedding.bias", {8});
    made.add(tower + "embeddings.position_embedding.weight", {9, 8});
    made.add(tower + "embeddings.packing_position_embedding.weight", {7, 8});
    made.add(tower + "head.probe", {1, 1, 8});
    for (const char* name : {"q_proj", "k_proj", "v_proj", "out_proj"})
      made.linear(block + "self_attn." + name, 8, 8);
    made.linear(block + "mlp.fc1", 6, 8);
    made.linear(block + "mlp.fc2", 8, 6);
    made.layer_norm(block + "layer_norm1", 8);
    made.layer_norm(block + "layer_norm2", 8);
    made.layer_norm(tower + "post_layernorm", 8);
    made.layer_norm(names.projector + "pre_norm", 8);
    made.linear(names.projector + "linear_1", 32, 32);
    made.linear(names.projector + "linear_2", 8, 32);
    return made.open(folder_.path(), *ops_);
  }

  std::vector<float> rows(const std::string& vision, const std::string& more = "",
                          const Names& names = kPublishers) {
    const checkpoint::Config config(
        base::parse_json(R"({"architectures": ["PaddleOCRVLForConditionalGeneration"],
            "image_token_id": 7, )" +
                             kText + R"(, "vision_config": {)" + vision + "}" + more + "}",
                         "config.json")
            .as_object(),
        "config.json");
    return testing::image_rows(*ops_, config, weights(names), 4, 2, 12);
  }

  testing::TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

TEST_F(PaddleOcrVl, IsReadByThePublishersNamesOrTransformers) {
  const std::vector<float> values = rows(kVision);
  EXPECT_EQ(values.size(), 2U * 8U);
  EXPECT_EQ(rows(kVision, "", kTransformers), values);
}

TEST_F(PaddleOcrVl, RefusesWhatDoesNotFit) {
  const auto changed = [](const std::string& from, const std::string& to) {
    return testing::changed(kVision, from, to);
  };
  EXPECT_REFUSED(rows(changed("\"image_size\": 6", "\"image_size\": 1")), ErrorCode::kCorrupt,
                 "vision_config: image_size is 1");
  EXPECT_REFUSED(rows(changed("\"image_size\": 6", "\"image_size\": 8")), ErrorCode::kCorrupt,
                 "position_embedding.weight");
  EXPECT_REFUSED(rows(changed("heads\": 2", "heads\": 3")), ErrorCode::kCorrupt,
                 "num_attention_heads");
  EXPECT_REFUSED(rows(changed("heads\": 2", "heads\": 4")), ErrorCode::kCorrupt,
                 "vision_config: heads of 2 columns");
  EXPECT_REFUSED(rows(kVision + R"(, "hidden_act": "no_such")"), ErrorCode::kUnsupported,
                 "hidden_act");
  EXPECT_REFUSED(rows(kVision + R"(, "window_size": 8)"), ErrorCode::kUnsupported,
                 "vision_config.window_size");
  EXPECT_REFUSED(rows(kVision, R"(, "rope_is_neox_style": false)"), ErrorCode::kUnsupported,
                 "rope_is_neox_style");
  EXPECT_REFUSED(rows(kVision, R"(, "use_bias": true)"), ErrorCode::kCorrupt, "q_proj.bias");
}

}  // namespace
}  // namespace vecton::models
