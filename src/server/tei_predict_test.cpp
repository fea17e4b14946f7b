#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/tei.h"
#include "server/test_context.h"

namespace vecton::server {
namespace {

using testing::HasSubstr;

class TeiPredict : public testing::Test {
 protected:
  void classifier() {
    test.serve({Task::kClassify});
    test.info.labels = {"bad", "good"};
  }
  HttpResponse refusal(Planner planner, std::string_view body) {
    return tei::refuse(failure_of(test, planner, body), 48);
  }

  TestContext test;
};

TEST_F(TeiPredict, TakesTextsPairsAndBatches) {
  classifier();
  const struct {
    const char* inputs;
    size_t count;
    bool pair, single;
  } cases[] = {{R"("a")", 1, false, true},
               {R"(["a"])", 1, false, true},
               {R"(["a","b"])", 1, true, true},
               {R"([["a"],["b"]])", 2, false, false},
               {R"([["a","b"]])", 1, true, false}};
  for (const auto& c : cases) {
    CallPlan plan = test.plan(tei::predict, std::string("{\"inputs\":") + c.inputs + "}");
    ASSERT_EQ(plan.requests.size(), c.count) << c.inputs;
    EXPECT_EQ(task_of(plan.requests[0].task), Task::kClassify);
    EXPECT_EQ(parameters<Classify>(plan.requests[0]).pair.has_value(), c.pair) << c.inputs;
    EXPECT_EQ(plan.requests[0].prompt.truncation.to, -1);
    EXPECT_EQ(parameters<Classify>(plan.requests[0]).use_activation, true);
    const std::string one = R"([{"score":0.75,"label":"good"},{"score":0.25,"label":"bad"}])";
    std::vector<Result> results(c.count, label_result({0.25f, 0.75f}));
    const std::string body = plan.render(results).body;
    EXPECT_EQ(body, c.single ? one : "[" + one + (c.count == 2 ? "," + one : "") + "]");
  }
  const CallPlan raw = test.plan(tei::predict, R"({"inputs":"a","raw_scores":true})");
  EXPECT_EQ(parameters<Classify>(raw.requests[0]).use_activation, false);
  test.info.labels.clear();
  EXPECT_EQ(test.plan(tei::predict, R"({"inputs":"a"})").render({label_result({1})}).body,
            R"([{"score":1.0,"label":"LABEL_0"}])");
}

TEST_F(TeiPredict, GivesLabelsThatAreNumbersOrNullAsTheyAre) {
  classifier();
  test.info.labels = {"1", "null"};
  test.info.labels_are_names = {false, false};
  EXPECT_EQ(
      test.plan(tei::predict, R"({"inputs":"a"})").render({label_result({0.25f, 0.75f})}).body,
      R"([{"score":0.75,"label":null},{"score":0.25,"label":1}])");
}

TEST_F(TeiPredict, HuggingFacesParametersMakeAListOfLists) {
  classifier();
  CallPlan plan = test.plan(tei::predict, R"({"inputs":"a","parameters":{"top_k":1}})");
  EXPECT_EQ(plan.render({label_result({0.25f, 0.75f})}).body,
            R"([[{"score":0.75,"label":"good"}]])");
  plan = test.plan(tei::predict,
                   R"({"inputs":"a","parameters":{"function_to_apply":"none","odd":1}})");
  EXPECT_EQ(parameters<Classify>(plan.requests[0]).use_activation, false);
  EXPECT_THAT(plan.ignored, testing::ElementsAre("parameters.odd"));
  plan = test.plan(tei::predict, R"({"inputs":"a","top_k":1})");
  EXPECT_EQ(plan.requests.size(), 1u);
  EXPECT_EQ(refusal(tei::predict, R"({"inputs":"a","top_k":0})").status, 422);
  EXPECT_EQ(refusal(tei::predict, R"({"inputs":"a","parameters":{"top_k":0}})").status, 422);
  test.info.activation = "softmax";
  EXPECT_THAT(
      refusal(tei::predict, R"({"inputs":"a","parameters":{"function_to_apply":"sigmoid"}})").body,
      HasSubstr("which the checkpoint has"));
}

TEST_F(TeiPredict, RerankersPredictPairs) {
  test.serve({Task::kScore}, "cross-encoder");
  EXPECT_EQ(task_of(test.plan(tei::predict, R"({"inputs":["a","b"]})").requests[0].task),
            Task::kScore);
  const HttpResponse one = refusal(tei::predict, R"({"inputs":"a"})");
  EXPECT_EQ(one.status, 422);
  EXPECT_THAT(one.body, HasSubstr("pairs"));
}

TEST_F(TeiPredict, RanksBestFirst) {
  test.serve({Task::kScore}, "cross-encoder");
  const std::string body = R"({"query":"q","texts":["a","b"])";
  CallPlan plan = test.plan(tei::rerank, body + "}");
  EXPECT_EQ(parameters<Score>(plan.requests[1]).document, "b");
  EXPECT_EQ(plan.render({score_result(1, 5), score_result(1, 6)}).body,
            R"([{"index":1,"score":1.0},{"index":0,"score":1.0}])");
  plan = test.plan(tei::rerank, body + R"(,"return_text":true,"raw_scores":true})");
  EXPECT_EQ(parameters<Score>(plan.requests[0]).use_activation, false);
  EXPECT_EQ(plan.render({score_result(5, 5), score_result(2, 2)}).body,
            R"([{"index":0,"text":"a","score":5.0},{"index":1,"text":"b","score":2.0}])");
}

TEST_F(TeiPredict, Refuses) {
  const HttpResponse wrong_kind = refusal(tei::rerank, R"({"query":"q","texts":["a"]})");
  EXPECT_EQ(wrong_kind.status, 424);
  EXPECT_THAT(wrong_kind.body, HasSubstr("model is not a re-ranker model"));
  EXPECT_THAT(wrong_kind.body, HasSubstr("embed, token_embed"));
  EXPECT_EQ(refusal(tei::predict, R"({"inputs":"a"})").status, 424);
  EXPECT_EQ(refusal(tei::embed_sparse, R"({"inputs":"a"})").status, 424);
  test.serve({Task::kEmbed, Task::kScore}, "bi-encoder");
  EXPECT_EQ(refusal(tei::rerank, R"({"query":"q","texts":["a"]})").status, 424);
  EXPECT_EQ(refusal(tei::predict, R"({"inputs":["a","b"]})").status, 424);
  test.serve({Task::kScore}, "cross-encoder");
  EXPECT_THAT(refusal(tei::rerank, R"({"query":"q","texts":[]})").body,
              HasSubstr("`texts` cannot be empty"));
  EXPECT_EQ(refusal(tei::rerank, R"({"query":"q","texts":[]})").status, 400);
  EXPECT_EQ(refusal(tei::rerank, R"({"texts":["a"]})").status, 422);
  EXPECT_EQ(refusal(tei::rerank, R"({"query":"q","texts":["a","b","c","d"]})").status, 422);
  EXPECT_EQ(refusal(tei::embed, R"({"inputs":"a"})").status, 424);
  classifier();
  for (const char* body :
       {R"({})", R"({"inputs":5})", R"({"inputs":["a","b","c"]})", R"({"inputs":[["a"],"b"]})",
        R"({"inputs":[["a","b","c"]]})", R"({"inputs":[[]]})", R"({"inputs":["a",5]})"}) {
    EXPECT_EQ(refusal(tei::predict, body).status, 422) << body;
  }
  EXPECT_EQ(refusal(tei::predict, R"({"inputs":[]})").status, 400);
}

}  // namespace
}  // namespace vecton::server
