#include "server/foreign_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/test_context.h"

namespace vecton::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const char* const kText = "The capital of France is Paris, and a cat sat on the mat.";

std::vector<int32_t> ids_of(const Tokenizer& tokenizer, bool special) {
  return tokenizer.encode(kText, {.add_special_tokens = special}).ids;
}

class ForeignIds : public testing::TestWithParam<const char*> {
 protected:
  std::shared_ptr<const Tokenizer> tokenizer_ =
      Tokenizer::open(std::string("tests/golden/") + GetParam() + "/model");
};

TEST_P(ForeignIds, AModelsOwnAreNotSuspected) {
  EXPECT_FALSE(are_foreign(*tokenizer_, ids_of(*tokenizer_, true)));
  EXPECT_FALSE(are_foreign(*tokenizer_, ids_of(*tokenizer_, false)));
  EXPECT_FALSE(are_foreign(*tokenizer_, {}));
}

// As another vocabulary's ids: no piece of them goes with the next.
TEST_P(ForeignIds, OthersAre) {
  std::vector<int32_t> ids;
  const auto limit = static_cast<uint32_t>(tokenizer_->vocab_size());
  for (uint32_t i = 1; i <= 24; ++i) ids.push_back(static_cast<int32_t>(i * 2654435761u % limit));
  EXPECT_TRUE(are_foreign(*tokenizer_, ids));
}

TEST_P(ForeignIds, ThoseOutsideTheVocabularyAre) {
  EXPECT_TRUE(are_foreign(*tokenizer_, std::vector<int32_t>{15339, 1917, 100256}));
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, ForeignIds, testing::Values("bert-embed-mean", "emb-qwen3"));

TEST(ForeignIdsOfAPlan, AreWarnedOf) {
  TestContext test;
  CallPlan plan;
  plan.requests.push_back({.prompt = {.input = ids_of(*test.tokenizer, true)}});
  warn_of_foreign_ids(plan, *test.tokenizer);
  EXPECT_THAT(plan.warnings, IsEmpty());
  plan.requests.front().prompt.input = std::vector<int32_t>{101, 999, 7, 512, 803, 77};
  warn_of_foreign_ids(plan, *test.tokenizer);
  EXPECT_THAT(plan.warnings, ElementsAre(HasSubstr("check_embedding_ctx_length=False")));
}

TEST(ForeignIdsOfAPlan, AreNotWarnedOfWhereTheyAreContinued) {
  TestContext test;
  CallPlan plan;
  plan.requests.push_back(
      {.prompt = {.input = std::vector<int32_t>{101, 999, 7, 512, 803, 77}}, .task = Generate{}});
  warn_of_foreign_ids(plan, *test.tokenizer);
  EXPECT_THAT(plan.warnings, IsEmpty());
}

}  // namespace
}  // namespace vecton::server
