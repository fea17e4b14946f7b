#include "convert/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/files.h"
#include "base/temporary_folder.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/test_tensors.h"
#include "checkpoint/weight_files.h"
#include "convert/choice.h"
#include "convert/config_file.h"
#include "convert/dtypes.h"
#include "convert/layout.h"
#include "convert/rows.h"
#include "convert/shards.h"
#include "convert/source.h"
#include "convert/target.h"
#include "convert/test_models.h"
#include "gguf/test_file.h"
#include "vecton/error.h"

namespace vecton::convert {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

TEST(Layout, FollowsTheModel) {
  const auto choose = [](const json::object& config, const Tensors& tensors, bool recipe = false) {
    return choose_layout("auto", config, tensors, recipe);
  };
  const Tensors headed = tensors_of({{"lm_head.weight", {4, 4}}, {"embed_tokens.weight", {4, 8}}});
  EXPECT_EQ(choose(config_of("bert", "BertModel"), {}), Layout::kMlxEmbeddings);
  EXPECT_EQ(choose(config_of("qwen3", "Qwen3ForCausalLM"), {}), Layout::kMlxEmbeddings);
  EXPECT_EQ(choose(config_of("qwen3", "Qwen3ForCausalLM"), {}, true), Layout::kMlxLm);
  EXPECT_EQ(choose(config_of("qwen3", "Qwen3ForCausalLM"), headed), Layout::kMlxLm);
  EXPECT_EQ(choose(config_of("llama", "LlamaForCausalLM"), {}), Layout::kMlxLm);
  EXPECT_EQ(choose_layout("mlx-lm", config_of("bert", "BertModel"), {}, false), Layout::kMlxLm);
  EXPECT_THAT(refusal([] { choose_layout("gguf", {}, {}, false); }),
              HasSubstr("expected auto, mlx-embeddings or mlx-lm"));
}

TEST(Layout, NamesOfModernBertAndQwen3HaveAPrefix) {
  std::vector<std::string> notes;
  const auto tensors = [] {
    return tensors_of({{"layers.10.mlp.Wi.weight", {4, 4}}, {"layers.9.mlp.Wi.weight", {4, 4}}});
  };
  EXPECT_THAT(names_of(name_tensors(Layout::kMlxEmbeddings,
                                    config_of("modernbert", "ModernBertModel"), tensors(), notes)),
              ElementsAre("model.layers.9.mlp.Wi.weight", "model.layers.10.mlp.Wi.weight"));
  EXPECT_THAT(
      names_of(name_tensors(Layout::kMlxEmbeddings,
                            config_of("modernbert", "ModernBertForMaskedLM"), tensors(), notes)),
      ElementsAre("layers.9.mlp.Wi.weight", "layers.10.mlp.Wi.weight"));
  json::object qwen3 = config_of("qwen3", "Qwen3Model");
  qwen3["num_hidden_layers"] = 11;  // what is beyond is left out
  EXPECT_THAT(names_of(name_tensors(Layout::kMlxLm, qwen3, tensors(), notes)),
              ElementsAre("layers.9.mlp.Wi.weight", "layers.10.mlp.Wi.weight"));
  EXPECT_TRUE(notes.empty());
}

TEST(Layout, ModernBertsTiedHeadIsWrittenToo) {
  std::vector<std::string> notes;
  json::object config = config_of("modernbert", "ModernBertForMaskedLM");
  const auto names = [&](Layout layout) {
    return names_of(name_tensors(
        layout, config,
        tensors_of({{"decoder.bias", {3}}, {"model.embeddings.tok_embeddings.weight", {3, 4}}}),
        notes));
  };
  const auto as_stored = ElementsAre("decoder.bias", "model.embeddings.tok_embeddings.weight");
  EXPECT_THAT(names(Layout::kMlxEmbeddings), ElementsAre("decoder.bias", "decoder.weight",
                                                         "model.embeddings.tok_embeddings.weight"));
  EXPECT_THAT(names(Layout::kMlxLm), as_stored);
  config["tie_word_embeddings"] = false;
  EXPECT_THAT(names(Layout::kMlxEmbeddings), as_stored);
}

TEST(Layout, SaysWhatIsLeftOut) {
  std::vector<std::string> notes;
  json::object config = config_of("llama", "LlamaForCausalLM");
  config["tie_word_embeddings"] = true;
  const auto made = name_tensors(Layout::kMlxLm, config,
                                 tensors_of({{"lm_head.weight", {4, 4}},
                                             {"embeddings.position_ids", {1, 4}},
                                             {"model.norm.weight", {4}}}),
                                 notes);
  EXPECT_THAT(names_of(made), ElementsAre("model.norm.weight"));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("embeddings.position_ids is left out: it is computed"),
                                 HasSubstr("lm_head.weight is left out: it is tied")));
}

