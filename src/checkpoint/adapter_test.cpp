#include "checkpoint/adapter.h"

#include <fstream>

#include "checkpoint/float_bytes.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_tensors.h"

namespace vecton::checkpoint {
namespace {

using ::testing::ElementsAre;
using testing::TemporaryFolder;

const std::string kLora =
    R"("peft_type": "LORA", "base_model_name_or_path": "org/base", "r": 1, "lora_alpha": 2)";

class AdapterTest : public ::testing::Test {
 protected:
  // The adapter of a folder with these settings and tensors.
  Adapter adapter(const std::string& settings,
                  const std::vector<testing::NamedArray>& tensors = {}) {
    folder_.write("adapter_config.json", "{" + settings + "}");
    testing::write_safetensors(folder_.path() / "adapter_model.safetensors", tensors);
    return *Adapter::find(folder_.path());
  }

  // The values of `name` of the base with the adapter merged in.
  std::vector<float> merged(const std::vector<testing::NamedArray>& base, const Adapter& with,
                            const std::string& name) {
    testing::write_safetensors(folder_.path() / "base.safetensors", base);
    const auto tensors = merge_adapter(read_safetensors(folder_.path() / "base.safetensors"), with);
    const StoredTensor& tensor = tensors.at(name);
    return tensor.compute ? read_floats(tensor::DType::kF32, tensor.compute())
                          : read_floats(tensor.dtype, tensor.bytes);
  }

