// A checkpoint without lm_head whose table of words is not tied to one.
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

TEST(MissingHead, IsNotTheTableOfWords) {
  const TemporaryFolder folder;
  fs::copy("tests/golden/gen-cohere2/model", folder.path(), fs::copy_options::recursive);
  const fs::path config = folder.path() / "config.json";
  std::string text(base::MappedFile(config).text());
  const std::string tied = R"("tie_word_embeddings": true)";
  const size_t at = text.find(tied);
  ASSERT_NE(at, std::string::npos);
  fs::remove(config);
  folder.write("config.json", text.replace(at, tied.size(), R"("tie_word_embeddings": false)"));

  const std::string model = folder.path().string();
  const Error error = error_of([&] { (void)Engine::open({.model = model, .runner = "generate"}); });
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_THAT(error.what(), HasSubstr("tie_word_embeddings is false"));
  EXPECT_THAT(error.what(), HasSubstr("lm_head.weight"));
  const auto backbone = Engine::open({.model = model, .runner = "pooling"});
  auto embedded = backbone->submit({Request{.prompt = {.input = "a river"}, .task = Embed{}}});
  EXPECT_FALSE(embedded.get().front().error());
}

}  // namespace
}  // namespace vecton::engine
