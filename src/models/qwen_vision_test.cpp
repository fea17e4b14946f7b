// What config.json says of a vision tower of Qwen's, and names of checkpoints that have one.
#include "models/qwen_vision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_tensors.h"

namespace vecton::models {
namespace {

checkpoint::Config config_of(const std::string& vision) {
  const std::string text = R"({"image_token_id": 7, "vision_config": {)" + vision + "}}";
  return checkpoint::Config(base::parse_json(text, "config.json").as_object(), "config.json");
}

const std::string kSizes = R"("hidden_size": 8, "num_heads": 2, "intermediate_size": 6,
    "depth": 1, "patch_size": 2, "num_position_embeddings": 4)";

TEST(QwenImages, AreOfConfigsWithAVisionTower) {
  const auto images = qwen_images(config_of(R"("spatial_merge_size": 4)"));
  ASSERT_TRUE(images);
  EXPECT_EQ(images->token, 7);
  EXPECT_EQ(images->merge, 4);
  EXPECT_TRUE(images->axis_positions);
  EXPECT_EQ(images->markup, "<|vision_start|><|image_pad|><|vision_end|>");
  tensor::Image image;
  image.rows = 8;
  image.columns = 12;
  EXPECT_EQ(images->rows(image), 6);
  EXPECT_FALSE(qwen_images(checkpoint::Config({}, "config.json")));
}

TEST(QwenImages, MayBeOfAModelInsideAnother) {
  const checkpoint::Config config(
      base::parse_json(R"({"use_mrope": false, "vlm_config": {"image_token_id": 7,
                           "vision_config": {"spatial_merge_size": 4}}})",
                       "config.json")
          .as_object(),
      "config.json");
  const auto images = qwen_images(config);
  ASSERT_TRUE(images);
  EXPECT_EQ(images->token, 7);
  EXPECT_EQ(images->merge, 4);
  EXPECT_FALSE(images->axis_positions);
}

RetrievalPrompt prompt_of(const std::string& architecture) {
  const std::string text =
      R"({"image_token_id": 7, "vision_config": {}, "architectures": [")" + architecture + "\"]}";
  const checkpoint::Config config(base::parse_json(text, "config.json").as_object(), "config.json");
  return qwen_images(config)->retrieval;
}