TEST(Layout, AHeadThatDiffersFromTheTableIsKept) {
  std::vector<std::string> notes;
  const auto made = name_tensors(
      Layout::kMlxLm, config_of("llama", "LlamaForCausalLM"),
      tensors_of({{"lm_head.weight", {4, 4}}, {"model.embed_tokens.weight", {5, 4}}}), notes);
  EXPECT_THAT(names_of(made), ElementsAre("lm_head.weight", "model.embed_tokens.weight"));
}

TEST(Layout, ExpertsAreStackedInTheirOrder) {
  std::vector<std::string> notes;
  std::vector<std::pair<std::string, std::vector<int64_t>>> list;
  for (int i = 0; i < 12; ++i)
    list.push_back({"model.layers.0.mlp.experts." + std::to_string(i) + ".up_proj.weight", {4, 8}});
  const auto made = name_tensors(Layout::kMlxLm, config_of("qwen3_moe", "Qwen3MoeForCausalLM"),
                                 tensors_of(list), notes);
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].name, "model.layers.0.mlp.switch_mlp.up_proj.weight");
  EXPECT_THAT(made[0].shape, ElementsAre(12, 4, 8));
  EXPECT_EQ(made[0].module(), "model.layers.0.mlp.switch_mlp.up_proj");
  for (size_t i = 0; i < 12; ++i)
    EXPECT_THAT(made[0].sources[i].name, HasSubstr("experts." + std::to_string(i) + "."));
  list.erase(list.begin() + 3);
  EXPECT_THAT(refusal([&] {
                name_tensors(Layout::kMlxLm, config_of("qwen3_moe", "Qwen3MoeForCausalLM"),
                             tensors_of(list), notes);
              }),
              HasSubstr("expert 3 is missing"));
}

TEST(Layout, OnlyMatricesOfFloatsAreLayers) {
  const auto module = [](const std::string& name, std::vector<int64_t> shape) {
    return NewTensor{.name = name, .shape = shape, .sources = {stored(name, shape)}}.module();
  };
  EXPECT_EQ(module("a.b.weight", {4, 4}), "a.b");
  EXPECT_EQ(module("a.b.bias", {4, 4}), "");
  EXPECT_EQ(module("a.norm.weight", {4}), "");
  EXPECT_EQ(module("a.conv.weight", {4, 4, 3}), "");
}

NewTensor layer(const std::string& module, int64_t columns) {
  const std::string name = module + ".weight";
  return {.name = name, .shape = {2, columns}, .sources = {stored(name, {2, columns})}};
}

TEST(Layout, OnlyNumbersOfLayersThatHoldNoOthersCount) {
  std::vector<std::string> notes;
  const auto tensors = name_tensors(Layout::kMlxLm, config_of("llama", "LlamaForCausalLM"),
                                    tensors_of({{"model.layers.0.self_attn.q_proj.weight", {2, 4}},
                                                {"model.layers.0.self_attn.q_proj.bias", {2}},
                                                {"model.layers.0.self_attn.sinks", {3}},
                                                {"model.layers.0.scalar", {1}},
                                                {"model.norm.weight", {4}}}),
                                    notes);
  EXPECT_EQ(parameters_of(tensors), 8 + 2 + 4);
}

