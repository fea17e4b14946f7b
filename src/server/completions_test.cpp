#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/generation.h"
#include "server/openai.h"
#include "server/test_generation.h"

namespace vecton::server {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

class Completions : public testing::Test {
 protected:
  CallPlan plan(const std::string& fields) {
    return test.plan(openai::completions, "{" + fields + "}", "/v1/completions");
  }
  std::string refused(const std::string& fields) {
    return failure_of(test, openai::completions, "{" + fields + "}", "/v1/completions").message;
  }
  GenerationContext test;
};

TEST_F(Completions, TakesTextsAndIds) {
  const CallPlan planned = plan(R"("prompt":["a","b"],"n":2)");
  ASSERT_EQ(planned.requests.size(), 2u);
  EXPECT_EQ(parameters<Generate>(planned.requests[0]).max_tokens, 16);
  EXPECT_EQ(planned.requests[0].prompt.add_special_tokens, std::nullopt);
  EXPECT_EQ(plan(R"("prompt":[5,6])").requests.size(), 1u);
  EXPECT_THAT(refused(R"("prompt":[])"), HasSubstr("body.prompt"));
  EXPECT_THAT(refused(R"("prompt":"a","max_tokens":0)"), HasSubstr("body.max_tokens"));
  EXPECT_THAT(refused(R"("prompt":"a","suffix":"b")"), HasSubstr("body.suffix"));
  test.serve({Task::kEmbed});
  EXPECT_THAT(refused(R"("prompt":"a")"), HasSubstr("does not support the Completions API"));
}

TEST_F(Completions, WithoutASeedHaveTheServers) {
  CallPlan planned = plan(R"("prompt":["a","b"])");
  give_seed(planned, std::nullopt);
  EXPECT_EQ(parameters<Generate>(planned.requests[0]).seed, std::nullopt);
  give_seed(planned, 7);
  EXPECT_EQ(parameters<Generate>(planned.requests[0]).seed, 7u);
  EXPECT_EQ(parameters<Generate>(planned.requests[1]).seed, 7u);
  CallPlan own = plan(R"("prompt":"a","seed":3)");
  give_seed(own, 7);
  EXPECT_EQ(parameters<Generate>(own.requests[0]).seed, 3u);
  CallPlan other;
  other.requests.push_back({.task = Embed{}});
  give_seed(other, 7);
  EXPECT_TRUE(std::holds_alternative<Embed>(other.requests[0].task));
}

TEST_F(Completions, AnswersInOpenAisShape) {
  const json::value body =
      test.whole(plan(R"("prompt":"a","logprobs":1)"), {"é", "b"}, FinishReason::kLength);
  const json::value& choice = body.at("choices").at(0);
  EXPECT_EQ(body.at("object"), "text_completion");
  EXPECT_EQ(choice.at("text"), "éb");
  EXPECT_EQ(choice.at("finish_reason"), "length");
  EXPECT_EQ(
      json::serialize(choice.at("logprobs")),
      R"({"tokens":["é","b"],"token_logprobs":[-5E-1,-5E-1],)"
      R"("top_logprobs":[{"x":-2.5E-1,"é":-5E-1},{"x":-2.5E-1,"b":-5E-1}],"text_offset":[0,1]})");
}

TEST_F(Completions, OfBestOfTheLikeliestAreAnswered) {
  const CallPlan planned = plan(R"("prompt":"a","best_of":3)");
  EXPECT_EQ(parameters<Generate>(planned.requests[0]).n, 3);
  EXPECT_EQ(parameters<Generate>(planned.requests[0]).logprobs, 0);
  std::vector<Result> results = test.results({"worse", "!"}, FinishReason::kStop, {});
  auto& completions = results.front().get<Generation>().completions;
  completions.front().cumulative_logprob = -4;
  completions.push_back({.index = 1, .text = "best", .token_ids = {1}, .cumulative_logprob = -1});
  completions.push_back({.index = 2, .text = "third", .token_ids = {1}, .cumulative_logprob = -9});
  const json::value body = json::parse(planned.render(results).body);
  ASSERT_EQ(body.at("choices").get_array().size(), 1u);
  EXPECT_EQ(body.at("choices").at(0).at("text"), "best");
  EXPECT_EQ(body.at("choices").at(0).at("index"), 0);
  EXPECT_TRUE(body.at("choices").at(0).at("logprobs").is_null());
  EXPECT_EQ(body.at("usage").at("completion_tokens"), 4);

  EXPECT_EQ(
      parameters<Generate>(plan(R"("prompt":"a","n":2,"best_of":2,"stream":true)").requests[0])
          .logprobs,
      std::nullopt);
  for (const char* wrong :
       {R"("best_of":2,"stream":true)", R"("best_of":2,"n":3)", R"("best_of":0)",
        R"("best_of":2,"temperature":0)", R"("best_of":16385)"})
    EXPECT_THAT(refused(std::string(R"("prompt":"a",)") + wrong), HasSubstr("body.best_of"));
  test.context.generation_defaults.temperature = 0;
  EXPECT_THAT(refused(R"("prompt":"a","best_of":2)"), HasSubstr("body.best_of"));
  EXPECT_EQ(parameters<Generate>(plan(R"("prompt":"a","best_of":2,"temperature":1)").requests[0]).n,
            2);
}

TEST_F(Completions, AServerMayForceTheUsageOfStreams) {
  test.options.force_include_usage = true;
  EXPECT_THAT(test.sent(plan(R"("prompt":"a","stream":true)"), {"b"}), HasSubstr("\"usage\":{"));
  EXPECT_THAT(
      test.sent(plan(R"("prompt":"a","stream":true,"stream_options":{"include_usage":false})"),
                {"b"}),
      HasSubstr("\"usage\":{"));
}

TEST_F(Completions, RefusesWhatOtherRoutesHave) {
  for (const auto& [field, value] : {std::pair{"top_logprobs", "2"},
                                     {"max_completion_tokens", "4"},
                                     {"json_schema", "{}"},
                                     {"grammar", R"("root ::= \"a\"")"},
                                     {"modalities", R"(["text","audio"])"},
                                     {"mm_processor_kwargs", R"({"max_pixels":100})"},
                                     {"thinking", R"({"type":"disabled"})"}})
    EXPECT_THAT(refused(std::string(R"("prompt":"a",")") + field + "\":" + value),
                HasSubstr(std::string("body.") + field));
  for (const char* harmless : {R"("top_logprobs":0)", R"("modalities":["text"])",
                               R"("tools":[],"mm_processor_kwargs":{},"parallel_tool_calls":true)"})
    EXPECT_EQ(plan(std::string(R"("prompt":"a",)") + harmless).requests.size(), 1u);
}

TEST_F(Completions, MembersThatNobodyKnowsAreTold) {
  const auto ignored = [&](const std::string& fields) {
    return test.plan(openai::completions, R"({"prompt":"a")" + fields + "}").ignored;
  };
  EXPECT_THAT(
      ignored(R"(,"stream":true,"stream_options":{"usage":true},)"
              R"("structured_outputs":{"regex":"a","disable_whitespace":true})"),
      UnorderedElementsAre("stream_options.usage", "structured_outputs.disable_whitespace"));
  EXPECT_THAT(ignored(R"(,"response_format":{"type":"json_schema","json_schema":{"name":"a",)"
                      R"("schema":{},"strct":true},"odd":1})"),
              UnorderedElementsAre("response_format.odd", "response_format.json_schema.strct"));
}

TEST_F(Completions, EchoScoresThePrompt) {
  const CallPlan planned = plan(R"("prompt":"abc","echo":true,"logprobs":0,"max_tokens":0)");
  EXPECT_EQ(parameters<Generate>(planned.requests[0]).max_tokens, 1);
  EXPECT_EQ(parameters<Generate>(planned.requests[0]).prompt_logprobs, 0);
  const json::value body = test.whole(planned, {"d"});
  const json::value& choice = body.at("choices").at(0);
  EXPECT_EQ(choice.at("text"), "abc");
  EXPECT_EQ(choice.at("logprobs").at("tokens").get_array().size(), 3u);
  EXPECT_TRUE(choice.at("logprobs").at("token_logprobs").at(0).is_null());
  EXPECT_TRUE(choice.at("logprobs").at("top_logprobs").at(0).is_null());
  EXPECT_EQ(body.at("usage").at("completion_tokens"), 0);
}

// Streamed or not.
TEST_F(Completions, ThePromptAloneHasNoTokensOfAnAnswer) {
  const std::string asked = R"("prompt":"abc","echo":true,"max_tokens":0,"return_token_ids":true)";
  const json::value body = test.whole(plan(asked), {"d"});
  EXPECT_EQ(body.at("choices").at(0).at("token_ids"), json::value(json::array()));
  const CallPlan streamed = plan(asked + R"(,"stream":true,"stream_options":{"include_usage":true,)"
                                         R"("continuous_usage_stats":true})");
  const std::vector<json::value> events = test.events(test.sent(streamed, {"d"}));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].at("choices").at(0).at("text"), "abc");
  EXPECT_EQ(events[0].at("choices").at(0).at("token_ids"), json::value(json::array()));
  for (const json::value& event : events) EXPECT_EQ(event.at("usage").at("completion_tokens"), 0);
}

