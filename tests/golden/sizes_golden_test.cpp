// What is said of the sizes of a model's answers, before it is opened and after, is what it
// answers: every fixture that has vectors, for a text and, of models that read images, for a
// picture.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <string>

#include "fixture.h"
#include "vecton/vecton.h"

namespace vecton::golden {
namespace {

class SizesGolden : public ::testing::TestWithParam<std::string> {};

void expect_size(const ModelInfo& info, Task task, const Result& result) {
  ASSERT_FALSE(result.error()) << result.error()->what();
  if (task == Task::kSparseEmbed) {
    for (const int32_t id : result.get<SparseVector>().ids) EXPECT_LT(id, info.vocab_size);
    return;
  }
  // Models that have both say the size of the vector of a text.
  const bool of_texts = std::ranges::count(info.tasks, Task::kEmbed) > 0;
  if (task == Task::kTokenEmbed && of_texts) return;
  EXPECT_EQ(result.get<Vectors>().columns, info.embedding_size);
}

TEST_P(SizesGolden, AreThoseOfTheAnswers) {
  const Fixture fixture(GetParam());
  EngineOptions options{.model = fixture.model().string()};
  options.threads = 2;
  const auto engine = Engine::open(options);
  const ModelInfo& info = engine->info();
  EXPECT_EQ(inspect(options).embedding_size, info.embedding_size);
  // Fixtures of texts alone may have a tower as well.
  const bool prepared = std::filesystem::exists(fixture.model() / "preprocessor_config.json") ||
                        std::filesystem::exists(fixture.model() / "processor_config.json");
  const std::string picture = (fixture.folder().parent_path() / "images/blob_small.png").string();
  for (const Task task : {Task::kEmbed, Task::kTokenEmbed, Task::kSparseEmbed}) {
    if (std::ranges::count(info.tasks, task) == 0) continue;
    SCOPED_TRACE(to_string(task));
    Request request{.prompt = {.input = "red sofa", .truncation = {.to = -1}},
                    .task = default_parameters(task)};
    if (info.vocab_size > 0) expect_size(info, task, engine->submit({request}).get().front());
    if (!info.images || !prepared) continue;
    request.prompt.input = "";
    request.prompt.images = {{.bytes = {}, .source = picture}};
    expect_size(info, task, engine->submit({request}).get().front());
  }
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, SizesGolden,
    ::testing::ValuesIn(fixtures_with({"embed", "token_embed", "sparse_embed", "hidden_states",
                                       "image_embed", "multimodal_embed", "multimodal_token_embed",
                                       "generate", "multimodal_generate"})),
    test_name);

}  // namespace
}  // namespace vecton::golden
