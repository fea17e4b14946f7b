#include "convert/mlx_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/quantised/quantised_tensor.h"
#include "convert/choice.h"
#include "convert/test_models.h"

namespace vecton::convert {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Names that mlx-lm 0.32 writes of Mixtral and PhiMoE.
TEST(MlxForm, MatricesOfMixtralsExpertsHaveMlxsNames) {
  std::vector<std::string> notes;
  const std::string block = "model.layers.1.block_sparse_moe.";
  std::vector<std::pair<std::string, std::vector<int64_t>>> list{{block + "gate.weight", {2, 8}}};
  for (const std::string expert : {"experts.0.", "experts.1."}) {
    list.push_back({block + expert + "w1.weight", {4, 8}});
    list.push_back({block + expert + "w2.weight", {8, 4}});
    list.push_back({block + expert + "w3.weight", {4, 8}});
  }
  for (const char* family : {"mixtral", "phimoe"}) {
    const auto made = name_tensors(Layout::kMlxLm, config_of(family, ""), tensors_of(list), notes);
    EXPECT_THAT(
        names_of(made),
        ElementsAre(block + "gate.weight", block + "switch_mlp.down_proj.weight",
                    block + "switch_mlp.gate_proj.weight", block + "switch_mlp.up_proj.weight"))
        << family;
    EXPECT_THAT(made[1].shape, ElementsAre(2, 8, 4));
    EXPECT_THAT(made[3].sources[1].name, HasSubstr("experts.1.w3"));
  }
}

// Of one expert with two inputs: outputs are gate, up, gate, up.
TEST(MlxForm, ExpertsOfGptOssAreGateAndUpApart) {
  const std::string before = "model.layers.0.mlp.experts.";
  const auto tensors = [&](std::vector<int64_t> shape) {
    Tensors all;
    all.emplace(before + "gate_up_proj",
                floats("gate_up_proj", std::move(shape), {1, 2, 3, 4, 5, 6, 7, 8}));
    all.emplace(before + "gate_up_proj_bias", floats("b", {1, 4}, {1, 2, 3, 4}));
    all.emplace(before + "down_proj", floats("down_proj", {1, 2, 3}, {1, 2, 3, 4, 5, 6}));
    all.emplace(before + "down_proj_bias", floats("c", {1, 3}, {1, 2, 3}));
    return all;
  };
  std::vector<std::string> notes;
  const json::object config = config_of("gpt_oss", "GptOssForCausalLM");
  const auto made = name_tensors(Layout::kMlxLm, config, tensors({1, 2, 4}), notes);
  ASSERT_THAT(names_of(made), ElementsAre(before + "down_proj.bias", before + "down_proj.weight",
                                          before + "gate_proj.bias", before + "gate_proj.weight",
                                          before + "up_proj.bias", before + "up_proj.weight"));
  EXPECT_THAT(numbers_of(made[1]), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(made[1].shape, ElementsAre(1, 3, 2));
  EXPECT_THAT(numbers_of(made[2]), ElementsAre(1, 3));
  EXPECT_THAT(numbers_of(made[3]), ElementsAre(1, 5, 3, 7));
  EXPECT_THAT(numbers_of(made[4]), ElementsAre(2, 4));
  EXPECT_THAT(numbers_of(made[5]), ElementsAre(2, 6, 4, 8));
  EXPECT_EQ(made[3].module(), before + "gate_proj");
  EXPECT_THAT(refusal([&] {
                name_tensors(Layout::kMlxLm, config, tensors({2, 4, 1}), notes);
              }),
              HasSubstr("gate_up_proj: expected experts of matrices"));
  const auto others = name_tensors(Layout::kMlxLm, config_of("llama", "LlamaForCausalLM"),
                                   tensors({1, 2, 4}), notes);
  EXPECT_EQ(others.size(), 4u);
}

TEST(MlxForm, OfLfm2TheChannelsOfConvolutionsAreLast) {
  std::vector<std::string> notes;
  const auto shapes_of = [&](const char* type) {
    const auto made = name_tensors(
        Layout::kMlxLm, config_of(type, ""),
        tensors_of({{"a.conv.conv.weight", {8, 1, 3}}, {"b.conv.conv.weight", {8, 2, 3}}}), notes);
    return std::vector{made[0].shape, made[1].shape};
  };
  EXPECT_THAT(shapes_of("lfm2"), ElementsAre(ElementsAre(8, 3, 1), ElementsAre(8, 2, 3)));
  EXPECT_THAT(shapes_of("llama"), ElementsAre(ElementsAre(8, 1, 3), ElementsAre(8, 2, 3)));
}

// Two experts of one row each of gate and of up.
TEST(MlxForm, StackedExpertsAreSplit) {
  struct Family {
    const char *type, *gate_up, *down, *made;
  };
  for (const Family& family :
       {Family{"granitemoe", "block_sparse_moe.input_linear.weight",
               "block_sparse_moe.output_linear.weight", "block_sparse_moe.switch_mlp."},
        {"qwen3_5_moe_text", "mlp.experts.gate_up_proj", "mlp.experts.down_proj",
         "mlp.switch_mlp."},
        {"gemma4_text", "experts.gate_up_proj", "experts.down_proj", "experts.switch_glu."},
        {"mixtral", "mlp.experts.gate_up_proj", "mlp.experts.down_proj", "mlp.switch_mlp."}}) {
    const std::string layer = "model.layers.0.", made_at = layer + family.made;
    std::vector<std::string> notes;
    Tensors tensors;
    tensors.emplace(layer + family.gate_up,
                    floats(family.gate_up, {2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
    tensors.emplace(layer + family.down, floats(family.down, {2, 2, 1}, {1, 2, 3, 4}));
    const auto made = name_tensors(Layout::kMlxLm, config_of(family.type, ""), tensors, notes);
    ASSERT_THAT(names_of(made),
                ElementsAre(made_at + "down_proj.weight", made_at + "gate_proj.weight",
                            made_at + "up_proj.weight"));
    EXPECT_THAT(numbers_of(made[0]), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(numbers_of(made[1]), ElementsAre(1, 2, 5, 6));
    EXPECT_THAT(numbers_of(made[2]), ElementsAre(3, 4, 7, 8));
    EXPECT_THAT(made[1].shape, ElementsAre(2, 1, 2));
    EXPECT_EQ(made[1].module(), made_at + "gate_proj");
    tensors.at(layer + family.gate_up).shape = {2, 1, 4};
    EXPECT_THAT(
        refusal([&] { name_tensors(Layout::kMlxLm, config_of(family.type, ""), tensors, notes); }),
        HasSubstr("expected experts of matrices with as much of gate as of up"));
  }
}

// Two heads, each with two rows of keys over one of values, from rows of two numbers.
TEST(MlxForm, LatentHeadsHaveKeysTransposedAndValuesApart) {
  json::object config = config_of("deepseek_v3", "DeepseekV3ForCausalLM");
  config["num_attention_heads"] = 2;
  config["qk_nope_head_dim"] = 2;
  config["v_head_dim"] = 1;
  const std::string layer = "model.layers.0.self_attn.";
  const auto tensors = [&](std::vector<int64_t> shape) {
    Tensors all;
    all.emplace(layer + "kv_b_proj.weight", floats("kv_b_proj.weight", std::move(shape),
                                                   {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
    return all;
  };
  std::vector<std::string> notes;
  const auto made = name_tensors(Layout::kMlxLm, config, tensors({6, 2}), notes);
  ASSERT_THAT(names_of(made), ElementsAre(layer + "embed_q.weight", layer + "unembed_out.weight"));
  EXPECT_THAT(made[0].shape, ElementsAre(2, 2, 2));
  EXPECT_THAT(numbers_of(made[0]), ElementsAre(1, 3, 2, 4, 7, 9, 8, 10));
  EXPECT_THAT(made[1].shape, ElementsAre(2, 1, 2));
  EXPECT_THAT(numbers_of(made[1]), ElementsAre(5, 6, 11, 12));
  EXPECT_EQ(made[0].module(), layer + "embed_q");
  EXPECT_THAT(refusal([&] {
                name_tensors(Layout::kMlxLm, config, tensors({4, 3}), notes);
              }),
              HasSubstr("kv_b_proj.weight: expected as many rows as num_attention_heads times"));
  config["model_type"] = "minicpm3";  // whose code in mlx-lm reads kv_b_proj
  EXPECT_EQ(name_tensors(Layout::kMlxLm, config, tensors({6, 2}), notes).size(), 1u);
}

// Names, norms and shapes that mlx-lm 0.32 has of Qwen3.5.
TEST(MlxForm, TheTextModelOfQwen35IsAPart) {
  const std::string text = "model.language_model.";
  const auto tensors = [&](std::vector<int64_t> convolution) {
    Tensors all = tensors_of({{"model.visual.blocks.0.norm1.weight", {2}},
                              {"mtp.norm.weight", {2}},
                              {"lm_head.weight", {4, 2}},
                              {text + "layers.0.linear_attn.conv1d.weight", convolution}});
    for (const char* norm :
         {"norm.weight", "layers.0.input_layernorm.weight", "layers.0.linear_attn.norm.weight"})
      all.emplace(text + norm, floats(norm, {2}, {0.5, -1}));
    return all;
  };
  json::object config = config_of("qwen3_5", "Qwen3_5ForConditionalGeneration");
  config["text_config"] = json::object{{"tie_word_embeddings", false}};
  std::vector<std::string> notes;
  const auto made = name_tensors(Layout::kMlxLm, config, tensors({8, 1, 4}), notes);
  const std::string part = "language_model.model.";
  ASSERT_THAT(names_of(made),
              ElementsAre("language_model.lm_head.weight", part + "layers.0.input_layernorm.weight",
                          part + "layers.0.linear_attn.conv1d.weight",
                          part + "layers.0.linear_attn.norm.weight", part + "norm.weight"));
  EXPECT_THAT(numbers_of(made[1]), ElementsAre(1.5, 0));
  EXPECT_THAT(made[2].shape, ElementsAre(8, 4, 1));
  EXPECT_THAT(numbers_of(made[3]), ElementsAre(0.5, -1));
  EXPECT_THAT(numbers_of(made[4]), ElementsAre(1.5, 0));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("model.visual.blocks.0.norm1.weight is left out"),
                                 HasSubstr("mtp.norm.weight is left out")));
  // What has its channels last has norms with the 1 already.
  const auto again = name_tensors(Layout::kMlxLm, config, tensors({8, 4, 1}), notes);
  EXPECT_THAT(numbers_of(again[1]), ElementsAre(0.5, -1));
  EXPECT_THAT(again[2].shape, ElementsAre(8, 4, 1));
  // The other layout keeps the tower.
  EXPECT_THAT(names_of(name_tensors(Layout::kMlxEmbeddings, config, tensors({8, 1, 4}), notes)),
              ::testing::Contains("model.visual.blocks.0.norm1.weight"));
}

TEST(MlxForm, LayersThatAreNotCountedAndKeysThatAreSharedAreLeftOut) {
  json::object config = config_of("gemma4_text", "Gemma4ForCausalLM");
  config["num_hidden_layers"] = 3;
  config["num_kv_shared_layers"] = 1;
  std::vector<std::pair<std::string, std::vector<int64_t>>> list;
  for (const char* layer : {"1", "2", "3"}) {
    for (const char* part : {"q_proj", "k_proj", "v_proj", "k_norm"})
      list.push_back(
          {std::string("model.layers.") + layer + ".self_attn." + part + ".weight", {2, 2}});
  }
  std::vector<std::string> notes;
  EXPECT_THAT(names_of(name_tensors(Layout::kMlxLm, config, tensors_of(list), notes)),
              ElementsAre("model.layers.1.self_attn.k_norm.weight",
                          "model.layers.1.self_attn.k_proj.weight",
                          "model.layers.1.self_attn.q_proj.weight",
                          "model.layers.1.self_attn.v_proj.weight",
                          "model.layers.2.self_attn.q_proj.weight"));
  EXPECT_THAT(notes, ::testing::Contains(HasSubstr("layers.3.self_attn.q_proj.weight is left out: "
                                                   "config.json counts 3 layers")));
}

TEST(MlxForm, CorrectionsOfRoutersKeepTheirType) {
  const models::MlxRules rules = mlx_rules(config_of("glm4_moe", ""));
  const std::string name = "model.layers.1.mlp.gate.e_score_correction_bias";
  EXPECT_TRUE(keeps_type(Layout::kMlxLm, rules, name));
  EXPECT_FALSE(keeps_type(Layout::kMlxLm, rules, "model.layers.1.mlp.gate.weight"));
  EXPECT_FALSE(keeps_type(Layout::kMlxEmbeddings, rules, name));
}

NewTensor layer(const std::string& module, std::vector<int64_t> shape) {
  const std::string name = module + ".weight";
  return {.name = name,
          .shape = shape,
          .sources = {stored(name, shape)},
          .of_matrices = shape.size() == 3};
}

// mlx-lm's routers of DeepSeek's kind are no layers.
TEST(MlxForm, RoutersOfDeepseekStayFloats) {
  const quantise::Scheme four{.mode = quantise::Mode::kAffine, .bits = 4, .group = 64};
  std::vector<std::string> notes;
  for (const char* type : {"deepseek_v3", "glm4_moe", "glm4_moe_lite"}) {
    Choice choice(four, "", false, Layout::kMlxLm, config_of(type, ""), {});
    EXPECT_FALSE(choice.of(layer("model.layers.1.mlp.gate", {4, 64}), notes)) << type;
    EXPECT_TRUE(choice.of(layer("model.layers.1.mlp.switch_mlp.gate_proj", {2, 4, 64}), notes));
  }
  EXPECT_THAT(notes, IsEmpty());
}

// As mlx-lm has it of what is quantised already: the entry of all is that of the experts.
TEST(MlxForm, ExpertsOfGptOssStayInMxfp4) {
  const quantise::Scheme eight{.mode = quantise::Mode::kAffine, .bits = 8, .group = 64};
  NewTensor experts = layer("model.layers.0.mlp.experts.up_proj", {2, 4, 64});
  experts.sources.front().quantised = std::make_shared<checkpoint::QuantisedTensor>(
      checkpoint::QuantisedTensor{.format = "MXFP4", .weight = {}});
  std::vector<std::string> notes;
  Choice choice(eight, "", false, Layout::kMlxLm, config_of("gpt_oss", ""), {experts});
  EXPECT_EQ(choice.of(experts, notes)->mode, quantise::Mode::kMxfp4);
  EXPECT_EQ(choice.of(layer("lm_head", {4, 64}), notes)->bits, 8);
  EXPECT_EQ(choice.of(layer("model.layers.0.mlp.router", {4, 64}), notes)->bits, 8);
  EXPECT_EQ(choice.entries(),
            (json::object{{"group_size", 32},
                          {"bits", 4},
                          {"mode", "mxfp4"},
                          {"lm_head", {{"group_size", 64}, {"bits", 8}, {"mode", "affine"}}},
                          {"model.layers.0.mlp.router", {{"group_size", 64}, {"bits", 8}}}}));
  // Where nothing is asked for there is the entry of all alone.
  Choice none(std::nullopt, "", false, Layout::kMlxLm, config_of("gpt_oss", ""), {experts});
  EXPECT_TRUE(none.keeps_all({experts, layer("lm_head", {4, 64})}));
  EXPECT_EQ(none.of(experts, notes)->mode, quantise::Mode::kMxfp4);
  EXPECT_FALSE(none.of(layer("lm_head", {4, 64}), notes));
  EXPECT_EQ(none.entries(), (json::object{{"group_size", 32}, {"bits", 4}, {"mode", "mxfp4"}}));
  Choice other(std::nullopt, "", false, Layout::kMlxLm, config_of("mixtral", ""), {experts});
  EXPECT_FALSE(other.keeps_all({experts}));
}

}  // namespace
}  // namespace vecton::convert