TEST(Choice, LayersWhoseRowsAreNoGroupsStay) {
  Choice choice(quantise::make_scheme("affine", {}, {}), "", false, Layout::kMlxEmbeddings,
                config_of("bert", "BertModel"), {});
  std::vector<std::string> notes;
  EXPECT_TRUE(choice.of(layer("a", 128), notes));
  EXPECT_TRUE(notes.empty());
  EXPECT_FALSE(choice.of(layer("b", 96), notes));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("b is not quantised: its rows of 96")));
  EXPECT_EQ(choice.entries(), (json::object{{"group_size", 64}, {"bits", 4}, {"mode", "affine"}}));
}

TEST(Choice, RecipesGiveSomeLayersMoreBits) {
  const std::vector<NewTensor> tensors = {layer("model.layers.0.mlp.down_proj", 64)};
  Choice choice(quantise::make_scheme("affine", {}, {}), "mixed_2_6", false, Layout::kMlxLm,
                config_of("llama", "LlamaForCausalLM"), tensors);
  std::vector<std::string> notes;
  const auto bits = [&](const std::string& module) {
    return choice.of(layer(module, 64), notes)->bits;
  };
  // Of eight layers: the first, the last, and every third between.
  std::vector<int> down;
  for (int i = 0; i < 8; ++i)
    down.push_back(bits("model.layers." + std::to_string(i) + ".mlp.down_proj"));
  EXPECT_THAT(down, ElementsAre(6, 2, 2, 6, 2, 2, 6, 6));
  EXPECT_EQ(bits("model.layers.0.self_attn.v_proj"), 6);
  EXPECT_EQ(bits("model.layers.0.self_attn.q_proj"), 2);
  EXPECT_EQ(bits("model.embed_tokens"), 2);
  EXPECT_EQ(bits("lm_head"), 6);
  EXPECT_EQ(choice.entries().at("lm_head"),
            (json::object{{"group_size", nullptr}, {"bits", 6}, {"mode", "affine"}}));
}

TEST(Choice, RecipesAreRefusedWhereTheyMeanNothing) {
  const auto make = [](const char* mode, const char* recipe, Layout layout,
                       const std::vector<NewTensor>& tensors) {
    return refusal([&] {
      Choice(quantise::make_scheme(mode, {}, {}), recipe, false, layout,
             config_of("llama", "LlamaForCausalLM"), tensors);
    });
  };
  const std::vector<NewTensor> tensors = {layer("model.layers.0.mlp.down_proj", 64)};
  EXPECT_THAT(make("mxfp4", "mixed_2_6", Layout::kMlxLm, tensors), HasSubstr("--q-mode affine"));
  EXPECT_THAT(make("affine", "mixed_9", Layout::kMlxLm, tensors), HasSubstr("mixed_4_6"));
  EXPECT_THAT(make("affine", "mixed_2_6", Layout::kMlxEmbeddings, tensors),
              HasSubstr("--layout mlx-lm"));
  EXPECT_THAT(make("affine", "mixed_2_6", Layout::kMlxLm, {}), HasSubstr("down_proj"));
}

TEST(Choice, RoutersHaveEightBits) {
  Choice choice(quantise::make_scheme("mxfp4", {}, {}), "", false, Layout::kMlxLm,
                config_of("qwen3_moe", "Qwen3MoeForCausalLM"), {});
  std::vector<std::string> notes;
  EXPECT_EQ(choice.of(layer("model.layers.0.mlp.gate", 64), notes)->bits, 8);
  EXPECT_EQ(choice.of(layer("model.layers.0.self_attn.q_proj", 64), notes)->mode,
            quantise::Mode::kMxfp4);
  EXPECT_EQ(choice.entries().at("model.layers.0.mlp.gate"),
            (json::object{{"group_size", 64}, {"bits", 8}}));
  Choice gpt_oss(quantise::make_scheme("mxfp4", {}, {}), "", false, Layout::kMlxLm,
                 config_of("gpt_oss", "GptOssForCausalLM"), {});
  EXPECT_EQ(gpt_oss.of(layer("model.layers.0.mlp.router", 64), notes)->bits, 8);
}

