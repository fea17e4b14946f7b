#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/json_text.h"
#include "server/openai.h"
#include "server/test_context.h"

namespace vecton::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Pooling : public testing::Test {
 protected:
  // The message of a refusal; `status` gets its status, `param` its field.
  std::string refusal(Planner planner, std::string_view body) {
    const HttpResponse response = openai::refuse(failure_of(test, planner, body), 48);
    status = response.status;
    const json::value error = json::parse(response.body).at("error");
    type = error.at("type").as_string();
    return std::string(error.at("message").as_string());
  }
  json::value data(CallPlan& plan, std::vector<Result> results) {
    return json::parse(plan.render(std::move(results)).body).at("data");
  }

  TestContext test;
  int status = 0;
  std::string type;
};

TEST_F(Pooling, DoesWhatTheModelIsForUnlessToldOtherwise) {
  EXPECT_EQ(task_of(test.plan(openai::pooling, R"({"input":"a"})").requests[0].task), Task::kEmbed);
  CallPlan plan =
      test.plan(openai::pooling, R"({"input":"a","task":"token_embed","use_activation":false})");
  EXPECT_EQ(task_of(plan.requests[0].task), Task::kTokenEmbed);
  EXPECT_EQ(parameters<TokenEmbed>(plan.requests[0]).normalize, false);
  const json::value answer = json::parse(plan.render({vector_result({1, 2, 3, 4}, 2)}).body);
  EXPECT_EQ(answer.at("id"), "pooling-abc");
  EXPECT_EQ(answer.at("data").at(0).at("object"), "pooling");
  EXPECT_EQ(base::json_text(answer.at("data").at(0).at("data")), "[[1.0,2.0],[3.0,4.0]]");
  test.serve({Task::kScore, Task::kClassify}, "cross-encoder");
  EXPECT_EQ(task_of(test.plan(openai::pooling, R"({"input":"a"})").requests[0].task),
            Task::kClassify);
}

TEST_F(Pooling, SeveralTasksOfOnePass) {
  test.serve({Task::kEmbed, Task::kTokenEmbed, Task::kSparseEmbed});
  for (const char* task : {R"("embed&sparse_embed")", R"(["embed","sparse_embed"])"}) {
    CallPlan plan =
        test.plan(openai::pooling, std::string(R"({"input":["a"],"task":)") + task + "}");
    EXPECT_EQ(task_of(plan.requests[0].task), Task::kEmbed);
    EXPECT_THAT(plan.requests[0].also, ElementsAre(TaskParameters(SparseEmbed{})));
    Result result = vector_result({0.5f});
    result.also.push_back(SparseVector{.ids = {9}, .values = {0.25f}});
    EXPECT_EQ(
        plan.render({result}).body.substr(plan.render({result}).body.find("\"data\":[") + 8, 91),
        R"({"index":0,"object":"pooling","data":{"embed":[0.5],"sparse_embed":[{"index":9,"value":0.25)");
  }
  refusal(openai::pooling, R"({"input":"a","task":"embed&embed"})");
  EXPECT_EQ(status, 400);
  EXPECT_THAT(refusal(openai::pooling, R"({"input":"a","task":"embed&token_embed",
      "encoding_format":"bytes"})"),
              HasSubstr("literal_error"));
  test.info.tasks.push_back(Task::kClassify);
  EXPECT_THAT(refusal(openai::pooling, R"({"input":"a","task":"embed&classify"})"),
              HasSubstr("one forward pass"));
}

TEST_F(Pooling, SparseVectorsArePairs) {
  test.serve({Task::kSparseEmbed});
  CallPlan plan = test.plan(openai::pooling, R"({"input":"a"})");
  EXPECT_THAT(plan.render({sparse_result({5}, {2})}).body,
              HasSubstr(R"("data":[{"index":5,"value":2.0}])"));
}

TEST_F(Pooling, RowsOfTokenLabels) {
  test.serve({Task::kTokenClassify});
  CallPlan plan = test.plan(openai::pooling, R"({"input":[1,2],"task":"token_classify"})");
  EXPECT_EQ(task_of(plan.requests[0].task), Task::kTokenClassify);
  EXPECT_EQ(data(plan, {label_result({1, 2}, 2)}).at(0).at("data").as_array().size(), 2u);
  plan = test.plan(openai::pooling,
                   R"({"input":"a","task":"token_classify","encoding_format":"bytes"})");
  const HttpResponse bytes = plan.render({label_result({1, 2}, 2)});
  EXPECT_THAT(bytes.headers.at(0).second, HasSubstr(R"("shape":[2,1])"));
}

TEST_F(Pooling, ScoresTakeBothSides) {
  test.serve({Task::kScore}, "cross-encoder");
  CallPlan plan = test.plan(openai::pooling, R"({"task":"score","text_1":"a","text_2":["b","c"]})");
  ASSERT_EQ(plan.requests.size(), 2u);
  EXPECT_EQ(data(plan, {score_result(0.5f, 0), score_result(0.25f, -1)}).at(1).at("data").at(0),
            0.25);
}

