// SigLIP's vision tower as config.json and tensors have it.
#include "models/siglip_vision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_parameters.h"
#include "checkpoint/test_tensors.h"

namespace vecton::models {
namespace {

using testing::NamedArray;
using testing::sines;

checkpoint::Config config_of(const std::string& more = "") {
  const std::string text = R"({"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 6,
      "num_hidden_layers": 1, "image_size": 5, "patch_size": 2)" +
                           more + "}";
  return checkpoint::Config(base::parse_json(text, "config.json").as_object(), "config.json");
}

class SiglipTower : public ::testing::Test {
 protected:
  void add(const std::string& name, std::vector<int64_t> shape) {
    int64_t count = 1;
    for (const int64_t n : shape) count *= n;
    arrays_.push_back({"vision_model." + name, std::move(shape),
                       sines(count, 0.1 * static_cast<double>(arrays_.size() + 1))});
  }
  void linear(const std::string& name, int64_t n, int64_t k) {
    add(name + ".weight", {n, k});
    add(name + ".bias", {n});
  }
  void norm(const std::string& name) {
    add(name + ".weight", {8});
    add(name + ".bias", {8});
  }
  SiglipTower() {
    add("embeddings.patch_embedding.weight", {8, 3, 2, 2});
    add("embeddings.patch_embedding.bias", {8});
    add("embeddings.position_embedding.weight", {4, 8});
    for (const char* name : {"q_proj", "k_proj", "v_proj", "out_proj"})
      linear("encoder.layers.0.self_attn." + std::string(name), 8, 8);
    linear("encoder.layers.0.mlp.fc1", 6, 8);
    linear("encoder.layers.0.mlp.fc2", 8, 6);
    norm("encoder.layers.0.layer_norm1");
    norm("encoder.layers.0.layer_norm2");
    norm("post_layernorm");
  }
  void add_head() {
    add("head.probe", {1, 1, 8});
    linear("head.attention.in_proj", 24, 8);
    linear("head.attention.out_proj", 8, 8);
    norm("head.layernorm");
    linear("head.mlp.fc1", 6, 8);
    linear("head.mlp.fc2", 8, 6);
  }
  checkpoint::Weights weights() {
    testing::write_safetensors(folder_.path() / "model.safetensors", arrays_);
    return checkpoint::Weights::open(folder_.path(), *ops_);
  }
  nn::VisionTower tower() {
    const checkpoint::Weights w = weights();
    nn::VisionTower made = siglip_tower(config_of(), w / "vision_model");
    if (w.has("vision_model.head.probe"))
      made.probe = siglip_probe(config_of(), w / "vision_model" / "head");
    w.check_taken();
    return made;
  }
  std::vector<float> rows(const nn::VisionTower& tower, std::vector<const tensor::Image*> images) {
    const Tensor y = tower.forward(*ops_, images);
    EXPECT_EQ(y.columns(), 8);
    return testing::values_of(*ops_, y);
  }
  static tensor::Image image(double step, int64_t rows = 2) {
    tensor::Image made;
    made.rows = rows;
    made.columns = 2;
    const std::vector<float> patches = sines(rows * 2 * 12, step);
    made.patches.assign(patches.begin(), patches.end());
    return made;
  }

  testing::TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
  std::vector<NamedArray> arrays_;
};

TEST_F(SiglipTower, GivesARowOfEachPatch) {
  const tensor::Image a = image(0.3), b = image(0.7);
  const nn::VisionTower made = tower();
  std::vector<float> apart = rows(made, {&a});
  EXPECT_EQ(apart.size(), 4U * 8U);
  const std::vector<float> second = rows(made, {&b});
  apart.insert(apart.end(), second.begin(), second.end());
  EXPECT_EQ(rows(made, {&a, &b}), apart);
}

TEST_F(SiglipTower, OfMlxHasItsChannelsLast) {
  const tensor::Image a = image(0.3);
  const std::vector<float> expected = rows(tower(), {&a});
  NamedArray& patch = arrays_.front();
  const std::vector<float> stored = patch.values;
  patch.shape = {8, 2, 2, 3};
  for (size_t n = 0; n < 8; ++n) {
    for (size_t channel = 0; channel < 3; ++channel) {
      for (size_t place = 0; place < 4; ++place)
        patch.values[(n * 4 + place) * 3 + channel] = stored[(n * 3 + channel) * 4 + place];
    }
  }
  EXPECT_EQ(rows(tower(), {&a}), expected);
}

TEST_F(SiglipTower, WithAHeadGivesARowOfEachImage) {
  add_head();
  const tensor::Image a = image(0.3), b = image(0.7);
  const nn::VisionTower made = tower();
  std::vector<float> apart = rows(made, {&a});
  EXPECT_EQ(apart.size(), 8U);
  const std::vector<float> second = rows(made, {&b});
  EXPECT_NE(apart, second);
  apart.insert(apart.end(), second.begin(), second.end());
  EXPECT_EQ(rows(made, {&a, &b}), apart);
}

TEST_F(SiglipTower, ReadsPicturesOfOneSize) {
  const tensor::Image tall = image(0.3, 3);
  EXPECT_REFUSED(rows(tower(), {&tall}), ErrorCode::kCorrupt, "3 x 2 patches");
}

TEST_F(SiglipTower, RefusesNumbersThatDoNotFit) {
  const checkpoint::Weights w = weights();
  const auto load = [&](const std::string& more) {
    return siglip_tower(config_of(more), w / "vision_model");
  };
  EXPECT_REFUSED(load(R"(, "num_attention_heads": 3)"), ErrorCode::kCorrupt, "num_attention_heads");
  EXPECT_REFUSED(load(R"(, "image_size": 1)"), ErrorCode::kCorrupt, "image_size");
  EXPECT_REFUSED(load(R"(, "image_size": 8)"), ErrorCode::kCorrupt, "position_embedding");
  EXPECT_REFUSED(load(R"(, "hidden_act": "swoosh")"), ErrorCode::kUnsupported, "hidden_act");
}

}  // namespace
}  // namespace vecton::models
