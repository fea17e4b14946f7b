// What config.json says of PaddleOCR-VL's tower, and the names that its tensors have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_parameters.h"
#include "checkpoint/test_tensors.h"
#include "models/registry.h"

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
    std::vector<testing::NamedArray> arrays;
    const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
      int64_t count = 1;
      for (const int64_t n : shape) count *= n;
      arrays.push_back({name, std::move(shape), testing::sines(count, 0.37)});
    };
    const auto linear = [&](const std::string& name, int64_t n, int64_t k, bool bias = true) {
      add(name + ".weight", {n, k});
      if (bias) add(name + ".bias", {n});
    };
    const auto norm = [&](const std::string& name) {
      add(name + ".weight", {8});
      add(name + ".bias", {8});
    };
    add(names.text + "embed_tokens.weight", {10, 8});
    add(names.text + "norm.weight", {8});
    const std::string layer = names.text + "layers.0.";
    for (const char* name : {"input_layernorm", "post_attention_layernorm"})
      add(layer + name + ".weight", {8});
    for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"})
      linear(layer + "self_attn." + name, 8, 8, false);
    for (const char* name : {"gate_proj", "up_proj"}) linear(layer + "mlp." + name, 12, 8, false);
    linear(layer + "mlp.down_proj", 8, 12, false);
    const std::string tower = names.visual + "vision_model.", block = tower + "encoder.layers.0.";
    add(tower + "embeddings.patch_embedding.weight", {8, 3, 2, 2});
    add(tower + "embeddings.patch_embedding.bias", {8});
    add(tower + "embeddings.position_embedding.weight", {9, 8});
    add(tower + "embeddings.packing_position_embedding.weight", {7, 8});
    add(tower + "head.probe", {1, 1, 8});
    for (const char* name : {"q_proj", "k_proj", "v_proj", "out_proj"})
      linear(block + "self_attn." + name, 8, 8);
    linear(block + "mlp.fc1", 6, 8);
    linear(block + "mlp.fc2", 8, 6);
    norm(block + "layer_norm1");
    norm(block + "layer_norm2");
    norm(tower + "post_layernorm");
    norm(names.projector + "pre_norm");
    linear(names.projector + "linear_1", 32, 32);
    linear(names.projector + "linear_2", 8, 32);
    testing::write_safetensors(folder_.path() / "model.safetensors", arrays);
    return checkpoint::Weights::open(folder_.path(), *ops_);
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
    const checkpoint::Weights made = weights(names);
    const auto model = find_family(config).load(config, made);
    made.check_taken();
    config.check_read();
    tensor::Image image;
    image.rows = 4;
    image.columns = 2;
    image.patches = testing::sines(4 * 2 * 12, 0.9);
    const tensor::Image* const images[] = {&image};
    const Tensor y = model->encode_images(*ops_, images);
    return testing::values_of(*ops_, y);
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
    std::string text = kVision;
    text.replace(text.find(from), from.size(), to);
    return text;
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