// Where a character is of several tokens, they begin where it does; what is none is U+FFFD.
TEST_F(Completions, OffsetsAreCharactersOfTheText) {
  const CallPlan planned = plan(R"("prompt":"a","logprobs":0)");
  std::vector<Result> results = test.results({"éa🙂b\uFFFDc"}, FinishReason::kStop, {});
  std::vector<TokenLogprobs>& tokens =
      results.front().get<Generation>().completions.front().logprobs;
  tokens.clear();
  for (const char* bytes : {"éa", "\xF0\x9F",
                            "\x99\x82"
                            "b",
                            "\xF0\x9F", "c"})
    tokens.push_back({.token = {.id = 5, .rank = 1, .text = "\uFFFD", .bytes = bytes}});
  const json::value body = json::parse(planned.render(results).body);
  EXPECT_EQ(body.at("choices").at(0).at("logprobs").at("text_offset"),
            json::value(json::array{0, 2, 2, 4, 5}));
}

TEST_F(Completions, EveryChoiceOfAStreamEchoesTheProbabilitiesOfThePrompt) {
  const CallPlan planned = plan(
      R"("prompt":"abc","echo":true,"logprobs":0,"n":2,"stream":true,"return_token_ids":true)");
  const std::vector<TokenLogprobs> logprobs = {test.token("b"), test.token("c")}, none;
  std::string out;
  {  // the second is the first to begin
    const std::vector<int32_t> prompt = {7, 8, 9};
    GenerationDelta second{.index = 1, .text = "y", .token_ids = {2}};
    second.logprobs = {test.token("y")};
    second.prompt_token_ids = &prompt;
    second.prompt_logprobs = &none;
    out = planned.stream->add(second);
    EXPECT_EQ(out, "");
  }
  const std::vector<int32_t> prompt = {7, 8, 9};
  GenerationDelta first{.text = "x", .token_ids = {1}};
  first.logprobs = {test.token("x")};
  first.prompt_token_ids = &prompt;
  first.prompt_logprobs = &logprobs;
  const std::vector<json::value> events = test.events(planned.stream->add(first));
  ASSERT_EQ(events.size(), 2u);
  for (const json::value& event : events) {
    const json::value& choice = event.at("choices").at(0);
    EXPECT_EQ(choice.at("index"), &event == &events.front() ? 0 : 1);
    EXPECT_EQ(choice.at("logprobs").at("token_logprobs").get_array().size(), 4u);
    EXPECT_EQ(choice.at("prompt_token_ids"), json::value(json::array{7, 8, 9}));
  }
}

