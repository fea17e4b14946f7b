// The layouts in which checkpoints keep experts say the same.
#include "models/experts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_parameters.h"
#include "checkpoint/test_tensors.h"
#include "models/deepseek_moe.h"
#include "models/qwen_experts.h"

namespace vecton::models {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using testing::sines;
using testing::values_of;

constexpr ExpertSizes kSizes{.count = 3, .width = 4, .hidden = 2};

class ExpertLayouts : public ::testing::Test {
 protected:
  checkpoint::Weights weights(const std::vector<testing::NamedArray>& arrays) {
    testing::write_safetensors(folder_.path() / "model.safetensors", arrays);
    return checkpoint::Weights::open(folder_.path(), *ops_);
  }
  // What expert e has of 8 numbers each: gate, up (rows of 2), down (rows of 4).
  static std::vector<float> part(int64_t expert, int64_t which) {
    return sines(8, 0.1 + 0.3 * static_cast<double>(3 * expert + which));
  }
  static std::vector<float> all(int64_t which) {
    std::vector<float> stack;
    for (int64_t e = 0; e < kSizes.count; ++e) append(stack, part(e, which));
    return stack;
  }
  static void append(std::vector<float>& to, const std::vector<float>& from) {
    to.insert(to.end(), from.begin(), from.end());
  }
  std::vector<float> outcome(const ops::Experts& experts) {
    const Tensor x = ops_->upload(sines(6, 0.4), 3, 2);
    const ops::Routes routes{.experts = ops_->upload_indices({0, 2, 1, 0, 2, 1}),
                             .weights = ops_->upload(sines(6, 0.9), 3, 2)};
    return values_of(*ops_, ops_->experts(x, routes, experts));
  }

