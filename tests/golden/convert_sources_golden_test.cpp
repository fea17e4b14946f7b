// Checkpoints of every family and of every quantised form that is read, converted: the new folder
// is opened again and answers as its source does.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "base/temporary_folder.h"
#include "checkpoint/float_bytes.h"
#include "checkpoint/weight_files.h"
#include "convert/convert.h"
#include "fixture.h"
#include "vecton/vecton.h"

namespace vecton::golden {
namespace {

namespace fs = std::filesystem;

std::vector<float> vector_of(const fs::path& model, const std::string& quantization = "auto") {
  EngineOptions options;
  options.model = model;
  options.convert = "embed";
  options.dtype = "float32";
  options.quantization = quantization;
  const std::vector<std::string> texts = {"Some words, and 42 numbers; to look at."};
  return Engine::open(options)->embed(texts).front();
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = a.size() == b.size() ? 0 : INFINITY, size = 1e-30;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    largest = std::max(largest, std::fabs(double{a[i]} - double{b[i]}));
    size = std::max(size, std::fabs(double{a[i]}));
  }
  return largest / size;
}

class ConvertedGolden : public ::testing::TestWithParam<const char*> {
 protected:
  convert::ConvertOptions to(const std::string& name) const {
    convert::ConvertOptions options;
    options.model = fixture_.model();
    options.target = folder_.path() / name;
    options.dtype = "float32";
    return options;
  }
  static convert::ConvertOptions quantised(convert::ConvertOptions options) {
    options.quantize = true;
    options.bits = 8;
    options.group_size = 32;
    return options;
  }

