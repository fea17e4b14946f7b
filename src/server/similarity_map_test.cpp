#include <gtest/gtest.h>

#include "server/openai.h"
#include "server/test_context.h"

namespace vecton::server {
namespace {

constexpr const char* kBody = R"({"query":"who","document":"a cat naps"})";

TEST(SimilarityMap, OfATextHasItsTokens) {
  TestContext test;
  test.serve({Task::kTokenEmbed, Task::kScore}, "late-interaction");
  const CallPlan plan = test.plan(openai::similarity_map, kBody);
  ASSERT_EQ(plan.requests.size(), 2u);
  EXPECT_EQ(plan.requests[0].prompt.role, Role::kQuery);
  EXPECT_EQ(plan.requests[1].prompt.role, Role::kDocument);
  Result query = vector_result({1, 0}), document = vector_result({1, 0, 0, 1, 0.5f, 0.5f}, 3);
  query.answer = Vectors{.rows = 1, .columns = 2, .values = {1, 0}, .tokens = {{.id = 5}}};
  document.answer = Vectors{.rows = 3,
                            .columns = 2,
                            .values = {1, 0, 0, 1, 0.5f, 0.5f},
                            .tokens = {{.id = 6, .special = true}, {.id = 7}, {.id = 8}}};
  const json::value answer = json::parse(plan.render({query, document}).body);
  EXPECT_EQ(answer.at("similarities"), json::parse("[[1.0,0.0,0.5]]"));
  EXPECT_EQ(answer.at("tokens").as_array().size(), 1u);
  EXPECT_EQ(answer.at("document_tokens").at(0).at("special"), true);
  EXPECT_EQ(answer.at("document_tokens").at(2).at("id"), 8);
  EXPECT_EQ(answer.at("images"), json::array());
}

TEST(SimilarityMap, IsOfLateInteractionAlone) {
  TestContext test;
  const Failure failure = failure_of(test, openai::similarity_map, kBody);
  EXPECT_EQ(failure.cause, Cause::kRoute);
  EXPECT_NE(failure.message.find("vectors of tokens"), std::string::npos);
}

}  // namespace
}  // namespace vecton::server
