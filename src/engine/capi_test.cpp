#include "vecton/capi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "vecton/vecton.h"

namespace vecton::engine {
namespace {

using testing::HasSubstr;

struct OpenModel {
  explicit OpenModel(const char* model) : engine(vecton_create(model, nullptr)) {}
  ~OpenModel() { vecton_free(engine); }
  vecton_engine* engine;
};

constexpr const char* kReranker = "tests/golden/bert-rerank-sigmoid/model";
constexpr const char* kClassifier = "tests/golden/bert-classify-softmax/model";
constexpr const char* kColbert = "tests/golden/colbert-bert/model";

TEST(CApiTasks, Scores) {
  const OpenModel model(kReranker);
  ASSERT_NE(model.engine, nullptr) << vecton_last_error();
  const char* documents[] = {"Paris", "a dog"};
  float out[2];
  ASSERT_EQ(vecton_score(model.engine, "a capital", documents, 2, nullptr, out), 0)
      << vecton_last_error();
  const std::vector<std::string> texts = {"Paris", "a dog"};
  const std::vector<float> want = Engine::open({.model = kReranker})->score("a capital", texts);
  EXPECT_EQ(std::vector<float>(out, out + 2), want);
  EXPECT_NE(vecton_score(model.engine, nullptr, documents, 2, nullptr, out), 0);
  EXPECT_THAT(vecton_last_error(), HasSubstr("query"));
  EXPECT_EQ(vecton_score(model.engine, "q", nullptr, 0, nullptr, nullptr), 0);
}

TEST(CApiTasks, Classifies) {
  const OpenModel model(kClassifier);
  ASSERT_NE(model.engine, nullptr) << vecton_last_error();
  const size_t labels = vecton_label_count(model.engine);
  ASSERT_GT(labels, 1u);
  EXPECT_STRNE(vecton_label(model.engine, 0), "");
  EXPECT_EQ(vecton_label(model.engine, labels), nullptr);
  const char* texts[] = {"a text", "another"};
  const char* pairs[] = {"its pair", "and the other's"};
  std::vector<float> out(2 * labels), with_pairs(2 * labels);
  ASSERT_EQ(vecton_classify(model.engine, texts, nullptr, 2, out.data()), 0) << vecton_last_error();
  ASSERT_EQ(vecton_classify(model.engine, texts, pairs, 2, with_pairs.data()), 0);
  EXPECT_NE(out, with_pairs);
  float sum = 0;
  for (size_t i = 0; i < labels; ++i) sum += out[i];
  EXPECT_NEAR(sum, 1, 1e-5);
  const char* missing[] = {"a", nullptr};
  EXPECT_NE(vecton_classify(model.engine, missing, nullptr, 2, out.data()), 0);
  EXPECT_THAT(vecton_last_error(), HasSubstr("texts[1]"));
}

TEST(CApiTasks, EmbedsTokens) {
  const OpenModel model(kColbert);
  ASSERT_NE(model.engine, nullptr) << vecton_last_error();
  vecton_matrix* query = vecton_embed_tokens(model.engine, "a text", "query");
  vecton_matrix* document = vecton_embed_tokens(model.engine, "a text", "document");
  ASSERT_TRUE(query && document) << vecton_last_error();
  EXPECT_GT(vecton_matrix_rows(query), vecton_matrix_rows(document));  // filled with masks
  EXPECT_EQ(vecton_matrix_columns(query), vecton_matrix_columns(document));
  EXPECT_NE(vecton_matrix_values(query)[0], 0);
  vecton_matrix_free(query);
  vecton_matrix_free(document);
  EXPECT_EQ(vecton_embed_tokens(model.engine, "a", "author"), nullptr);
  EXPECT_THAT(vecton_last_error(), HasSubstr("author"));
  vecton_matrix_free(nullptr);
  EXPECT_EQ(vecton_matrix_rows(nullptr), 0u);
}

TEST(CApiTasks, SayWhatAModelDoesNot) {
  const OpenModel model(kClassifier);
  const char* texts[] = {"a"};
  float out[1];
  EXPECT_NE(vecton_score(model.engine, "q", texts, 1, nullptr, out), 0);
  EXPECT_THAT(vecton_last_error(), HasSubstr("score"));
  EXPECT_EQ(vecton_label_count(nullptr), 0u);
  EXPECT_EQ(vecton_create(kClassifier, R"({"cache_bytes":-1})"), nullptr);
}

}  // namespace
}  // namespace vecton::engine
