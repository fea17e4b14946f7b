#include "server/tei.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "server/test_context.h"

namespace vecton::server {
namespace {

using testing::HasSubstr;

class Tei : public testing::Test {
 protected:
  HttpResponse refusal(Planner planner, std::string_view body, const std::string& path = "/") {
    return tei::refuse(failure_of(test, planner, body, path), 48);
  }

  TestContext test;
};

TEST_F(Tei, EmbedReadsEveryField) {
  CallPlan plan =
      test.plan(tei::embed, R"({"inputs":["a",[1,2]],"truncate":true,"truncation_direction":"Left",
      "prompt_name":"query","normalize":false,"dimensions":2})");
  ASSERT_EQ(plan.requests.size(), 2u);
  const Request& r = plan.requests[1];
  EXPECT_EQ(std::get<1>(r.prompt.input).size(), 2u);
  EXPECT_EQ(r.prompt.truncation.to, -1);
  EXPECT_EQ(r.prompt.truncation.side, EncodeOptions::Side::kLeft);
  EXPECT_EQ(r.prompt.prompt_name, "query");
  EXPECT_EQ(parameters<Embed>(r).normalize, false);
  EXPECT_EQ(parameters<Embed>(r).dimensions, 2);
}

TEST_F(Tei, ParametersAreAnObject) {
  const CallPlan plan = test.plan(tei::embed, R"({"inputs":"a","parameters":{"normalize":false}})");
  EXPECT_EQ(parameters<Embed>(plan.requests[0]).normalize, false);
  test.plan(tei::embed, R"({"inputs":"a","parameters":null})");
  const Failure failure = failure_of(test, tei::embed, R"({"inputs":"a","parameters":[1]})");
  EXPECT_EQ(failure.cause, Cause::kShape);
  EXPECT_EQ(failure.problems.at(0).where, "body.parameters");
}

TEST_F(Tei, ShortensTheVectorsOfEveryModelAndWarns) {
  const auto warns = [&](const char* dimensions) {
    const CallPlan plan =
        test.plan(tei::embed, std::string(R"({"inputs":"a","dimensions":)") + dimensions + "}");
    EXPECT_TRUE(parameters<Embed>(plan.requests[0]).dimensions_of_any_model);
    return !plan.warnings.empty();
  };
  test.info.embedding_size = 8;
  EXPECT_TRUE(warns("4"));
  EXPECT_FALSE(warns("8"));
  EXPECT_FALSE(warns("null"));
  test.info.matryoshka = true;
  EXPECT_FALSE(warns("4"));
  test.info.matryoshka_least = 6;
  EXPECT_TRUE(warns("4"));
  EXPECT_FALSE(warns("6"));
  test.info.matryoshka_dimensions = {8, 4};
  test.info.matryoshka_least = 1;
  EXPECT_FALSE(warns("4"));
  EXPECT_TRUE(warns("5"));
}

TEST_F(Tei, DefaultsTruncateAndNormalize) {
  Request r = test.plan(tei::embed, R"({"inputs":"a","truncate":null})").requests[0];
  EXPECT_EQ(r.prompt.truncation.to, -1);
  EXPECT_EQ(r.prompt.truncation.side, EncodeOptions::Side::kRight);
  EXPECT_EQ(parameters<Embed>(r).normalize, true);
  EXPECT_FALSE(
      test.plan(tei::embed, R"({"inputs":"a","truncate":false})").requests[0].prompt.truncation.to);
  test.options.auto_truncate = false;
  EXPECT_FALSE(test.plan(tei::embed, R"({"inputs":"a"})").requests[0].prompt.truncation.to);
}

TEST_F(Tei, AnswersAreBareLists) {
  EXPECT_EQ(test.plan(tei::embed, R"({"inputs":"a"})").render({vector_result({1, 2})}).body,
            "[[1.0,2.0]]");
  EXPECT_EQ(test.plan(tei::embed_all, R"({"inputs":["a","b"]})")
                .render({vector_result({1, 2, 3, 4}, 2), vector_result({5, 6})})
                .body,
            "[[[1.0,2.0],[3.0,4.0]],[[5.0,6.0]]]");
  const Request all = test.plan(tei::embed_all, R"({"inputs":"a"})").requests[0];
  EXPECT_EQ(task_of(all.task), Task::kTokenEmbed);
  EXPECT_FALSE(parameters<TokenEmbed>(all).normalize);
  const CallPlan asked = test.plan(tei::embed_all, R"({"inputs":"a","normalize":true})");
  EXPECT_FALSE(parameters<TokenEmbed>(asked.requests[0]).normalize);
  EXPECT_THAT(asked.warnings, testing::ElementsAre(HasSubstr("normalize changes nothing")));
  EXPECT_TRUE(test.plan(tei::embed_all, R"({"inputs":"a","normalize":false})").warnings.empty());
}

TEST_F(Tei, TokenizeNamesThePromptsThatThereAre) {
  const auto message = [&] {
    return failure_of(test, tei::tokenize, R"({"inputs":"a","prompt_name":"x"})").message;
  };
  test.info.prompts = {};
  EXPECT_THAT(message(), testing::EndsWith("prompts: it has none"));
  test.info.prompts = {{"query", "q: "}, {"passage", "p: "}};
  EXPECT_THAT(message(), HasSubstr(R"(Available prompts: ["query", "passage"])"));
}

TEST_F(Tei, Similarity) {
  const char* body =
      R"({"inputs":{"source_sentence":"a","sentences":["b","c"]},"parameters":{"prompt_name":"query"}})";
  for (const Planner planner : {tei::similarity, tei::root}) {
    CallPlan plan = test.plan(planner, body);
    ASSERT_EQ(plan.requests.size(), 3u);
    EXPECT_EQ(plan.requests[2].prompt.prompt_name, "query");
    EXPECT_EQ(parameters<Embed>(plan.requests[2]).normalize, true);
    EXPECT_EQ(
        plan.render({vector_result({1, 0}), vector_result({0, 1}), vector_result({0.5f, 0})}).body,
        "[0.0,0.5]");
  }
  const HttpResponse empty =
      refusal(tei::similarity, R"({"inputs":{"source_sentence":"a","sentences":[]}})");
  EXPECT_EQ(empty.status, 400);
  EXPECT_THAT(empty.body, HasSubstr("`inputs.sentences` cannot be empty"));
}

TEST_F(Tei, MembersThatNobodyKnowsAreTold) {
  EXPECT_THAT(
      test.plan(tei::similarity, R"({"inputs":{"source_sentence":"a","sentences":["b"],"odd":1},)"
                                 R"("parameters":{"trunc":true}})")
          .ignored,
      testing::ElementsAre("inputs.odd", "parameters.trunc"));
}

TEST_F(Tei, RefusesByTheTable) {
  struct {
    Planner planner;
    const char* body;
    int status;
    const char* type;  // null: a plain sentence
    const char* message;
  } cases[] = {
      {tei::embed, R"({"inputs":[]})", 400, "Empty", "`inputs` cannot be empty"},
      {tei::decode, R"({"ids":[]})", 400, "Empty", "`ids` cannot be empty"},
      {tei::embed, R"({"inputs":["a","b","c","d"]})", 422, "Validation",
       "batch size 4 > maximum allowed batch size 3"},
      {tei::similarity, R"({"inputs":{"source_sentence":"a","sentences":["b","c","d"]}})", 422,
       "Validation", "batch size 4"},
      {tei::embed, R"({"inputs":"a","dimensions":0})", 422, "Validation",
       "`dimensions` should be positive"},
      {tei::embed, R"({"inputs":"a","dimensions":5})", 422, "Validation",
       "smaller than the maximum embedding dimension."},
      {tei::tokenize, R"({"inputs":"a","prompt_name":"x"})", 422, "Validation", "prompt_name"},
      {tei::decode, R"({"ids":[99999]})", 422, "Tokenizer", "99999"},
      {tei::embed, R"({"inputs":5})", 422, nullptr, "body.inputs"},
      {tei::embed, R"({})", 422, nullptr, "body.inputs"},
      {tei::embed, R"({"inputs":"a","truncation_direction":"up"})", 422, nullptr, "'Left'"},
  };
  for (const auto& c : cases) {
    const HttpResponse response = refusal(c.planner, c.body);
    EXPECT_EQ(response.status, c.status) << c.body;
    if (c.type) {
      const json::value body = json::parse(response.body);
      EXPECT_EQ(body.at("error_type"), c.type) << c.body;
      EXPECT_THAT(std::string(body.at("error").as_string()), HasSubstr(c.message));
    } else {
      EXPECT_THAT(response.content_type, HasSubstr("text/plain"));
      EXPECT_THAT(response.body, HasSubstr(c.message));
    }
  }
}

TEST_F(Tei, EngineErrorsKeepTheirMeaning) {
  const HttpResponse too_long =
      tei::refuse(Failure(Error(ErrorCode::kTooLong, "60 tokens", "input")), 48);
  EXPECT_EQ(too_long.status, 422);
  EXPECT_THAT(too_long.body, HasSubstr("`inputs` must have less than 49 tokens"));
  const HttpResponse full = tei::refuse(Failure(Error(ErrorCode::kQueueFull, "x")), 48);
  EXPECT_EQ(full.status, 429);
  EXPECT_EQ(full.body, R"({"error":"Model is overloaded","error_type":"Overloaded"})");
  EXPECT_EQ(tei::refuse(Failure(Error(ErrorCode::kInternal, "x")), 48).status, 424);
}

TEST_F(Tei, TokenizeGivesTheTextOfEachToken) {
  const json::value answer =
      json::parse(test.plan(tei::tokenize, R"({"inputs":["the caf\u00e9","a"]})").render({}).body);
  ASSERT_EQ(answer.as_array().size(), 2u);
  const json::array& first = answer.at(0).as_array();
  EXPECT_EQ(first.front().at("special"), true);
  EXPECT_TRUE(first.front().at("start").is_null());
  EXPECT_EQ(first.at(1).at("text"), "the");
  EXPECT_EQ(first.at(1).at("start"), 0);
  EXPECT_EQ(first.at(1).at("stop"), 3);
  EXPECT_EQ(first.at(first.size() - 2).at("stop"), 9);  // bytes
  const json::value prompted = json::parse(
      test.plan(tei::tokenize, R"({"inputs":"a","prompt_name":"query","add_special_tokens":false})")
          .render({})
          .body);
  EXPECT_GT(prompted.at(0).as_array().size(), 1u);
}

TEST_F(Tei, Decode) {
  EXPECT_EQ(json::parse(test.plan(tei::decode, R"({"ids":[[4,34,5],[34]]})").render({}).body)
                .as_array()
                .size(),
            2u);
  EXPECT_EQ(test.plan(tei::decode, R"({"ids":[4,34,5]})").render({}).body, R"(["a"])");
  EXPECT_THAT(
      test.plan(tei::decode, R"({"ids":[4,34,5],"skip_special_tokens":false})").render({}).body,
      HasSubstr("[CLS]"));
}

TEST_F(Tei, TheRoleOfAText) {
  test.serve({Task::kTokenEmbed, Task::kScore}, "late-interaction");
  const auto first = [&](const char* body) {
    return test.plan(tei::embed_all, body).requests.at(0);
  };
  EXPECT_EQ(first(R"({"inputs":"a","prompt_name":"query"})").prompt.role, Role::kQuery);
  EXPECT_EQ(first(R"({"inputs":"a","prompt_name":"document"})").prompt.role, Role::kDocument);
  const HttpResponse unknown = refusal(tei::embed_all, R"({"inputs":"a","prompt_name":"x"})");
  EXPECT_EQ(unknown.status, 422);
  EXPECT_THAT(unknown.body, HasSubstr(R"(it has \"query\", \"document\")"));
}

TEST_F(Tei, SparseVectors) {
  test.serve({Task::kSparseEmbed});
  CallPlan plan = test.plan(tei::embed_sparse, R"({"inputs":["a"]})");
  EXPECT_EQ(task_of(plan.requests[0].task), Task::kSparseEmbed);
  EXPECT_EQ(plan.render({sparse_result({7, 40}, {0.5f, 2})}).body,
            R"([[{"index":7,"value":0.5},{"index":40,"value":2.0}]])");
}

TEST_F(Tei, SimilarityIsTheModelsOwnScore) {
  test.serve({Task::kTokenEmbed, Task::kScore}, "late-interaction");
  CallPlan plan =
      test.plan(tei::similarity, R"({"inputs":{"source_sentence":"a","sentences":["b","c"]}})");
  ASSERT_EQ(plan.requests.size(), 2u);
  EXPECT_EQ(task_of(plan.requests[1].task), Task::kScore);
  EXPECT_EQ(std::get<0>(plan.requests[1].prompt.input), "a");
  EXPECT_EQ(parameters<Score>(plan.requests[1]).document, "c");
  EXPECT_EQ(plan.render({score_result(3, 3), score_result(1.5f, 1)}).body, "[3.0,1.5]");
}

TEST_F(Tei, RootDoesWhatTheModelIsFor) {
  const struct {
    Task task;
    const char* scorer;
    const char* body;
    Task asked;
  } cases[] = {
      {Task::kEmbed, "", R"({"inputs":"a"})", Task::kEmbed},
      {Task::kTokenEmbed, "", R"({"inputs":"a"})", Task::kTokenEmbed},
      {Task::kSparseEmbed, "", R"({"inputs":"a"})", Task::kSparseEmbed},
      {Task::kClassify, "", R"({"inputs":"a"})", Task::kClassify},
      {Task::kTokenClassify, "", R"({"inputs":"a"})", Task::kTokenClassify},
      {Task::kFillMask, "", R"({"inputs":"a"})", Task::kFillMask},
      {Task::kScore, "cross-encoder", R"({"inputs":["a","b"]})", Task::kScore},
      {Task::kScore, "cross-encoder", R"({"query":"a","texts":["b"]})", Task::kScore},
  };
  test.info.labels = {"O", "B-LOC"};
  for (const auto& c : cases) {
    test.serve({c.task}, c.scorer);
    EXPECT_EQ(task_of(test.plan(tei::root, c.body).requests.at(0).task), c.asked) << c.body;
  }
}

TEST_F(Tei, InfoHasPlainDecimals) {
  test.info.compute_cosine = 1;
  const ListedModel listed = test.listed();
  EXPECT_THAT(tei::info({&listed, 1}, 2).body, ::testing::HasSubstr("\"compute_cosine\":1.0,"));
}

TEST_F(Tei, InfoNamesTheKindOfModel) {
  const auto type = [&] {
    const ListedModel listed = test.listed();
    return json::parse(tei::info({&listed, 1}, 2).body).at("model_type");
  };
  EXPECT_EQ(json::serialize(type()), R"({"embedding":{"pooling":"mean"}})");
  test.serve({Task::kClassify});
  test.info.labels = {"bad", "good"};
  EXPECT_EQ(json::serialize(type()),
            R"({"classifier":{"id2label":{"0":"bad","1":"good"},"label2id":{"bad":0,"good":1}}})");
  test.serve({Task::kScore}, "cross-encoder");
  EXPECT_TRUE(type().as_object().contains("reranker"));
}

}  // namespace
}  // namespace vecton::server