TEST(Choice, SomeLayersOfGraniteHaveEightBits) {
  const quantise::Scheme four{.mode = quantise::Mode::kAffine, .bits = 4, .group = 64};
  const json::object config = config_of("granite", "GraniteForCausalLM");
  std::vector<std::string> notes;
  for (const auto& [layout, bits] : {std::pair{Layout::kMlxLm, 8}, {Layout::kMlxEmbeddings, 4}}) {
    Choice choice(four, "", false, layout, config, {});
    const auto bits_of = [&](const std::string& name) {
      return choice
          .of({.name = name, .shape = {64, 64}, .sources = {stored(name, {64, 64})}}, notes)
          ->bits;
    };
    for (const char* name : {"model.layers.0.self_attn.o_proj.weight", "lm_head.weight",
                             "model.layers.3.mlp.down_proj.weight"})
      EXPECT_EQ(bits_of(name), bits) << name;
    EXPECT_EQ(bits_of("model.layers.0.self_attn.q_proj.weight"), 4);
  }
}

// A family that nobody knows is converted by the rules of all.
TEST(Layout, UnknownFamiliesHaveNoRulesOfTheirOwn) {
  const models::MlxRules rules = mlx_rules(config_of("mystery", "MysteryModel"));
  EXPECT_TRUE(rules.backbone_prefix.empty());
  EXPECT_FALSE(rules.embeds_generative || rules.drops_lm_head || rules.experts);
  EXPECT_TRUE(mlx_rules({}).eight_bits.empty());
  EXPECT_TRUE(mlx_rules(config_of("qwen2_moe", "")).experts);
  EXPECT_TRUE(mlx_rules(config_of("qwen3-moe", "")).experts);  // as MLX reads the type
}

TEST(Layout, HeadsOfBackbonesHaveNoPrefix) {
  std::vector<std::string> notes;
  const Tensors tensors = tensors_of({{"layers.0.up.weight", {4, 4}},
                                      {"lm_head.weight", {4, 4}},
                                      {"model.norm.weight", {4}},
                                      {"score.weight", {1, 4}}});
  json::object config = config_of("gemma3_text", "Gemma3TextModel");
  config["tie_word_embeddings"] = false;
  EXPECT_THAT(names_of(name_tensors(Layout::kMlxEmbeddings, config, tensors, notes)),
              ElementsAre("lm_head.weight", "model.layers.0.up.weight", "model.norm.weight",
                          "score.weight"));
}

TEST(Dtypes, OfLayouts) {
  EXPECT_EQ(usual_dtype(Layout::kMlxEmbeddings, {{"torch_dtype", "bfloat16"}}),
            tensor::DType::kF16);
  EXPECT_EQ(usual_dtype(Layout::kMlxLm, {{"torch_dtype", "bfloat16"}}), tensor::DType::kBF16);
  EXPECT_EQ(usual_dtype(Layout::kMlxLm, {{"dtype", "bfloat16"}}), std::nullopt);
  EXPECT_EQ(usual_dtype(Layout::kMlxLm, {{"text_config", {{"dtype", "float16"}}}}),
            tensor::DType::kF16);
}

TEST(ConfigFile, NumbersAndStringsAreAsPythonHasThem) {
  EXPECT_EQ(indented(json::object{{"a", 1e-12},
                                  {"b", 1000000.0},
                                  {"c", 0.5},
                                  {"d", "\xc3\xa9\xf0\x9f\x98\x80"},
                                  {"e", json::array{}},
                                  {"f", {1, nullptr, true}}}),
            "{\n    \"a\": 1e-12,\n    \"b\": 1000000.0,\n    \"c\": 0.5,\n"
            "    \"d\": \"\\u00e9\\ud83d\\ude00\",\n    \"e\": [],\n"
            "    \"f\": [\n        1,\n        null,\n        true\n    ]\n}");
}

TEST(ConfigFile, KeysAreSortedAndTheOldQuantisationGoes) {
  const json::object config{{"z", 1},
                            {"a", 2},
                            {"_name_or_path", "x"},
                            {"quantization_config", {{"quant_method", "awq"}}}};
  EXPECT_EQ(config_text(config, nullptr, Layout::kMlxLm), "{\n    \"a\": 2,\n    \"z\": 1\n}");
  const json::object entries{{"bits", 4}};
  EXPECT_THAT(config_text(config, &entries, Layout::kMlxLm), HasSubstr("\"quantization_config\""));
  const std::string own = config_text(config, &entries, Layout::kMlxEmbeddings);
  EXPECT_THAT(own, HasSubstr("\"quantization\""));
  EXPECT_THAT(own, ::testing::Not(HasSubstr("\"quantization_config\"")));
}

