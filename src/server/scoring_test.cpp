#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/json.h"
#include "base/json_text.h"
#include "server/openai.h"
#include "server/tei.h"
#include "server/test_context.h"

namespace vecton::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Scoring : public testing::Test {
 protected:
  Scoring() { test.serve({Task::kScore}, "cross-encoder"); }

  json::value refusal(Planner planner, std::string_view body) {
    const HttpResponse response = openai::refuse(failure_of(test, planner, body), 48);
    status = response.status;
    return json::parse(response.body).at("error");
  }
  // "query|document" of every request.
  std::vector<std::string> pairs(std::string_view body, Planner planner = openai::score) {
    std::vector<std::string> all;
    for (const Request& request : test.plan(planner, body).requests)
      all.push_back(std::get<std::string>(request.prompt.input) + "|" +
                    *parameters<Score>(request).document);
    return all;
  }

  TestContext test;
  int status = 0;
};

TEST_F(Scoring, PairsTextsUnderAnyOfTheirNames) {
  EXPECT_THAT(pairs(R"({"text_1":"q","text_2":"a"})"), ElementsAre("q|a"));
  EXPECT_THAT(pairs(R"({"queries":"q","documents":["a","b"]})"), ElementsAre("q|a", "q|b"));
  EXPECT_THAT(pairs(R"({"queries":["p","q"],"items":["a","b"]})"), ElementsAre("p|a", "q|b"));
  EXPECT_THAT(pairs(R"({"data_1":["q"],"data_2":["a","b"]})"), ElementsAre("q|a", "q|b"));
}

TEST_F(Scoring, ReadsNoTextPast) {
  EXPECT_THAT(pairs(R"({"queries":"q","items":"a","documents":null,"text_1":null})"),
              ElementsAre("q|a"));
  for (const char* body : {R"({"queries":"q","items":"a","documents":"b"})",
                           R"({"text_1":"q","text_2":"a","data_1":"p"})",
                           R"({"text_1":"q","text_2":"a","queries":"p"})"})
    EXPECT_THAT(std::string(refusal(openai::score, body).at("message").as_string()),
                HasSubstr("send one pair"))
        << body;
  for (const char* item : {R"({"content":"a","text":{}})", R"({"content":"a","text":"b"})",
                           R"({"text":5})", R"({"content":5})"})
    EXPECT_EQ(
        failure_of(test, openai::score, std::string(R"({"text_1":"q","text_2":)") + item + "}")
            .cause,
        Cause::kShape)
        << item;
}

TEST_F(Scoring, TakesPartsThatAreTexts) {
  EXPECT_THAT(
      pairs(R"({"text_1":{"content":[{"type":"text","text":"q"},{"type":"text","text":"r"}]},
             "text_2":[{"content":[{"type":"text","text":"a"}]},"b"]})"),
      ElementsAre("q\nr|a", "q\nr|b"));
}

TEST_F(Scoring, ReadsEveryField) {
  CallPlan plan = test.plan(openai::score, R"({"text_1":"q","text_2":"a","use_activation":false,
      "truncate_prompt_tokens":-1,"truncation_side":"left","cache_salt":"s",
      "chat_template_kwargs":{"instruction":"rank","odd":1}})");
  const Request& r = plan.requests.at(0);
  EXPECT_EQ(task_of(r.task), Task::kScore);
  EXPECT_EQ(parameters<Score>(r).use_activation, false);
  EXPECT_EQ(r.prompt.truncation.to, -1);
  EXPECT_EQ(r.prompt.truncation.side, EncodeOptions::Side::kLeft);
  EXPECT_EQ(parameters<Score>(r).instruction, "rank");
  EXPECT_EQ(r.cache_salt, "s");
  EXPECT_THAT(plan.ignored, ElementsAre("chat_template_kwargs.odd"));
}

TEST_F(Scoring, CutsTextsToTheirOwnLimits) {
  const char* body = R"({"text_1":"the capital","text_2":["the","the capital"],
      "max_tokens_per_query":1,"max_tokens_per_doc":1})";
  EXPECT_THAT(pairs(body), ElementsAre("the|the", "the|the"));
  EXPECT_THAT(test.plan(openai::score, body).cut, ElementsAre(true, true));
  const char* documents = R"({"text_1":"the capital","text_2":["the","the capital"],
      "max_tokens_per_doc":1})";
  EXPECT_THAT(test.plan(openai::score, documents).cut, ElementsAre(false, true));
}