TEST_F(Completions, StreamsPieces) {
  const std::string text = test.sent(
      plan(
          R"("prompt":"a","stream":true,"logprobs":0,"echo":true,"stream_options":{"include_usage":true})"),
      {"x", "", "y"}, FinishReason::kStop, std::string("s"));
  EXPECT_TRUE(text.ends_with("data: [DONE]\n\n"));
  const auto events = test.events(text);
  std::string said;
  int64_t offset = -1;
  for (const json::value& event : events) {
    if (event.at("choices").get_array().empty()) continue;
    said += event.at("choices").at(0).at("text").get_string();
    for (const json::value& at :
         event.at("choices").at(0).at("logprobs").at("text_offset").get_array()) {
      EXPECT_GE(at.get_int64(), offset);
      offset = at.get_int64();
    }
  }
  EXPECT_EQ(said, "axy");
  EXPECT_EQ(events.at(events.size() - 2).at("choices").at(0).at("stop_reason"), "s");
  EXPECT_EQ(events.back().at("usage").at("total_tokens"), 6);
}

TEST_F(Completions, PromptLogprobs) {
  const json::value body =
      test.whole(plan(R"("prompt":"a","prompt_logprobs":1,"return_token_ids":true)"), {"x"});
  const json::value& choice = body.at("choices").at(0);
  EXPECT_EQ(json::serialize(choice.at("prompt_token_ids")), "[7,8,9]");
  EXPECT_TRUE(choice.at("prompt_logprobs").at(0).is_null());
  EXPECT_EQ(choice.at("prompt_logprobs").at(1).at("5").at("decoded_token"), "b");
  EXPECT_THAT(refused(R"("prompt":"a","prompt_logprobs":1,"stream":true)"),
              HasSubstr("prompt_logprobs"));
}

}  // namespace
}  // namespace vecton::server