TEST(Shards, TensorsAreSplitInOrderAndReadBack) {
  const base::TemporaryFolder folder;
  std::vector<FileTensor> tensors;
  for (int i = 0; i < 5; ++i)
    tensors.push_back({"t" + std::to_string(i),
                       i == 1 ? tensor::DType::kU8 : tensor::DType::kF32,
                       {i == 1 ? 12 : 3},
                       12});
  Shards shards(tensors, folder.path(), 30);
  for (size_t i = 0; i < 5; ++i) {
    const std::vector<std::byte> bytes(6, static_cast<std::byte>(i + 1));
    shards.write(i, 6, bytes);
    shards.write(i, 0, bytes);
  }
  shards.finish();
  EXPECT_EQ(shards.total_bytes(), 60);
  EXPECT_EQ(shards.file_of(0), "model-00001-of-00003.safetensors");
  EXPECT_EQ(shards.file_of(4), "model-00003-of-00003.safetensors");
  int found = 0;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    for (const auto& [name, tensor] : checkpoint::read_safetensors(entry.path())) {
      const auto i = static_cast<size_t>(name[1] - '0');
      EXPECT_EQ(shards.file_of(i), entry.path().filename());
      EXPECT_EQ(std::vector<std::byte>(tensor.bytes.begin(), tensor.bytes.end()),
                std::vector<std::byte>(12, static_cast<std::byte>(i + 1)));
      ++found;
    }
  }
  EXPECT_EQ(found, 5);
}

TEST(Shards, ATensorLargerThanAFileHasOneOfItsOwn) {
  const base::TemporaryFolder folder;
  const Shards shards({{"a", tensor::DType::kU8, {50}, 50}, {"b", tensor::DType::kU8, {1}, 1}},
                      folder.path(), 30);
  EXPECT_EQ(shards.file_of(0), "model-00001-of-00002.safetensors");
  EXPECT_EQ(shards.file_of(1), "model-00002-of-00002.safetensors");
}

TEST(Target, AppearsWhenItIsWhole) {
  const base::TemporaryFolder folder;
  const fs::path to = folder.path() / "new";
  {
    Target target(to, false);
    target.write("a.txt", "x");
    EXPECT_FALSE(fs::exists(to));
    EXPECT_THAT(refusal([&] { Target(to, false); }), HasSubstr("another conversion is writing"));
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));  // given up: nothing is left
  Target target(to, false);
  target.write("a.txt", "x");
  target.commit();
  EXPECT_EQ(text_of(to / "a.txt"), "x");
  EXPECT_FALSE(fs::exists(to / ".lock"));
  EXPECT_THAT(refusal([&] { Target(to, true); }), HasSubstr("already exists"));
}

TEST(Target, WhatAKilledConversionLeftGoes) {
  const base::TemporaryFolder folder;
  folder.write("new.partial/model.safetensors", "half");
  folder.write("new.partial/.lock", "");
  Target target(folder.path() / "new", false);
  EXPECT_FALSE(fs::exists(target.work() / "model.safetensors"));
}

TEST(Target, AnEarlierConversionIsReplacedAndOtherFilesStay) {
  const base::TemporaryFolder folder;
  folder.write("old/config.json", "{}");
  folder.write("old/model.safetensors.index.json", "old");
  folder.write("old/model.safetensors", R"(........{"__metadata__":{"format":"mlx"}})");
  folder.write("old/notes.md", "mine");
  EXPECT_THAT(refusal([&] { Target(folder.path() / "old", false); }), HasSubstr("already exists"));
  Target target(folder.path() / "old", true);
  target.write("config.json", "new");
  target.commit();
  EXPECT_EQ(text_of(folder.path() / "old/config.json"), "new");
  EXPECT_EQ(text_of(folder.path() / "old/notes.md"), "mine");
  EXPECT_FALSE(fs::exists(folder.path() / "old/model.safetensors"));
}