  base::TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

TEST_F(ExpertLayouts, AreReadAlike) {
  std::vector<testing::NamedArray> apart, renamed, stacked, mlx;
  std::vector<float> gate_up;
  for (int64_t e = 0; e < kSizes.count; ++e) {
    const std::string path = "mlp.experts." + std::to_string(e) + ".";
    const char* names[] = {"gate_proj", "up_proj", "down_proj"};
    const char* others[] = {"w1", "w3", "w2"};
    for (int64_t which = 0; which < 3; ++which) {
      const std::vector<int64_t> shape =
          which < 2 ? std::vector<int64_t>{4, 2} : std::vector<int64_t>{2, 4};
      apart.push_back({path + names[which] + ".weight", shape, part(e, which)});
      renamed.push_back({path + others[which] + ".weight", shape, part(e, which)});
    }
    append(gate_up, part(e, 0));
    append(gate_up, part(e, 1));
  }
  stacked = {{"mlp.experts.gate_up_proj", {3, 8, 2}, gate_up},
             {"mlp.experts.down_proj", {3, 2, 4}, all(2)}};
  mlx = {{"mlp.switch_mlp.gate_proj.weight", {3, 4, 2}, all(0)},
         {"mlp.switch_mlp.up_proj.weight", {3, 4, 2}, all(1)},
         {"mlp.switch_mlp.down_proj.weight", {3, 2, 4}, all(2)}};
  std::vector<testing::NamedArray> gemma4 = mlx;
  for (testing::NamedArray& array : gemma4) {
    array.name =
        "mlp.experts.switch_glu." + array.name.substr(std::string("mlp.switch_mlp.").size());
  }
  const auto read = [&](const std::vector<testing::NamedArray>& arrays,
                        const ExpertNames& names = {}) {
    const checkpoint::Weights w = weights(arrays);
    const std::vector<float> y =
        outcome(load_experts(w / "mlp", kSizes, ops::Activation::kSilu, names));
    w.check_taken();
    return y;
  };
  const std::vector<float> want = read(apart);
  EXPECT_THAT(read(renamed, {.gate = "w1", .up = "w3", .down = "w2"}), ElementsAreArray(want));
  EXPECT_THAT(read(stacked), ElementsAreArray(want));
  EXPECT_THAT(read(mlx), ElementsAreArray(want));
  EXPECT_THAT(read(gemma4), ElementsAreArray(want));
}

TEST_F(ExpertLayouts, WhatIsMissingOrOfAnotherSizeIsNamed) {
  const auto load = [&](const std::vector<testing::NamedArray>& arrays) {
    return load_experts(weights(arrays) / "mlp", kSizes, ops::Activation::kSilu);
  };
  EXPECT_REFUSED(load({{"mlp.experts.0.gate_proj.weight", {4, 2}, part(0, 0)}}),
                 ErrorCode::kCorrupt, "mlp.experts.0.up_proj.weight: missing");
  EXPECT_REFUSED(load({{"mlp.experts.gate_up_proj", {3, 4, 2}, all(0)}}), ErrorCode::kCorrupt,
                 "mlp.experts.gate_up_proj: expected [3,8,2], found [3,4,2]");
  EXPECT_REFUSED(load({{"mlp.switch_mlp.gate_proj.weight", {3, 4, 2}, all(0)}}),
                 ErrorCode::kCorrupt, "mlp.switch_mlp.up_proj.weight: missing");
}

checkpoint::Config config_of(const std::string& text) {
  return checkpoint::Config(base::parse_json("{" + text + "}", "config.json").as_object(),
                            "config.json");
}

TEST(ExpertCounts, EitherKeySaysIt) {
  EXPECT_EQ(count_experts(config_of(R"("num_experts": 4)")), 4);
  EXPECT_EQ(count_experts(config_of(R"("num_local_experts": 4)")), 4);
  EXPECT_EQ(count_experts(config_of(R"("num_local_experts": 4, "num_experts": 4)")), 4);
  EXPECT_REFUSED(count_experts(config_of(R"("num_local_experts": 4, "num_experts": 5)")),
                 ErrorCode::kUnsupported, "num_experts");
  EXPECT_REFUSED(count_experts(config_of("")), ErrorCode::kCorrupt, "num_experts");
  EXPECT_EQ(experts_per_token(config_of(R"("num_experts_per_tok": 4)"), 4), 4);
  EXPECT_REFUSED(experts_per_token(config_of(R"("num_experts_per_tok": 5)"), 4),
                 ErrorCode::kCorrupt, "num_experts_per_tok");
}

TEST(QwenExperts, AreInEveryNthLayerWithoutThoseListed) {
  EXPECT_THAT(qwen_sparse_layers(config_of(""), 3), ElementsAre(true, true, true));
  EXPECT_THAT(qwen_sparse_layers(config_of(R"("decoder_sparse_step": 2)"), 4),
              ElementsAre(false, true, false, true));
  EXPECT_THAT(qwen_sparse_layers(config_of(R"("mlp_only_layers": [0, 2])"), 3),
              ElementsAre(false, true, false));
}

TEST(DeepseekExperts, FollowTheConfig) {
  const std::string least = R"("n_routed_experts": 8, "num_experts_per_tok": 2,
      "moe_intermediate_size": 6)";
  const auto read = [&](const std::string& more) {
    return deepseek_moe(config_of(least + more), 3, 16, ops::Activation::kSilu);
  };
  const DeepseekMoe plain = read("");
  EXPECT_THAT(plain.sparse, ElementsAre(false, true, true));
  EXPECT_EQ(plain.shared_width, 6);
  EXPECT_TRUE(plain.routing.normalize);
  EXPECT_EQ(plain.routing.groups, 1);
  const DeepseekMoe other = read(R"(, "first_k_dense_replace": 0, "n_shared_experts": 2,
      "n_group": 4, "topk_group": 2, "routed_scaling_factor": 2.5, "norm_topk_prob": false)");
  EXPECT_THAT(other.sparse, ElementsAre(true, true, true));
  EXPECT_EQ(other.shared_width, 12);
  EXPECT_FALSE(other.routing.normalize);
  EXPECT_EQ(other.routing.scale, 2.5f);
  EXPECT_EQ(other.routing.top_groups, 2);
  EXPECT_THAT(read(R"(, "mlp_layer_types": ["sparse", "dense", "sparse"])").sparse,
              ElementsAre(true, false, true));
  EXPECT_REFUSED(read(R"(, "topk_group": 2)"), ErrorCode::kCorrupt, "topk_group");
}

}  // namespace
}  // namespace vecton::models