TEST_F(Pooling, RefusesTasksByName) {
  for (const char* task : {"classify", "token_classify", "score", "sparse_embed"}) {
    EXPECT_THAT(refusal(openai::pooling, std::string(R"({"input":"a","task":")") + task + "\"}"),
                testing::StartsWith("Unsupported task: '" + std::string(task) +
                                    "'. The loaded model supports: embed, token_embed"));
    EXPECT_EQ(status, 400);
    EXPECT_EQ(type, "BadRequestError");
  }
  EXPECT_THAT(refusal(openai::pooling, R"({"input":"a","task":[]})"), HasSubstr("task: expected"));
  EXPECT_THAT(refusal(openai::pooling, R"({"input":"a","task":"plugin"})"),
              testing::StartsWith("No IOProcessor plugin installed. The loaded model supports: "));
  for (const char* task : {"\"dance\"", "\"\"", "\"embed&\"", "5", "[5]", "[\"dance\"]"}) {
    const std::string message =
        refusal(openai::pooling, std::string(R"({"input":"a","task":)") + task + "}");
    EXPECT_EQ(status, 400) << task;
    EXPECT_EQ(type, "Bad Request") << task;
    if (std::string(task).find("dance") != std::string::npos) {
      EXPECT_THAT(message, testing::AllOf(HasSubstr("literal_error"), HasSubstr("dance")));
    }
  }
  test.serve({Task::kTokenClassify});
  EXPECT_THAT(refusal(openai::pooling, R"({"input":"a","task":"classify"})"),
              HasSubstr("Switch the pooling_task"));
}

TEST_F(Pooling, ClassifyNamesTheBestLabel) {
  test.serve({Task::kClassify});
  test.info.labels = {"bad", "good"};
  CallPlan plan = test.plan(openai::classify, R"({"input":["a","b"],"use_activation":true})");
  EXPECT_EQ(task_of(plan.requests[0].task), Task::kClassify);
  EXPECT_EQ(parameters<Classify>(plan.requests[0]).use_activation, true);
  const json::value answer =
      json::parse(plan.render({label_result({0.25f, 0.75f}), label_result({1, 0})}).body);
  EXPECT_EQ(answer.at("id"), "classify-abc");
  EXPECT_EQ(answer.at("data").at(0).at("label"), "good");
  EXPECT_EQ(answer.at("data").at(0).at("num_classes"), 2);
  EXPECT_EQ(answer.at("data").at(0).at("probs").at(1), 0.75);
  EXPECT_EQ(answer.at("data").at(1).at("label"), "bad");
  EXPECT_EQ(answer.at("usage").at("total_tokens"), 6);
  test.info.labels.clear();
  EXPECT_TRUE(data(plan, {label_result({1})}).at(0).at("label").is_null());
}

// Of a model that compares images and texts, and of one of natural language inference.
TEST_F(Pooling, ClassifyTakesLabelsOfTheRequest) {
  test.options.max_client_batch_size = 4;
  test.serve({Task::kEmbed});
  test.info.images = true;
  CallPlan images = test.plan(openai::classify, R"({"input":[
      {"image":"data:image/png;base64,iVBORw0KGgo="},{"image":"data:image/png;base64,iVBORw0KGgo="}],
      "candidate_labels":["cat","dog"]})");
  ASSERT_EQ(images.requests.size(), 2u);
  EXPECT_EQ(parameters<Classify>(images.requests[1]).candidates,
            (std::vector<std::string>{"This is a photo of cat.", "This is a photo of dog."}));
  EXPECT_EQ(images.requests[1].prompt.images.size(), 1u);
  const json::value answer =
      data(images, {label_result({0.25f, 0.75f}), label_result({0.5f, 0.25f})});
  EXPECT_EQ(answer.at(0).at("label"), "dog");
  EXPECT_EQ(answer.at(0).at("probs"), json::parse("[0.25,0.75]"));
  EXPECT_EQ(answer.at(1).at("label"), "cat");
  EXPECT_EQ(answer.at(1).at("num_classes"), 2);

  test.serve({Task::kClassify});
  test.info.images = false;
  test.info.labels = {"contradiction", "entailment"};
  CallPlan texts = test.plan(openai::classify, R"({"input":["a","b"],
      "candidate_labels":"x,y","hypothesis_template":"{}!"})");
  ASSERT_EQ(texts.requests.size(), 4u);
  EXPECT_EQ(std::get<std::string>(texts.requests[3].prompt.input), "b");
  EXPECT_EQ(parameters<Classify>(texts.requests[3]).pair, "y!");
  const json::value classes = data(texts, {label_result({0, 1}), label_result({0, 3}),
                                           label_result({0, 3}), label_result({0, 1})});
  EXPECT_EQ(classes.at(0).at("label"), "y");
  EXPECT_EQ(classes.at(1).at("label"), "x");
}

TEST_F(Pooling, ClassifyRefuses) {
  test.serve({Task::kEmbed});
  EXPECT_THAT(refusal(openai::classify, R"({"input":"a","candidate_labels":["x"]})"),
              HasSubstr("natural language inference"));

  EXPECT_THAT(refusal(openai::classify, R"({"input":"a"})"),
              testing::StartsWith("Unsupported task: 'classify'"));
  EXPECT_EQ(status, 404);
  EXPECT_EQ(type, "NotFoundError");
  test.serve({Task::kClassify});
  EXPECT_EQ(refusal(openai::classify, "{}"), "Input or messages must be provided");
  EXPECT_EQ(status, 400);
  EXPECT_THAT(refusal(openai::classify, R"({"input":[]})"), HasSubstr("must not be empty"));
  EXPECT_THAT(refusal(openai::classify, R"({"messages":[]})"), HasSubstr("no chat template"));
}

}  // namespace
}  // namespace vecton::server