TEST_F(Scoring, AnswersInTheOrderOfTheTexts) {
  CallPlan plan = test.plan(openai::score, R"({"text_1":"q","text_2":["a","b"]})");
  const json::value answer =
      json::parse(plan.render({score_result(0.1f, -2), score_result(0.9f, 2)}).body);
  EXPECT_EQ(answer.at("id"), "score-abc");
  EXPECT_EQ(answer.at("object"), "list");
  EXPECT_EQ(answer.at("model"), "tiny");
  EXPECT_EQ(answer.at("data").at(1).at("object"), "score");
  EXPECT_EQ(answer.at("data").at(1).at("index"), 1);
  EXPECT_EQ(answer.at("usage").at("prompt_tokens"), 6);
  EXPECT_THAT(plan.render({score_result(0.1f, -2), score_result(0.9f, 2)}).body,
              HasSubstr(R"("index":0,"object":"score","score":0.1})"));
}

TEST_F(Scoring, RefusesByTheTable) {
  struct {
    const char* body;
    const char* type;
    const char* message;
  } cases[] = {
      {R"({})", "Bad Request", "body.text_1: field required"},
      {R"({"text_1":"q"})", "Bad Request", "body.text_2: field required"},
      {R"({"queries":"q"})", "Bad Request", "body.documents: field required"},
      {R"({"text_1":5,"text_2":"a"})", "Bad Request", "body.text_1"},
      {R"({"text_1":"q","text_2":["a",5]})", "Bad Request", "body.text_2.1"},
      {R"({"text_1":[],"text_2":"a"})", "BadRequestError",
       "At least one text element must be given"},
      {R"({"text_1":"q","text_2":[]})", "BadRequestError",
       "At least one text_pair element must be given"},
      {R"({"text_1":["q","r"],"text_2":"a"})", "BadRequestError",
       "Input lengths must be either 1:1, 1:N or N:N"},
      {R"({"text_1":["q","r"],"text_2":["a","b","c"]})", "BadRequestError",
       "Input lengths must be either 1:1, 1:N or N:N"},
      {R"({"text_1":"q","text_2":["a","b","c","d"]})", "BadRequestError", "batch size 4"},
      {R"({"text_1":{"content":[{"type":"image_url","image_url":{"url":"x"}}]},"text_2":"a"})",
       "BadRequestError", "MultiModalParam is not supported for BertModel"},
      {R"({"text_1":{"content":[5]},"text_2":"a"})", "Bad Request", "body.text_1.content.0"},
      {R"({"text_1":{"content":[{"type":"text"}]},"text_2":"a"})", "Bad Request",
       "body.text_1.content.0.text"},
      {R"({"text_1":"q","text_2":"a","chat_template":"x"})", "BadRequestError",
       "untrusted chat template"},
      {R"({"text_1":"q","text_2":"a","chat_template_kwargs":5})", "Bad Request",
       "body.chat_template_kwargs"},
      {R"({"text_1":"q","text_2":"a","max_tokens_per_doc":-1})", "Bad Request",
       "body.max_tokens_per_doc"},
      {R"({"text_1":"q","text_2":"a","priority":1})", "BadRequestError", "priority"},
  };
  for (const auto& c : cases) {
    const json::value error = refusal(openai::score, c.body);
    EXPECT_EQ(status, 400) << c.body;
    EXPECT_EQ(error.at("type"), c.type) << c.body;
    EXPECT_THAT(std::string(error.at("message").as_string()), HasSubstr(c.message));
  }
  test.serve({Task::kEmbed});
  for (const Planner planner : {openai::score, openai::rerank}) {
    const json::value error = refusal(planner, R"({"query":"q","documents":["a"]})");
    EXPECT_THAT(std::string(error.at("message").as_string()),
                testing::StartsWith("Unsupported task: 'score'"));
  }
}

TEST_F(Scoring, ErrorsNameTheSideThatIsAtFault) {
  struct {
    const char* body;
    const char* param;
  } cases[] = {
      {R"({"queries":["p","q"],"documents":"a"})", "documents"},
      {R"({"data_1":["p","q"],"data_2":["a","b","c"]})", "data_2"},
      {R"({"queries":[],"documents":"a"})", "queries"},
      {R"({"queries":"q","items":[]})", "items"},
      {R"({"text_1":"q","text_2":[]})", "text_2"},
  };
  for (const auto& c : cases) EXPECT_EQ(refusal(openai::score, c.body).at("param"), c.param);
  EXPECT_EQ(refusal(openai::rerank, R"({"query":"q","documents":[]})").at("param"), "documents");

  // What the engine says of either text.
  const auto words = [](const CallPlan& plan, const std::string& field) {
    const Error said = in_words_of(plan, Error(ErrorCode::kTooLong, "input[1]: too long", field));
    return said.field() + "|" + said.what();
  };
  const CallPlan one = test.plan(openai::score, R"({"text_1":"q","text_2":["a","b"]})");
  EXPECT_EQ(words(one, "input"), "text_1|text_1: too long");
  EXPECT_EQ(words(one, "document"), "text_2|text_2[1]: too long");
  EXPECT_EQ(words(one, "document_images"), "text_2|text_2[1]: too long");
  const CallPlan each = test.plan(openai::score, R"({"queries":["p","q"],"documents":["a","b"]})");
  EXPECT_EQ(words(each, "input"), "queries|queries[1]: too long");
  EXPECT_EQ(words(each, "document"), "documents|documents[1]: too long");
  for (const bool tei : {false, true}) {
    const std::string documents = tei ? "texts" : "documents";
    const CallPlan ranks = test.plan(tei ? tei::rerank : openai::rerank,
                                     R"({"query":"q",")" + documents + R"(":["a","b"]})");
    EXPECT_EQ(words(ranks, "input"), "query|query: too long");
    EXPECT_EQ(words(ranks, "document"), documents + "|" + documents + "[1]: too long");
  }
}