TEST(QwenImages, OfLateInteractionModelsHaveTheirPublishersPrompts) {
  std::string more = "cat";
  for (int i = 0; i < 10; ++i) more += "<|endoftext|>";
  const std::string page = "<|im_start|>user\nPDescribe the image.<|im_end|>";
  EXPECT_EQ(prompt_of("ColQwen2").query("cat"), more);
  EXPECT_EQ(prompt_of("ColQwen2_5").query("cat"), more);
  EXPECT_EQ(prompt_of("ColQwen2_5ForRetrieval").query("cat"), "Query: " + more + "\n");
  EXPECT_EQ(prompt_of("ColQwen2_5ForRetrieval").document("P", ""), page + "<|endoftext|>");
  EXPECT_EQ(prompt_of("ColQwen2_5ForRetrieval").document("", "cat"), "cat");
  EXPECT_EQ(prompt_of("ColQwen3").query("cat"), more);
  EXPECT_EQ(prompt_of("ColQwen3").document("P", ""), page + "<|endoftext|>");
  EXPECT_EQ(prompt_of("ColQwen3").document("", "cat"), more);
  EXPECT_EQ(prompt_of("ColQwen3_5").query("cat"), more);
  EXPECT_EQ(prompt_of("ColQwen3_5").document("", "cat"), "cat");
  EXPECT_EQ(prompt_of("ColQwen3_5").document("P", "Now."),
            "<|im_start|>user\nPDescribe the image. Now.<|im_end|><|endoftext|>");
  EXPECT_FALSE(prompt_of("OpsColQwen3Model").query);
  EXPECT_EQ(prompt_of("OpsColQwen3Model").document("P", ""),
            page + "<|im_start|>assistant\n<|endoftext|>");
  EXPECT_EQ(prompt_of("OpsColQwen3Model").document("", "cat"), "cat");
  EXPECT_EQ(prompt_of("Qwen3VLNemotronEmbedModel").query("cat"),
            "<|im_start|>user\nQuery: query: cat<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(prompt_of("Qwen3VLNemotronEmbedModel").document("P", "cat"),
            "<|im_start|>user\nPpassage: cat<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_FALSE(prompt_of("Qwen3VLForConditionalGeneration").query);
  EXPECT_FALSE(prompt_of("Qwen3VLForConditionalGeneration").document);
}

// A text model that does nothing.
class NoText final : public Model {
 public:
  Tensor forward(Ops&, const tensor::Batch&, tensor::Cache*) const override { return {}; }
};

class QwenTower : public ::testing::Test {
 protected:
  checkpoint::Weights weights(bool with_tower = true, const std::string& prefix = "visual.") {
    std::vector<testing::NamedArray> arrays;
    const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
      int64_t count = 1;
      for (const int64_t n : shape) count *= n;
      arrays.push_back(
          {prefix + name, std::move(shape), std::vector<float>(static_cast<size_t>(count), 0.5f)});
    };
    const auto linear = [&](const std::string& name, int64_t n, int64_t k) {
      add(name + ".weight", {n, k});
      add(name + ".bias", {n});
    };
    const auto norm = [&](const std::string& name, int64_t n) {
      add(name + ".weight", {n});
      add(name + ".bias", {n});
    };
    if (with_tower) {
      add("patch_embed.proj.weight", {8, 3, 2, 2, 2});
      add("patch_embed.proj.bias", {8});
      add("pos_embed.weight", {4, 8});
      linear("blocks.0.attn.qkv", 24, 8);
      linear("blocks.0.attn.proj", 8, 8);
      linear("blocks.0.mlp.linear_fc1", 6, 8);
      linear("blocks.0.mlp.linear_fc2", 8, 6);
      norm("blocks.0.norm1", 8);
      norm("blocks.0.norm2", 8);
      norm("merger.norm", 8);
      linear("merger.linear_fc1", 32, 32);
      linear("merger.linear_fc2", 5, 32);
    } else {
      add("norm.weight", {5});
    }
    testing::write_safetensors(folder_.path() / "model.safetensors", arrays);
    checkpoint::Weights made = checkpoint::Weights::open(folder_.path(), *ops_);
    rename_qwen_vl(made);
    return made;
  }
  std::unique_ptr<Model> load(const std::string& more, bool with_tower = true) {
    return with_qwen_tower(std::make_unique<NoText>(), 5, config_of(kSizes + more),
                           weights(with_tower));
  }

  testing::TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

TEST_F(QwenTower, GivesARowOfTheTextsWidthForABlock) {
  tensor::Image image;
  image.rows = 4;
  image.columns = 2;
  image.patches.assign(8 * 24, 0.1f);
  const tensor::Image* const images[] = {&image};
  const Tensor y = load("")->encode_images(*ops_, images);
  EXPECT_EQ(y.rows(), 2);
  EXPECT_EQ(y.columns(), 5);
}

TEST_F(QwenTower, IsTakenWhateverStandsBeforeItsNames) {
  for (const char* prefix :
       {"visual.", "model.visual.", "vlm.model.visual.", "vlm.visual.", "vision_tower."}) {
    const checkpoint::Weights made = weights(true, prefix);
    with_qwen_tower(std::make_unique<NoText>(), 5, config_of(kSizes), made);
    EXPECT_NO_THROW(made.check_taken()) << prefix;
  }
}

TEST_F(QwenTower, OfACheckpointWithoutItsTensorsIsNone) {
  const tensor::Image image;
  const tensor::Image* const images[] = {&image};
  EXPECT_REFUSED(load("", false)->encode_images(*ops_, images), ErrorCode::kUnsupported,
                 "reads no images");
}

TEST_F(QwenTower, AProjectionIsAsWideAsConfigJsonSays) {
  testing::write_safetensors(folder_.path() / "model.safetensors",
                             std::vector<testing::NamedArray>{
                                 {"custom_text_proj.weight", {2, 5}, std::vector<float>(10)}});
  const auto load_with = [&](const std::string& key) {
    checkpoint::Weights made = checkpoint::Weights::open(folder_.path(), *ops_);
    rename_qwen_vl(made);
    const checkpoint::Config config(base::parse_json("{" + key + "}", "config.json").as_object(),
                                    "config.json");
    with_qwen_tower(std::make_unique<NoText>(), 5, config, made);
    return config.unread();
  };
  EXPECT_TRUE(load_with(R"("dim": 2)").empty());
  EXPECT_TRUE(load_with(R"("embed_dim": 2)").empty());
  EXPECT_REFUSED(load_with(R"("embed_dim": 1)"), ErrorCode::kUnsupported, "embed_dim is 1");
  EXPECT_TRUE(load_with(R"("dims": 1)").empty()) << "a part of it is kept";
  EXPECT_REFUSED(load_with(R"("dims": 3)"), ErrorCode::kCorrupt, "dims is 3");
  EXPECT_REFUSED(load_with(R"("dim": 3)"), ErrorCode::kCorrupt, "dim is 3");
}

TEST_F(QwenTower, RefusesNumbersThatDoNotFit) {
  EXPECT_REFUSED(load(R"(, "out_hidden_size": 6)"), ErrorCode::kCorrupt, "out_hidden_size");
  EXPECT_REFUSED(load(R"(, "deepstack_visual_indexes": [1])"), ErrorCode::kCorrupt,
                 "deepstack_visual_indexes");
  EXPECT_REFUSED(load(R"(, "rope_parameters": {"rope_type": "yarn"})"), ErrorCode::kUnsupported,
                 "rope_type");
  EXPECT_REFUSED(
      with_qwen_tower(std::make_unique<NoText>(), 5, config_of(R"("hidden_size": 8, "num_heads": 2,
      "intermediate_size": 6, "depth": 1, "patch_size": 2, "num_position_embeddings": 5)"),
                      weights()),
      ErrorCode::kCorrupt, "num_position_embeddings");
  EXPECT_REFUSED(
      with_qwen_tower(std::make_unique<NoText>(), 5, config_of(R"("hidden_size": 8, "num_heads": 4,
      "intermediate_size": 6, "depth": 1, "patch_size": 2, "num_position_embeddings": 4)"),
                      weights()),
      ErrorCode::kCorrupt, "multiple of 4");
}

}  // namespace
}  // namespace vecton::models
