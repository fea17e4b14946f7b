#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/tei.h"
#include "server/test_context.h"

namespace vecton::server {
namespace {

using testing::HasSubstr;

// A model of natural language inference.
struct Inference : TestContext {
  Inference() {
    serve({Task::kClassify});
    info.labels = {"CONTRADICTION", "NEUTRAL", "ENTAILMENT"};
    options.max_client_batch_size = 8;
  }
};

constexpr const char* kBody =
    R"({"inputs": "I like it", "parameters": {"candidate_labels": ["good", "bad"]}})";

TEST(ZeroShot, EveryLabelIsAHypothesis) {
  Inference test;
  const CallPlan plan = test.plan(tei::predict, kBody);
  ASSERT_EQ(plan.requests.size(), 2u);
  EXPECT_EQ(std::get<std::string>(plan.requests[1].prompt.input), "I like it");
  EXPECT_EQ(parameters<Classify>(plan.requests[1]).pair, "This example is bad.");
  EXPECT_EQ(parameters<Classify>(plan.requests[1]).use_activation, false);
  const CallPlan own = test.plan(tei::root, R"({"inputs": ["a", "b"], "candidate_labels": "x, y ,z",
                                            "hypothesis_template": "It is {}!"})");
  ASSERT_EQ(own.requests.size(), 6u);
  EXPECT_EQ(parameters<Classify>(own.requests[4]).pair, "It is y!");
}

TEST(ZeroShot, OneOfTheLabelsOrEachForItself) {
  Inference test;
  const std::vector<Result> logits{label_result({0, 5, 2}), label_result({1, 5, 1})};
  EXPECT_EQ(
      test.plan(tei::predict, kBody).render(logits).body,
      R"([{"label":"good","score":0.7310585786300049},{"label":"bad","score":0.2689414213699951}])");
  const json::value each = json::parse(
      test.plan(tei::zero_shot_classification,
                R"({"inputs": "a", "candidate_labels": ["x", "y"], "multi_label": true})")
          .render(logits)
          .body);
  EXPECT_EQ(each.at("sequence"), "a");
  EXPECT_EQ(each.at("labels"), json::parse(R"(["x","y"])"));
  EXPECT_NEAR(each.at("scores").at(0).as_double(), 0.8807970779778823, 1e-12);
  EXPECT_NEAR(each.at("scores").at(1).as_double(), 0.5, 1e-12);
}

TEST(ZeroShot, AFirstEntailmentIsAgainstTheLastLabel) {
  Inference test;
  test.info.labels = {"entailment", "neutral", "contradiction"};
  const CallPlan plan = test.plan(tei::predict, R"({"inputs": "a", "candidate_labels": ["x"]})");
  EXPECT_EQ(plan.render({label_result({2, 9, 0})}).body,
            R"([{"label":"x","score":0.8807970779778823}])");
}

// Of a model that compares images and texts, in one request.
TEST(ZeroShot, OfAnImageEveryLabelIsACandidate) {
  TestContext test;
  test.serve({Task::kEmbed});
  test.info.images = true;
  test.options.max_client_batch_size = 8;
  const std::string picture = "data:image/png;base64,iVBORw0KGgo=";
  const std::string body = R"({"inputs": ")" + picture +
                           R"(", "parameters": {"candidate_labels": ["cat", "dog", "car"]}})";
  for (const auto& route : {tei::zero_shot_classification, tei::root}) {
    const CallPlan plan = test.plan(route, body.c_str());
    ASSERT_EQ(plan.requests.size(), 1u);
    EXPECT_EQ(plan.requests[0].prompt.images, (std::vector<Image>{{.source = picture}}));
    EXPECT_EQ(std::get<std::string>(plan.requests[0].prompt.input), "");
    EXPECT_EQ(parameters<Classify>(plan.requests[0]).candidates,
              (std::vector<std::string>{"This is a photo of cat.", "This is a photo of dog.",
                                        "This is a photo of car."}));
    EXPECT_EQ(
        plan.render({label_result({0.25f, 0.625f, 0.125f})}).body,
        R"([{"label":"dog","score":0.625},{"label":"cat","score":0.25},{"label":"car","score":0.125}])");
  }
  const CallPlan own =
      test.plan(tei::root, (R"({"inputs": [")" + picture + R"("], "candidate_labels": "cat,dog",
                      "hypothesis_template": "{}!"})")
                               .c_str());
  EXPECT_EQ(parameters<Classify>(own.requests.at(0)).candidates,
            (std::vector<std::string>{"cat!", "dog!"}));
  EXPECT_EQ(own.render({label_result({0.25f, 0.75f})}).body,
            R"([[{"label":"dog","score":0.75},{"label":"cat","score":0.25}]])");
  EXPECT_THAT(
      failure_of(test, tei::root, R"({"inputs": "cat.png", "candidate_labels": ["cat"]})").message,
      HasSubstr("inputs: expected a data: URI"));
}

TEST(ZeroShot, Refusals) {
  Inference test;
  EXPECT_THAT(failure_of(test, tei::predict, R"({"inputs": "a", "candidate_labels": []})").message,
              HasSubstr("at least one label"));
  EXPECT_THAT(
      failure_of(test, tei::predict,
                 R"({"inputs": "a", "candidate_labels": ["x"], "hypothesis_template": "no"})")
          .message,
      HasSubstr("one {}"));
  EXPECT_EQ(failure_of(test, tei::predict,
                       R"({"inputs": ["a", "b", "c"], "candidate_labels": ["x", "y", "z"]})")
                .cause,
            Cause::kBatchSize);
  test.info.labels = {"positive", "negative"};
  EXPECT_EQ(failure_of(test, tei::predict, kBody).cause, Cause::kTask);
  TestContext embedder;
  EXPECT_THAT(failure_of(embedder, tei::root, kBody).message, HasSubstr("candidate_labels"));
}

}  // namespace
}  // namespace vecton::server
