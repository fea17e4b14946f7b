#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/json_text.h"
#include "server/openai.h"
#include "server/test_context.h"

namespace vecton::server {
namespace {

using testing::HasSubstr;

Result eight(float first) { return vector_result({first, -1, 1, -1, 1, 1, -1, 0}); }

TEST(Cohere, ReadsEveryField) {
  TestContext test;
  CallPlan plan = test.plan(openai::cohere_embed, R"({"model":"small","texts":["a","b"],
      "input_type":"search_query","truncate":"START","max_tokens":9,"output_dimension":2})");
  ASSERT_EQ(plan.requests.size(), 2u);
  const Request& r = plan.requests[1];
  EXPECT_EQ(std::get<0>(r.prompt.input), "b");
  EXPECT_EQ(r.prompt.prompt_name, "query");
  EXPECT_EQ(r.prompt.truncation.to, 9);
  EXPECT_EQ(r.prompt.truncation.side, EncodeOptions::Side::kLeft);
  EXPECT_EQ(parameters<Embed>(r).dimensions, 2);
  const Request plain = test.plan(openai::cohere_embed, R"({"texts":["a"]})").requests.at(0);
  EXPECT_EQ(plain.prompt.truncation.to, -1);
  EXPECT_FALSE(test.plan(openai::cohere_embed, R"({"texts":["a"],"truncate":"NONE"})")
                   .requests.at(0)
                   .prompt.truncation.to);
  const auto parts =
      test.plan(openai::cohere_embed, R"({"inputs":[{"content":[{"type":"text","text":"c"}]}]})");
  EXPECT_EQ(std::get<0>(parts.requests.at(0).prompt.input), "c");
}

TEST(Cohere, AnswersInEveryKindOfNumbers) {
  TestContext test;
  test.info.embedding_size = 8;
  CallPlan plan =
      test.plan(openai::cohere_embed,
                R"({"texts":["a"],"embedding_types":["ubinary","float","binary","base64"]})");
  const json::value answer = json::parse(plan.render({eight(1)}).body);
  const json::value& embeddings = answer.at("embeddings");
  EXPECT_EQ(embeddings.at("float").at(0).as_array().size(), 8u);
  EXPECT_EQ(embeddings.at("ubinary").at(0).at(0), 0b10101101);
  EXPECT_EQ(embeddings.at("binary").at(0).at(0), 0b10101101 - 128);
  EXPECT_EQ(embeddings.at("base64").at(0).as_string().size(), 44u);
  EXPECT_EQ(answer.at("texts").at(0), "a");
  EXPECT_EQ(answer.at("meta").at("api_version").at("version"), "2");
  EXPECT_EQ(answer.at("meta").at("billed_units").at("input_tokens"), 3);
}

TEST(Cohere, Refuses) {
  TestContext test;
  struct {
    const char* body;
    const char* message;
  } cases[] = {
      {R"({})", "One of texts, images, or inputs must be provided"},
      {R"({"texts":["a"],"inputs":[]})", "Only one of"},
      {R"({"texts":[]})", "must not be empty"},
      {R"({"texts":"a"})", "body.texts"},
      {R"({"images":["data:"]})", "MultiModalParam is not supported for BertModel"},
      {R"({"inputs":[{"content":[{"type":"image_url"}]}]})", "MultiModalParam"},
      {R"({"texts":["a"],"input_type":"clustering"})", "it has"},
      {R"({"texts":["a"],"input_type":"nonexistent_type"})", "Unsupported input_type"},
      {R"({"texts":["a"],"embedding_types":["int4"]})", "literal_error"},
      {R"({"texts":["a"],"embedding_types":["binary"]})", "multiple of 8"},
      {R"({"texts":["a"],"truncate":"MIDDLE"})", "literal_error"},
      {R"({"texts":["a"],"max_tokens":0})", "body.max_tokens"},
      {R"({"texts":["a","b","c","d"]})", "batch size 4"},
  };
  for (const auto& c : cases) {
    const HttpResponse response =
        openai::refuse(failure_of(test, openai::cohere_embed, c.body), 48);
    EXPECT_EQ(response.status, 400) << c.body;
    EXPECT_THAT(response.body, HasSubstr(c.message)) << c.body;
  }
}

TEST(Cohere, ItsFourWordsChangeNothingWhereThereAreNoPrompts) {
  TestContext test;
  test.serve({Task::kEmbed});
  for (const char* word : {"search_document", "search_query", "classification", "clustering"}) {
    const CallPlan plan = test.plan(openai::cohere_embed,
                                    R"({"texts":["a"],"input_type":")" + std::string(word) + "\"}");
    EXPECT_FALSE(plan.requests.at(0).prompt.prompt_name) << word;
    EXPECT_EQ(plan.requests.at(0).prompt.role, Role::kNone) << word;
    EXPECT_THAT(plan.warnings, testing::ElementsAre(HasSubstr(word)));
  }
}

TEST(Cohere, WithoutTruncationMaxTokensIsALimit) {
  TestContext test;
  const auto body = R"({"texts":["a"],"truncate":"NONE","max_tokens":7})";
  const Request request = test.plan(openai::cohere_embed, body).requests.at(0);
  EXPECT_EQ(request.prompt.max_tokens, 7);
  EXPECT_FALSE(request.prompt.truncation.to);
}

TEST(Cohere, WholeNumbersAndBothVersionsOfTheAnswer) {
  TestContext test;
  const auto ask = [&](Planner planner, const char* body) {
    return json::parse(test.plan(planner, body).render({vector_result({0.5f, -1, 0, 1})}).body);
  };
  const json::value two =
      ask(openai::cohere_embed, R"({"texts":["a"],"embedding_types":["uint8","int8"]})");
  EXPECT_EQ(json::serialize(two.at("embeddings")),
            R"({"int8":[[64,-127,0,127]],"uint8":[[192,1,128,255]]})");
  EXPECT_EQ(two.at("response_type"), "embeddings_by_type");
  EXPECT_EQ(two.at("meta").at("tokens").at("input_tokens"), 3);
  const json::value one = ask(openai::cohere_embed_v1, R"({"texts":["a"]})");
  EXPECT_EQ(one.at("response_type"), "embeddings_floats");
  EXPECT_EQ(base::json_text(one.at("embeddings")), "[[0.5,-1.0,0.0,1.0]]");
  EXPECT_EQ(one.at("meta").at("api_version").at("version"), "1");
  const json::value typed =
      ask(openai::cohere_embed_v1, R"({"texts":["a"],"embedding_types":["int8"]})");
  EXPECT_EQ(typed.at("response_type"), "embeddings_by_type");
}

}  // namespace
}  // namespace vecton::server
