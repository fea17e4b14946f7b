// What config.json says of the towers of Qwen2-VL and Qwen2.5-VL, and of settings that it says
// twice.
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
    add("model.embed_tokens.weight", {10, 8});
    add("model.norm.weight", {8});
    const std::string layer = "model.layers.0.";
    for (const char* norm : {"input_layernorm", "post_attention_layernorm"})
      add(layer + norm + ".weight", {8});
    for (const char* name : {"q_proj", "k_proj", "v_proj"})
      linear(layer + "self_attn." + name, 8, 8);
    linear(layer + "self_attn.o_proj", 8, 8, false);
    for (const char* name : {"gate_proj", "up_proj"}) linear(layer + "mlp." + name, 12, 8, false);
    linear(layer + "mlp.down_proj", 8, 12, false);
    add("visual.patch_embed.proj.weight", {8, 3, 2, 2, 2});
    for (const char* i : {"0", "1"}) {
      const std::string block = "visual.blocks." + std::string(i) + ".";
      linear(block + "attn.qkv", 24, 8);
      linear(block + "attn.proj", 8, 8);
      linear(block + "mlp.gate_proj", 6, 8);
      linear(block + "mlp.up_proj", 6, 8);
      linear(block + "mlp.down_proj", 8, 6);
      add(block + "norm1.weight", {8});
      add(block + "norm2.weight", {8});
    }
    add("visual.merger.ln_q.weight", {8});
    linear("visual.merger.mlp.0", 32, 32);
    linear("visual.merger.mlp.2", 8, 32);
    testing::write_safetensors(folder_.path() / "model.safetensors", arrays);
    return checkpoint::Weights::open(folder_.path(), *ops_);
  }

  std::vector<float> rows(const std::string& vision) {
    const checkpoint::Config config = flat(vision);
    const checkpoint::Weights made = weights();
    const auto model = find_family(config).load(config, made);
    made.check_taken();
    config.check_read();
    tensor::Image image;
    image.rows = 8;
    image.columns = 4;
    image.patches = testing::sines(8 * 4 * 24, 0.9);
    const tensor::Image* const images[] = {&image};
    const Tensor y = model->encode_images(*ops_, images);
    return testing::values_of(*ops_, y);
  }

  testing::TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

TEST_F(Qwen2_5_VL, LayersSeeWindowsOrAllAsConfigJsonSays) {
  const std::vector<float> some = rows(kVision);
  EXPECT_EQ(some.size(), 4U * 2U * 8U);
  std::string all = kVision, none = kVision, wide = kVision;
  all.replace(all.find("[1]"), 3, "[0, 1]");
  none.replace(none.find("[1]"), 3, "[]");
  wide.replace(wide.find("\"window_size\": 8"), 16, "\"window_size\": 16");
  EXPECT_NE(rows(all), some);
  EXPECT_NE(rows(none), some);
  EXPECT_NE(rows(wide), some);
}

TEST_F(Qwen2_5_VL, RefusesNumbersOfTheTowerThatDoNotFit) {
  const auto changed = [](const std::string& from, const std::string& to) {
    std::string text = kVision;
    text.replace(text.find(from), from.size(), to);
    return text;
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