TEST(Target, AnotherCheckpointIsNotReplaced) {
  const base::TemporaryFolder folder;
  folder.write("other/config.json", "{}");
  folder.write("other/model.safetensors.index.json", "{}");
  folder.write("other/model-00001-of-00002.safetensors",
               R"(........{"__metadata__":{"format":"pt"}})");
  EXPECT_THAT(refusal([&] { Target(folder.path() / "other", true); }), HasSubstr("already exists"));
}

TEST(Target, ADiskWithoutRoomIsRefusedBefore) {
  const base::TemporaryFolder folder;
  const Target target(folder.path() / "new", false);
  EXPECT_NO_THROW(target.require(1));
  EXPECT_THAT(refusal([&] { target.require(int64_t{1} << 60); }), HasSubstr("the disk has"));
}

class Convert : public ::testing::Test {
 protected:
  Convert() {
    folder_.write("m/config.json",
                  R"({"model_type":"bert","architectures":["BertModel"],"vocab_size":3})");
    folder_.write("m/tokenizer.json", "{}");
    folder_.write(
        "m/modules.json",
        R"([{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"},
                      {"idx":1,"name":"1","path":"1_Pooling",
                       "type":"sentence_transformers.models.Pooling"}])");
    folder_.write("m/1_Pooling/config.json",
                  R"({"word_embedding_dimension":64,"pooling_mode_cls_token":true})");
    testing::NamedArray table{
        "embeddings.word_embeddings.weight", {3, 64}, std::vector<float>(192)};
    for (size_t i = 0; i < table.values.size(); ++i)
      table.values[i] = static_cast<float>(i % 17) * 0.1f - 0.7f;
    testing::write_safetensors(folder_.path() / "m/model.safetensors", std::vector{table});
    options_.model = folder_.path() / "m";
    options_.target = folder_.path() / "out";
  }
  base::TemporaryFolder folder_;
  ConvertOptions options_;
};

TEST_F(Convert, ModulesComeAlong) {
  options_.quantize = true;
  const ConvertReport report = convert_model(options_);
  EXPECT_EQ(report.layout, "mlx-embeddings");
  EXPECT_EQ(report.parameters, 192);
  EXPECT_EQ(report.input_bytes, 768);
  EXPECT_EQ(report.output_bytes, 96 + 6 + 6);
  EXPECT_TRUE(base::is_file(folder_.path() / "out/1_Pooling/config.json"));
  EXPECT_TRUE(base::is_file(folder_.path() / "out/tokenizer.json"));
}

// They say how the source was quantised.
TEST_F(Convert, LeavesOutTheSettingsOfModelOpt) {
  for (const char* name : {"hf_quant_config.json", "other.json"}) {
    folder_.write("m/" + std::string(name),
                  R"({"producer":{"name":"modelopt"},"quantization":{"quant_algo":"FP8"}})");
  }
  convert_model(options_);
  EXPECT_TRUE(base::is_file(folder_.path() / "out/other.json"));
  EXPECT_FALSE(base::is_file(folder_.path() / "out/hf_quant_config.json"));
}

TEST_F(Convert, MlxLmsSettingsHaveTheEndsOfTexts) {
  const auto ends = [&](const char* generation) {
    folder_.write("m/generation_config.json", generation);
    fs::remove_all(options_.target);
    convert_model(options_);
    const json::object config = base::read_json(folder_.path() / "out/config.json").as_object();
    const json::value* found = config.if_contains("eos_token_id");
    return found ? *found : json::value();
  };
  EXPECT_EQ(ends(R"({"eos_token_id":[1,2]})"), json::value());
  options_.layout = "mlx-lm";
  EXPECT_EQ(ends(R"({"eos_token_id":[1,2]})"), (json::array{1, 2}));
  EXPECT_EQ(ends(R"({"eos_token_id":0})"), json::value());
  EXPECT_EQ(ends("{}"), json::value());
}