  TemporaryFolder folder_;
};

TEST_F(AdapterTest, AddsTheScaledProductToALinearLayer) {
  const Adapter with = adapter(kLora, {{"base_model.model.up.lora_A.weight", {1, 3}, {1, 2, 3}},
                                       {"base_model.model.up.lora_B.weight", {2, 1}, {10, 20}}});
  EXPECT_THAT(merged({{"up.weight", {2, 3}, {1, 1, 1, 2, 2, 2}}}, with, "up.weight"),
              ElementsAre(21, 41, 61, 42, 82, 122));
}

TEST_F(AdapterTest, AddsTheTransposedProductToATableOfWords) {
  const Adapter with =
      adapter(kLora, {{"base_model.model.words.lora_embedding_A", {1, 3}, {1, 2, 3}},
                      {"base_model.model.words.lora_embedding_B", {2, 1}, {10, 20}}});
  EXPECT_THAT(merged({{"words.weight", {3, 2}, {0, 0, 0, 0, 0, 0}}}, with, "words.weight"),
              ElementsAre(20, 40, 40, 80, 60, 120));
}

TEST_F(AdapterTest, FindsTheBasesTensorsWithOnePrefixMoreOrLess) {
  const std::vector<testing::NamedArray> parts = {
      {"base_model.model.bert.up.lora_A.weight", {1, 1}, {1}},
      {"base_model.model.bert.up.lora_B.weight", {1, 1}, {1}}};
  EXPECT_THAT(merged({{"up.weight", {1, 1}, {5}}}, adapter(kLora, parts), "up.weight"),
              ElementsAre(7));
  const Adapter plain = adapter(kLora, {{"base_model.model.up.lora_A.weight", {1, 1}, {1}},
                                        {"base_model.model.up.lora_B.weight", {1, 1}, {1}}});
  EXPECT_THAT(merged({{"bert.up.weight", {1, 1}, {5}}}, plain, "bert.up.weight"), ElementsAre(7));
  EXPECT_REFUSED(merged({{"down.weight", {1, 1}, {5}}}, plain, "down.weight"), ErrorCode::kCorrupt,
                 "lora_A", "the base model has no tensor up.weight");
}

// As those of GGUF files are whose rows lie in another order.
TEST_F(AdapterTest, AddsToNumbersThatAreMadeWhenTheyAreAskedFor) {
  const Adapter with = adapter(kLora, {{"base_model.model.up.lora_A.weight", {1, 1}, {1}},
                                       {"base_model.model.up.lora_B.weight", {2, 1}, {1, 2}}});
  const testing::NamedArray up[] = {{"up.weight", {2, 1}, {7, 5}}};
  testing::write_safetensors(folder_.path() / "base.safetensors", up);
  Tensors base = read_safetensors(folder_.path() / "base.safetensors");
  base.at("up.weight").compute = [] {
    const float turned[] = {5, 7};
    const auto bytes = std::as_bytes(std::span(turned));
    return std::vector(bytes.begin(), bytes.end());
  };
  const Tensors tensors = merge_adapter(std::move(base), with);
  EXPECT_THAT(read_floats(tensor::DType::kF32, tensors.at("up.weight").compute()),
              ElementsAre(7, 11));
}

TEST_F(AdapterTest, TakesWholeTensorsInPlaceOfTheBases) {
  const Adapter with =
      adapter(kLora, {{"base_model.model.score.weight", {1, 2}, {8, 9}},
                      {"base_model.model.up.base_layer.bias", {1}, {7}},
                      {"base_model.model.head.modules_to_save.default.weight", {1}, {3}}});
  const std::vector<testing::NamedArray> base = {{"model.up.bias", {1}, {1}},
                                                 {"score.weight", {1, 1}, {1}}};
  EXPECT_THAT(merged(base, with, "model.up.bias"), ElementsAre(7));
  EXPECT_THAT(merged(base, with, "score.weight"), ElementsAre(8, 9));
  EXPECT_THAT(merged(base, with, "head.weight"), ElementsAre(3));
}

TEST_F(AdapterTest, AddsToTheBiasWhereTheProductHasOne) {
  const Adapter with =
      adapter(kLora + R"(, "lora_bias": true)", {{"base_model.model.up.lora_A.weight", {1, 1}, {1}},
                                                 {"base_model.model.up.lora_B.weight", {1, 1}, {1}},
                                                 {"base_model.model.up.lora_B.bias", {1}, {3}}});
  const std::vector<testing::NamedArray> base = {{"up.weight", {1, 1}, {5}}, {"up.bias", {1}, {1}}};
  EXPECT_THAT(merged(base, with, "up.bias"), ElementsAre(7));
  EXPECT_REFUSED(merged({base[0]}, with, "up.weight"), ErrorCode::kCorrupt, "lora_B.bias",
                 "the base model has no tensor up.bias");
}

TEST_F(AdapterTest, ScalesByTheRankAndByPatterns) {
  EXPECT_EQ(adapter(kLora).scale("a.q", 4), 0.5);
  EXPECT_EQ(adapter(kLora + R"(, "use_rslora": true)").scale("a.q", 4), 1);
  const Adapter patterns = adapter(
      kLora + R"(, "alpha_pattern": {"layers\\.\\d+\\.q": 8, "k": 4, "a.layers.1.v": 16, "[": 1})");
  EXPECT_EQ(patterns.scale("a.layers.12.q", 1), 8);
  EXPECT_EQ(patterns.scale("a.layers.1.k", 1), 4);
  EXPECT_EQ(patterns.scale("a.layers.1.v", 1), 16);
  EXPECT_REFUSED(patterns.scale("a.layers.1.up_k2", 1), ErrorCode::kUnsupported, "alpha_pattern",
                 "[");
  EXPECT_REFUSED(
      adapter(kLora + R"(, "alpha_pattern": {"(a*)*b": 1})").scale(std::string(200, 'a') + "b!", 1),
      ErrorCode::kUnsupported, "too many steps");
}

TEST_F(AdapterTest, RefusesOtherMethodsByNameWithTheBaseModel) {
  for (const char* method : {"IA3", "PROMPT_TUNING", "ADALORA", "LOHA", "PREFIX_TUNING"}) {
    EXPECT_REFUSED(adapter(std::string(R"("base_model_name_or_path": "org/base", "peft_type": ")") +
                           method + "\""),
                   ErrorCode::kUnsupported, method, "\"org/base\"", "merge_and_unload");
  }
  EXPECT_REFUSED(adapter(kLora + R"(, "use_dora": true)"), ErrorCode::kUnsupported, "DoRA",
                 "\"org/base\"", "merge_and_unload");
  EXPECT_REFUSED(adapter(kLora + R"(, "layer_replication": [[0, 2], [1, 3]])"),
                 ErrorCode::kUnsupported, "layer_replication");
  EXPECT_REFUSED(adapter(kLora + R"(, "init_lora_weights": "pissa_niter_4")"),
                 ErrorCode::kUnsupported, "pissa_niter_4");
  EXPECT_NO_THROW(adapter(kLora + R"(, "init_lora_weights": "gaussian", "megatron_config": {})"));
  EXPECT_REFUSED(adapter(kLora + R"(, "bias": "some")"), ErrorCode::kCorrupt, "bias", "some");
  EXPECT_THAT(adapter(kLora + R"(, "use_novelty": 1)").unknown_keys, ElementsAre("use_novelty"));
}

TEST_F(AdapterTest, RefusesTensorsThatDoNotFit) {
  const testing::NamedArray a{"base_model.model.up.lora_A.weight", {1, 2}, {1, 1}},
      b{"base_model.model.up.lora_B.weight", {2, 1}, {1, 1}};
  const std::vector<testing::NamedArray> base = {{"up.weight", {2, 2}, {0, 0, 0, 0}}};
  EXPECT_REFUSED(merged(base, adapter(kLora, {a}), "up.weight"), ErrorCode::kCorrupt,
                 "lora_B, is missing");
  EXPECT_REFUSED(
      merged(base, adapter(kLora, {{"base_model.model.up.lora_B.bias", {2}, {1, 1}}}), "up.weight"),
      ErrorCode::kCorrupt, "lora_B.bias: what it is the bias of, lora_A and lora_B, is missing");
  EXPECT_REFUSED(merged(base, adapter(kLora, {a, {b.name, {2, 2}, {1, 1, 1, 1}}}), "up.weight"),
                 ErrorCode::kCorrupt, "lora_B.weight: expected [2,1], found [2,2]");
  EXPECT_REFUSED(
      merged({{"up.weight", {2, 3}, {0, 0, 0, 0, 0, 0}}}, adapter(kLora, {a, b}), "up.weight"),
      ErrorCode::kCorrupt, "a weight [2,2], the base's is [2,3]");
  EXPECT_REFUSED(merged(base, adapter(kLora, {{a.name, {1, 2, 1}, {1, 1}}, b}), "up.weight"),
                 ErrorCode::kUnsupported, "expected a matrix");
  EXPECT_REFUSED(
      merged(base, adapter(kLora, {{"base_model.model.up.lora_magnitude_vector", {1}, {1}}}), "x"),
      ErrorCode::kUnsupported, "lora_magnitude_vector", "org/base");
}

TEST_F(AdapterTest, IsOnlyThereWithItsWeightsOrWithoutAModel) {
  EXPECT_FALSE(Adapter::find(folder_.path()));
  folder_.write("adapter_config.json", "{" + kLora + "}");
  EXPECT_REFUSED(Adapter::find(folder_.path()), ErrorCode::kNotFound, "adapter_model.safetensors");
  folder_.write("config.json", "{}");
  EXPECT_FALSE(Adapter::find(folder_.path()));  // merged already, and kept its settings
}

TEST_F(AdapterTest, LooksForTheBaseBesideIt) {
  namespace fs = std::filesystem;
  const fs::path root = folder_.path();
  const Adapter with{.folder = root / "tuned", .base = "org/base"};
  fs::create_directories(with.folder);
  EXPECT_TRUE(with.base_folder().empty());
  fs::create_directories(root / "base");
  EXPECT_TRUE(fs::equivalent(with.base_folder(), root / "base"));
  fs::create_directories(root / "org" / "base");
  EXPECT_TRUE(fs::equivalent(with.base_folder(), root / "org" / "base"));
  std::ofstream(root / "base" / "config.json")
      << "{}";  // a checkpoint goes before any other folder
  EXPECT_TRUE(fs::equivalent(with.base_folder(), root / "base"));
}

}  // namespace
}  // namespace vecton::checkpoint