TEST_F(Scoring, RanksByTheLogitAndThenByThePlace) {
  CallPlan plan = test.plan(openai::rerank, R"({"query":"q","documents":["a",{"text":"b"},"c"]})");
  const json::value answer =
      json::parse(plan.render({score_result(1, 8), score_result(1, 9), score_result(1, 8)}).body);
  EXPECT_EQ(answer.at("id"), "rerank-abc");
  const json::array& ranked = answer.at("results").as_array();
  ASSERT_EQ(ranked.size(), 3u);
  EXPECT_EQ(ranked.at(0).at("index"), 1);
  EXPECT_EQ(ranked.at(0).at("document").at("text"), "b");
  EXPECT_TRUE(ranked.at(0).at("document").at("multi_modal").is_null());
  EXPECT_EQ(ranked.at(1).at("index"), 0);
  EXPECT_EQ(ranked.at(2).at("index"), 2);
  EXPECT_EQ(ranked.at(2).at("relevance_score"), 1.0);
  EXPECT_EQ(answer.at("usage").at("prompt_tokens"), 9);
}

TEST_F(Scoring, RerankKeepsTheBestAndEchoesUnlessToldNotTo) {
  const auto results = [&](const std::string& more) {
    CallPlan plan = test.plan(openai::rerank, R"({"query":"q","documents":["a","b"])" + more + "}");
    return json::parse(plan.render({score_result(0, 0), score_result(1, 1)}).body)
        .at("results")
        .as_array();
  };
  EXPECT_EQ(results("").size(), 2u);
  EXPECT_EQ(results(R"(,"top_n":0)").size(), 2u);
  EXPECT_EQ(results(R"(,"top_n":9)").size(), 2u);
  const json::array best = results(R"(,"top_n":1,"return_documents":false)");
  ASSERT_EQ(best.size(), 1u);
  EXPECT_EQ(base::json_text(best[0]), R"({"index":1,"relevance_score":1.0})");
}

TEST_F(Scoring, RerankOfMixedbread) {
  const auto data = [&](const std::string& more) {
    CallPlan plan = test.plan(openai::rerank, R"({"query":"q","input":["a","b"])" + more + "}");
    const std::string body = plan.render({score_result(0, 0), score_result(1, 1)}).body;
    return base::json_text(json::parse(body).at("data"));
  };
  EXPECT_EQ(data(""), R"([{"index":1,"object":"rank_result","score":1.0},)"
                      R"({"index":0,"object":"rank_result","score":0.0}])");
  EXPECT_EQ(data(R"(,"top_k":1,"return_input":true)"),
            R"([{"index":1,"input":"b","object":"rank_result","score":1.0}])");
  const json::value error =
      refusal(openai::rerank, R"({"query":"q","documents":["a"],"input":["a"]})");
  EXPECT_THAT(std::string(error.at("message").as_string()), HasSubstr("body.input"));
}

TEST_F(Scoring, RerankRefuses) {
  struct {
    const char* body;
    const char* message;
  } cases[] = {
      {R"({"documents":["a"]})", "body.query"},
      {R"({"query":"q"})", "body.documents"},
      {R"({"query":["q"],"documents":["a"]})", "body.query"},
      {R"({"query":"q","documents":"a"})", "body.documents"},
      {R"({"query":"q","documents":[]})", "At least one text_pair element must be given"},
      {R"({"query":"q","documents":["a"],"top_n":-1})", "body.top_n"},
      {R"({"query":"q","documents":[{"image":"x"}]})", "MultiModalParam"},
  };
  for (const auto& c : cases) {
    const json::value error = refusal(openai::rerank, c.body);
    EXPECT_EQ(status, 400) << c.body;
    EXPECT_THAT(std::string(error.at("message").as_string()), HasSubstr(c.message));
  }
}

TEST_F(Scoring, ScoresThatAreNotFiniteAreAnError) {
  CallPlan plan = test.plan(openai::rerank, R"({"query":"q","documents":["a"]})");
  EXPECT_THROW(plan.render({score_result(0, std::numeric_limits<float>::quiet_NaN())}), Failure);
}

}  // namespace
}  // namespace vecton::server