TEST_F(Convert, BytesDoNotDependOnTheThreads) {
  options_.quantize = true;
  options_.threads = 1;
  convert_model(options_);
  const std::string one = text_of(folder_.path() / "out/model.safetensors");
  options_.threads = 4;
  options_.target = folder_.path() / "out4";
  convert_model(options_);
  EXPECT_EQ(one, text_of(folder_.path() / "out4/model.safetensors"));
}

TEST_F(Convert, EveryModeIsDequantised) {
  for (const char* mode : {"affine", "mxfp4", "nvfp4", "mxfp8"}) {
    options_.quantize = true;
    options_.dequantize = false;
    options_.mode = mode;
    options_.model = folder_.path() / "m";
    options_.target = folder_.path() / mode;
    convert_model(options_);
    options_.quantize = false;
    options_.dequantize = true;
    options_.model = folder_.path() / mode;
    options_.target = folder_.path() / (std::string(mode) + "-back");
    convert_model(options_);
    const auto tensors = checkpoint::read_checkpoint(options_.target);
    ASSERT_EQ(tensors.size(), 1u) << mode;
    EXPECT_EQ(tensors.begin()->second.dtype, tensor::DType::kF16);
    EXPECT_THAT(text_of(fs::path(options_.target) / "config.json"),
                ::testing::Not(HasSubstr("quantization")));
  }
}

// A decoder of one layer and eight tokens.
gguf::TestFile decoder_file(const std::string& architecture = "qwen2") {
  gguf::TestFile file(architecture);
  for (const auto& [key, value] :
       std::initializer_list<std::pair<const char*, uint32_t>>{{"block_count", 1},
                                                               {"embedding_length", 32},
                                                               {"feed_forward_length", 64},
                                                               {"context_length", 128},
                                                               {"attention.head_count", 2}})
    file.integer(architecture + "." + key, value);
  file.number(architecture + ".attention.layer_norm_rms_epsilon", 1e-6f)
      .text("tokenizer.ggml.model", "gpt2")
      .text("tokenizer.ggml.pre", "qwen2")
      .texts("tokenizer.ggml.tokens", {"a", "b", "ab", "<e>", "<t>"})
      .integers("tokenizer.ggml.token_type", {1, 1, 1, 3, 3})
      .texts("tokenizer.ggml.merges", {"a b"})
      .integer("tokenizer.ggml.eos_token_id", 3)
      .integer("tokenizer.ggml.eot_token_id", 4)
      .floats("token_embd.weight", {5, 32}, std::vector<float>(160, 0.5f));
  return file;
}

json::object json_of(const Source& source, const char* file) {
  return json::parse(source.files.at(file)).as_object();
}

TEST(GgufSource, SettingsBecomeFiles) {
  const base::TemporaryFolder folder;
  folder.write("m.gguf", decoder_file().text("tokenizer.chat_template", "{{ 1 }}").bytes());
  const Source source = open_source(folder.path() / "m.gguf");
  EXPECT_EQ(source.config.at("model_type"), "qwen2");
  EXPECT_EQ(source.config.at("eos_token_id"), 3);
  EXPECT_FALSE(source.quantised);
  EXPECT_TRUE(source.tensors.contains("model.embed_tokens.weight"));
  const json::object settings = json_of(source, "tokenizer_config.json");
  EXPECT_EQ(settings.at("eos_token"), "<e>");
  EXPECT_EQ(settings.at("chat_template"), "{{ 1 }}");
  EXPECT_EQ(settings.at("model_max_length"), 128);
  const json::object tokenizer = json_of(source, "tokenizer.json");
  EXPECT_EQ(tokenizer.at("model").at("vocab").at("ab"), 2);
  EXPECT_EQ(tokenizer.at("added_tokens").at(1).at("id"), 4);
  EXPECT_EQ(tokenizer.at("added_tokens").at(1).at("content"), "<t>");
  EXPECT_TRUE(tokenizer.at("normalizer").is_object());
  EXPECT_TRUE(tokenizer.at("post_processor").is_null());
  // A turn's end ends a text too.
  EXPECT_EQ(json_of(source, "generation_config.json").at("eos_token_id"), (json::array{3, 4}));
  EXPECT_FALSE(source.files.contains("modules.json"));
}

