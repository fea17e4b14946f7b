// A tokenizer that gives tokens a type which the model has no row for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/mapped_file.h"
#include "checkpoint/test_files.h"
#include "vecton/vecton.h"

namespace vecton::engine {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

constexpr char kModel[] = "tests/golden/bert-rerank-sigmoid/model";

void replace_in(const TemporaryFolder& folder, const std::string& name, const std::string& old,
                const std::string& by) {
  const fs::path file = folder.path() / name;
  std::string text(base::MappedFile(file).text());
  const size_t at = text.find(old);
  ASSERT_NE(at, std::string::npos);
  fs::remove(file);
  folder.write(name, text.replace(at, old.size(), by));
}

// The model with its second texts' type made `type`. BertTokenizer would put its own types above
// those of tokenizer.json.
void write_model(const TemporaryFolder& folder, const std::string& type) {
  const std::string second = R"({"id":"B","type_id":1})",
                    changed = R"({"id":"B","type_id":)" + type + "}";
  fs::copy(kModel, folder.path(), fs::copy_options::recursive);
  replace_in(folder, "tokenizer.json", second, changed);
  replace_in(folder, "tokenizer_config.json", "BertTokenizer", "PreTrainedTokenizerFast");
}

TEST(TokenTypes, ThatTheModelHasNotAreRefusedOfTheirRequestAlone) {
  const TemporaryFolder folder;
  write_model(folder, "2");
  const auto engine = Engine::open({.model = folder.path().string()});
  auto good = engine->submit({Request{.prompt = {.input = "a river"}, .task = Classify{}}});
  const Error error = error_of([&] {
    (void)engine->submit(
        {Request{.prompt = {.input = "a river"}, .task = Score{.document = "a map"}}});
  });
  auto later = engine->submit({Request{.prompt = {.input = "a map"}, .task = Classify{}}});
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.field(), "input");
  EXPECT_THAT(error.what(), HasSubstr("the type 2; the model's types are 0 to 1"));
  EXPECT_FALSE(good.get().front().error());
  EXPECT_FALSE(later.get().front().error());
}

float score_of(const std::string& model) {
  return Engine::open({.model = model})
      ->score("a river", std::vector<std::string>{"a map"})
      .front();
}

TEST(TokenTypes, AreAllZeroWhereTheModelTakesNone) {
  const TemporaryFolder zero, untyped;
  write_model(zero, "0");
  replace_in(zero, "tokenizer.json", R"({"id":"[SEP]","type_id":1})",
             R"({"id":"[SEP]","type_id":0})");
  write_model(untyped, "1");
  replace_in(untyped, "tokenizer_config.json", "{", R"({"model_input_names":["input_ids"],)");
  EXPECT_EQ(score_of(untyped.path().string()), score_of(zero.path().string()));
  EXPECT_NE(score_of(untyped.path().string()), score_of(kModel));
}

}  // namespace
}  // namespace vecton::engine