  Fixture fixture_{GetParam()};
  base::TemporaryFolder folder_;
};

using FloatsGolden = ConvertedGolden;

TEST_P(FloatsGolden, AnswersAsItsSource) {
  const std::vector<float> source = vector_of(fixture_.model());
  for (const char* layout : {"mlx-embeddings", "mlx-lm"}) {
    convert::ConvertOptions floats = to(std::string(layout) + "-floats");
    floats.layout = layout;
    convert::convert_model(floats);
    EXPECT_EQ(vector_of(floats.target), source) << layout;
  }
  convert::ConvertOptions codes = quantised(to("codes"));
  codes.dtype.clear();
  convert::convert_model(codes);
  const std::vector<float> vector = vector_of(codes.target);
  EXPECT_LT(largest_difference(source, vector), 0.1);
  EXPECT_EQ(vector_of(fixture_.model(), "mlx-affine-8-g32"), vector);
}

INSTANTIATE_TEST_SUITE_P(Families, FloatsGolden,
                         ::testing::Values("bert-embed-mean", "roberta-embed", "xlm-roberta-embed",
                                           "distilbert-embed", "mpnet-embed", "electra-rerank",
                                           "deberta-v3-rerank", "nomic-bert-embed", "gte-new",
                                           "jina-embeddings-v3-base", "modernbert-embed-cls",
                                           "eurobert-embed", "gen-gemma2", "gen-gemma3", "gen-lfm2",
                                           "gen-llama3", "gen-mistral-sliding", "gen-qwen2-sliding",
                                           "emb-qwen3", "emb-llama-bidirectional"),
                         test_name);

using QuantisedGolden = ConvertedGolden;

TEST_P(QuantisedGolden, IsMadeFloatsAndAnotherForm) {
  convert::ConvertOptions floats = to("floats");
  floats.dequantize = true;
  convert::convert_model(floats);
  EXPECT_LT(largest_difference(vector_of(fixture_.model()), vector_of(floats.target)), 2e-5);

  const convert::ConvertOptions at_once = quantised(to("at-once"));
  convert::convert_model(at_once);
  convert::ConvertOptions in_steps = quantised(to("in-steps"));
  in_steps.model = floats.target;
  convert::convert_model(in_steps);
  const auto one = checkpoint::read_checkpoint(at_once.target),
             other = checkpoint::read_checkpoint(in_steps.target);
  ASSERT_EQ(one.size(), other.size());
  int codes = 0;
  for (const auto& [name, tensor] : one) {
    ASSERT_TRUE(other.contains(name)) << name;
    EXPECT_TRUE(std::ranges::equal(tensor.bytes, other.at(name).bytes)) << name;
    codes += name.ends_with(".scales");
  }
  EXPECT_GT(codes, 0);
  EXPECT_EQ(vector_of(at_once.target), vector_of(in_steps.target));
}

INSTANTIATE_TEST_SUITE_P(
    Forms, QuantisedGolden,
    ::testing::Values("awq-llama3", "awq-mistral", "awq-qwen2", "gptq-llama3", "gptq-qwen2",
                      "hf-qwen3-fp8", "mlx-qwen3moe-4bit", "ct-llama-w4a16", "ct-llama-w8a8",
                      "ct-llama-fp8-dynamic", "ct-llama-fp8-static", "ct-llama-fp8-block",
                      "ct-llama-w4a16-asym", "ct-llama-w8a16", "ct-llama-w8a16-asym",
                      "ct-llama-mixed", "ct-llama-nvfp4", "ct-llama-mx", "ct-llama-actorder",
                      "gptq-llama-actorder", "modelopt-llama-fp8", "modelopt-llama-nvfp4",
                      "modelopt-llama-mixed", "fp8-llama-static", "fp8-llama-fbgemm",
                      "mlx-bert-nvfp4", "mlx-llama-mixed-modes", "mlx-qwen2-3bit", "gguf-bert-q40",
                      "gguf-bert-q80", "gguf-llama-q4km", "gguf-qwen3-q4km", "gguf-gemma3-q80",
                      "gguf-gen-gpt-oss"),
    test_name);

// OpenAI's blocks as mlx-lm has them, byte by byte: nothing is quantised again.
TEST(GptOssGolden, BlocksStayAsTheyAre) {
  const Fixture source("hf-gptoss-mxfp4"), made_by_mlx("mlx-gptoss-mxfp4");
  const base::TemporaryFolder folder;
  convert::ConvertOptions options;
  options.model = source.model();
  options.target = folder.path() / "made";
  options.quantize = true;
  options.mode = "mxfp4";
  convert::convert_model(options);
  const auto found = checkpoint::read_checkpoint(options.target),
             want = checkpoint::read_checkpoint(made_by_mlx.model());
  int experts = 0;
  for (const auto& [name, tensor] : want) {
    if (name.find(".experts.") == name.npos) continue;
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_EQ(found.at(name).shape, tensor.shape) << name;
    EXPECT_TRUE(std::ranges::equal(found.at(name).bytes, tensor.bytes)) << name;
    ++experts;
  }
  EXPECT_EQ(experts, 18);  // of two layers
}

TEST(GptOssGolden, BlocksAreMadeFloats) {
  const Fixture source("hf-gptoss-mxfp4");
  const base::TemporaryFolder folder;
  convert::ConvertOptions options;
  options.model = source.model();
  options.target = folder.path() / "made";
  options.dequantize = true;
  options.dtype = "float32";
  convert::convert_model(options);
  EXPECT_LT(largest_difference(vector_of(source.model()), vector_of(options.target)), 2e-5);
}

TEST(GptOssGolden, DenseExpertsAnswerAsTheirSource) {
  const Fixture source("gen-gpt-oss");
  const base::TemporaryFolder folder;
  convert::ConvertOptions options;
  options.model = source.model();
  options.target = folder.path() / "made";
  convert::convert_model(options);
  EXPECT_TRUE(checkpoint::read_checkpoint(options.target)
                  .contains("model.layers.0.mlp.experts.gate_proj.weight"));
  EXPECT_EQ(vector_of(options.target), vector_of(source.model()));
}

using GgufFolderGolden = ConvertedGolden;

// Files of floats, of every architecture that there is one of.
TEST_P(GgufFolderGolden, IsMadeAFolder) {
  const convert::ConvertOptions floats = to("floats");
  convert::convert_model(floats);
  EXPECT_EQ(vector_of(floats.target), vector_of(fixture_.model()));
  for (const char* file : {"config.json", "tokenizer.json", "tokenizer_config.json"})
    EXPECT_TRUE(fs::is_regular_file(fs::path(floats.target) / file)) << file;
}

INSTANTIATE_TEST_SUITE_P(
    Files, GgufFolderGolden,
    ::testing::Values("gguf-bert-f16", "gguf-distilbert-embed", "gguf-emb-gemma",
                      "gguf-emb-gemma-dense", "gguf-eurobert-embed", "gguf-emb-gte-qwen2",
                      "gguf-gen-gemma2", "gguf-gen-gemma3", "gguf-gen-lfm2", "gguf-gen-lfm2-moe",
                      "gguf-jina-bert", "gguf-jina-bert-code", "gguf-jina-bert-split",
                      "gguf-nomic-bert-moe", "gguf-gen-llama3", "gguf-gen-mistral-sliding",
                      "gguf-jina-embeddings-v3-base", "gguf-llama-f16", "gguf-modernbert-lengths",
                      "gguf-nomic-bert-hubconfig", "gguf-xlm-roberta-embed", "gguf-gen-mixtral",
                      "gguf-gen-phi4-mini", "gguf-gen-phimoe", "gguf-gen-qwen2-moe",
                      "gguf-gen-cohere2", "gguf-gen-exaone4", "gguf-gen-glm4-moe",
                      "gguf-gen-deepseek-v3", "gguf-gen-olmo3", "gguf-gen-minicpm3",
                      "gguf-gen-granitemoe", "gguf-gen-gemma4-e2b", "gguf-gen-gemma4-26b-moe"),
    test_name);

// A GGUF file whose gated delta nets lie otherwise than in the checkpoint that it was made of.
struct DeltaNets {
  const char *file, *checkpoint;
};

class GgufDeltaNetsGolden : public ::testing::TestWithParam<DeltaNets> {
 protected:
  fs::path converted(const fs::path& model, const std::string& name) const {
    convert::ConvertOptions options;
    options.model = model;
    options.target = folder_.path() / name;
    options.dtype = "float32";
    options.layout = "mlx-lm";
    convert::convert_model(options);
    return options.target;
  }
  base::TemporaryFolder folder_;
};

// Of a whole model that was, and of one that read texts alone.
std::string without_part(const std::string& name) {
  constexpr std::string_view kPart = "language_model.";
  return name.starts_with(kPart) ? name.substr(kPart.size()) : name;
}

TEST_P(GgufDeltaNetsGolden, BecomesItsCheckpoint) {
  const Fixture file(GetParam().file), source(GetParam().checkpoint);
  const fs::path made = converted(file.model(), "made"), wanted = converted(source.model(), "want");
  EXPECT_LT(largest_difference(vector_of(made), vector_of(file.model())), 1e-5);
  std::map<std::string, checkpoint::StoredTensor> want;
  for (auto& [name, tensor] : checkpoint::read_checkpoint(wanted))
    want.emplace(without_part(name), tensor);
  const auto found = checkpoint::read_checkpoint(made);
  EXPECT_EQ(found.size(), want.size());
  for (const auto& [name, tensor] : found) {
    ASSERT_TRUE(want.contains(without_part(name))) << name;
    const checkpoint::StoredTensor& other = want.at(without_part(name));
    EXPECT_EQ(tensor.shape, other.shape) << name;
    // The file has these as 1 + w and as -e^w.
    const bool computed = name.ends_with("norm.weight") || name.ends_with("A_log");
    if (computed) {
      const auto numbers = checkpoint::read_floats(tensor.dtype, tensor.bytes),
                 others = checkpoint::read_floats(other.dtype, other.bytes);
      EXPECT_LT(largest_difference(others, numbers), 0.004) << name;
    } else {
      EXPECT_TRUE(std::ranges::equal(tensor.bytes, other.bytes)) << name;
    }
  }
}

TEST_P(GgufDeltaNetsGolden, IsQuantisedAsItsFloatsAre) {
  const auto quantised = [&](const fs::path& model, const std::string& name) {
    convert::ConvertOptions options;
    options.model = model;
    options.target = folder_.path() / name;
    options.layout = "mlx-lm";
    options.quantize = true;
    options.bits = 8;
    options.group_size = 32;
    convert::convert_model(options);
    return checkpoint::read_checkpoint(options.target);
  };
  const Fixture file(GetParam().file);
  const auto one = quantised(file.model(), "at-once"),
             other = quantised(converted(file.model(), "floats"), "in-steps");
  ASSERT_EQ(one.size(), other.size());
  int codes = 0;
  for (const auto& [name, tensor] : one) {
    ASSERT_TRUE(other.contains(name)) << name;
    if (name.ends_with(".scales")) ++codes;
    // What is not quantised stays in the file's type in one step, and is float32 after two.
    if (tensor.dtype != other.at(name).dtype) continue;
    EXPECT_TRUE(std::ranges::equal(tensor.bytes, other.at(name).bytes)) << name;
  }
  EXPECT_GT(codes, 0);  // of out_proj, whose rows are those of 32 numbers
}

INSTANTIATE_TEST_SUITE_P(Files, GgufDeltaNetsGolden,
                         ::testing::Values(DeltaNets{"gguf-gen-qwen3-next", "gen-qwen3-next"},
                                           DeltaNets{"gguf-gen-qwen3-next-fused", "gen-qwen3-next"},
                                           DeltaNets{"gguf-gen-qwen3.5", "gen-qwen3.5-text"},
                                           DeltaNets{"gguf-gen-qwen3.5-moe", "gen-qwen3.5-moe"}),
                         [](const ::testing::TestParamInfo<DeltaNets>& info) {
                           std::string name = info.param.file;
                           std::ranges::replace_if(
                               name, [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

}  // namespace
}  // namespace vecton::golden