TEST(GgufSource, TemplatesWithNamesAreAList) {
  const base::TemporaryFolder folder;
  folder.write("m.gguf", decoder_file()
                             .text("tokenizer.chat_template", "plain")
                             .text("tokenizer.chat_template.tool_use", "tools")
                             .bytes());
  EXPECT_EQ(
      json_of(open_source(folder.path() / "m.gguf"), "tokenizer_config.json").at("chat_template"),
      (json::array{{{"name", "default"}, {"template", "plain"}},
                   {{"name", "tool_use"}, {"template", "tools"}}}));
}

TEST(GgufSource, PoolingBecomesModules) {
  const base::TemporaryFolder folder;
  folder.write("m.gguf", decoder_file().integer("qwen2.pooling_type", 3).bytes());
  const Source source = open_source(folder.path() / "m.gguf");
  EXPECT_EQ(source.config.at("architectures"), json::array{"Qwen2Model"});
  const json::object pooling = json_of(source, "1_Pooling/config.json");
  EXPECT_EQ(pooling.at("pooling_mode_lasttoken"), true);
  EXPECT_EQ(pooling.at("pooling_mode_mean_tokens"), false);
  EXPECT_EQ(pooling.at("word_embedding_dimension"), 32);
  EXPECT_EQ(json::parse(source.files.at("modules.json")).as_array().size(), 3u);
}

TEST(GgufSource, ALayerBehindEveryTokenBecomesPylatesModules) {
  const base::TemporaryFolder folder;
  folder.write("m.gguf", decoder_file("lfm2")
                             .integer("lfm2.shortconv.l_cache", 3)
                             .integer("lfm2.attention.head_count_kv", 1)
                             .floats("dense_2.weight", {2, 32}, std::vector<float>(64, 0.25f))
                             .bytes());
  const Source source = open_source(folder.path() / "m.gguf");
  EXPECT_EQ(source.config.at("architectures"), json::array{"Lfm2Model"});
  const json::array modules = json::parse(source.files.at("modules.json")).as_array();
  ASSERT_EQ(modules.size(), 2u);
  EXPECT_EQ(modules[1].at("type"), "pylate.models.Dense.Dense");
  EXPECT_EQ(modules[1].at("path"), "1_Dense");
  EXPECT_EQ(json_of(source, "1_Dense/config.json").at("out_features"), 2);
  EXPECT_TRUE(source.files.contains("1_Dense/model.safetensors"));
  const json::object settings = json_of(source, "config_sentence_transformers.json");
  EXPECT_EQ(settings.at("query_prefix"), "[Q] ");
  EXPECT_EQ(settings.at("document_length"), 512);
  EXPECT_FALSE(source.tensors.contains("dense_2.weight"));
}

TEST_F(Convert, TheModelItselfIsNotReplaced) {
  convert_model(options_);
  options_.model = options_.target;
  EXPECT_THAT(refusal([&] { convert_model(options_); }), HasSubstr("is the model itself"));
  EXPECT_TRUE(fs::exists(fs::path(options_.target) / "model.safetensors"));
}

TEST_F(Convert, RefusesByOption) {
  const auto refused = [&](auto change) {
    ConvertOptions options = options_;
    change(options);
    return refusal([&] { convert_model(options); });
  };
  EXPECT_THAT(refused([](ConvertOptions& o) { o.quantize = o.dequantize = true; }),
              HasSubstr("not both"));
  EXPECT_THAT(refused([](ConvertOptions& o) { o.dtype = "float64"; }), HasSubstr("--dtype"));
  EXPECT_THAT(refused([](ConvertOptions& o) { o.dequantize = true; }),
              HasSubstr("is not quantised"));
  EXPECT_THAT(refused([](ConvertOptions& o) { o.recipe = "mixed_2_6"; }),
              HasSubstr("expected -q with it"));
  EXPECT_THAT(refused([](ConvertOptions& o) {
                o.quantize = true;
                o.bits = 7;
              }),
              HasSubstr("--q-bits"));
  EXPECT_FALSE(fs::exists(options_.target));
  EXPECT_FALSE(fs::exists(options_.target + ".partial"));
}

}  // namespace
}  // namespace vecton::convert
