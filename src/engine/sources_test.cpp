#include "engine/sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/temporary_folder.h"

namespace vecton::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::Truly;

TEST(ModelSources, AreAllThatTheModelIsReadFrom) {
  EngineOptions options = {.model = "tests/golden/bert-embed-mean/model"};
  EXPECT_THAT(model_sources(options), ElementsAre(options.model));
  options.tokenizer = "tests/golden/bert-embed-cls/model";
  EXPECT_THAT(model_sources(options), ElementsAre(options.model, options.tokenizer));
  options = {.model = "tests/golden/lora-bert/model"};
  const std::string file = "tests/golden/gguf-bert-q80/model/tiny-bert-Q8_0.gguf";
  const auto is_base = [](const std::filesystem::path& path) {
    return std::filesystem::equivalent(path, "tests/golden/lora-bert/base");
  };
  EXPECT_THAT(model_sources(options), ElementsAre(options.model, Truly(is_base)));
  for (const std::string& model : {file, std::filesystem::path(file).parent_path().string()}) {
    options.model = model;
    EXPECT_THAT(model_sources(options), ElementsAre(file));
  }
}

TEST(PartsOf, AreThoseThatAreThere) {
  const base::TemporaryFolder folder;
  const auto part = [&](int number) {
    return folder.path() / ("m-0000" + std::to_string(number) + "-of-00003.gguf");
  };
  folder.write("m-00001-of-00003.gguf", "");
  folder.write("m-00002-of-00003.gguf", "");
  EXPECT_THAT(parts_of(part(1)), ElementsAre(part(1), part(2)));
  folder.write("m-00003-of-00003.gguf", "");
  EXPECT_THAT(parts_of(part(1)), ElementsAre(part(1), part(2), part(3)));
  EXPECT_THAT(parts_of(part(2)), ElementsAre(part(2)));
  EXPECT_THAT(parts_of("folder/model.gguf"), ElementsAre("folder/model.gguf"));
}

}  // namespace
}  // namespace vecton::engine
