#include "server/ollama.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "server/test_generation.h"

namespace vecton::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Ollama : public testing::Test {
 protected:
  Ollama() {
    test.options.chat_template =
        "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}"
        "{{ tools or '' }}<tool_call>";
  }
  std::vector<json::value> lines(const std::string& text) {
    std::vector<json::value> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
    return all;
  }
  GenerationContext test;
};

TEST_F(Ollama, StreamsUnlessToldNot) {
  const CallPlan planned =
      test.plan(ollama::chat, R"({"messages":[{"role":"user","content":"Hi"}],)"
                              R"("options":{"num_predict":4,"top_k":3,"num_ctx":9}})");
  EXPECT_EQ(planned.stream->content_type(), "application/x-ndjson");
  EXPECT_EQ(parameters<Generate>(planned.requests.front()).max_tokens, 4);
  const auto all = lines(test.sent(planned, {"a", "b"}, FinishReason::kLength));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].at("message").at("content"), "a");
  EXPECT_EQ(all[0].at("done"), false);
  EXPECT_EQ(all[2].at("done_reason"), "length");
  EXPECT_EQ(all[2].at("eval_count"), 2);
  EXPECT_EQ(all[2].at("prompt_eval_count"), 3);
  const json::value whole = test.whole(
      test.plan(ollama::chat, R"({"stream":false,"messages":[{"role":"user","content":"Hi"}]})"),
      {"a", "b"});
  EXPECT_EQ(whole.at("message").at("content"), "ab");
  EXPECT_EQ(whole.at("done"), true);
}

// Of text that is held back, what could be the beginning of a call, too.
TEST_F(Ollama, EveryTokenHasItsLogprobs) {
  const std::vector<std::string> pieces = {"a", "", "b", "<tool", "_box>", ""};
  for (const char* tail : {"", R"(,"tools":[{"type":"function","function":{"name":"f"}}])"}) {
    const CallPlan planned =
        test.plan(ollama::chat, R"({"logprobs":true,"messages":[{"role":"user","content":"Hi"}])" +
                                    std::string(tail) + "}");
    std::vector<std::string> tokens;
    for (const json::value& line : lines(test.sent(planned, pieces))) {
      const json::value* list = line.get_object().if_contains("logprobs");
      if (!list) continue;
      for (const json::value& token : list->get_array())
        tokens.emplace_back(token.at("token").get_string());
    }
    EXPECT_EQ(tokens, pieces) << tail;
  }
  EXPECT_EQ(test.sent(test.plan(ollama::generate, R"({"prompt":"a"})"), pieces).find("logprobs"),
            std::string::npos);
}

TEST_F(Ollama, PenaltiesThatLookBackAtNothingAreNone) {
  const auto asked = [&](const char* options) {
    return parameters<Generate>(
        test.plan(ollama::generate,
                  R"({"prompt":"a","options":{"repeat_penalty":1.5,)" + std::string(options) + "}}")
            .requests.front());
  };
  EXPECT_EQ(asked(R"("presence_penalty":1)").repetition_penalty, 1.5);
  EXPECT_EQ(asked(R"("repeat_last_n":-1)").repetition_penalty, 1.5);
  const Generate none = asked(R"("repeat_last_n":0,"presence_penalty":1)");
  EXPECT_EQ(none.repetition_penalty, 1);
  EXPECT_EQ(none.presence_penalty, 0);
}

TEST_F(Ollama, CallsComeWhole) {
  const CallPlan planned = test.plan(
      ollama::chat,
      R"({"messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function","function":{"name":"f"}}]})");
  const auto all =
      lines(test.sent(planned, {"<tool_call>{\"name\":\"f\",", "\"arguments\":{\"x\":", "1}}",
                                "<tool_call>{\"name\":\"f\"}"}));
  std::vector<std::string> calls;
  for (const json::value& line : all) {
    const json::value* list = line.at("message").get_object().if_contains("tool_calls");
    if (!list) continue;
    for (const json::value& call : list->get_array())
      calls.push_back(json::serialize(call.at("function").at("arguments")));
  }
  EXPECT_THAT(calls, ElementsAre(R"({"x":1})", "{}"));
}

// Its clients give calls no ids; templates ask for them.
TEST_F(Ollama, CallsOfAConversationHaveIds) {
  test.options.chat_template =
      "{% for m in messages %}{{ m.tool_call_id }}{{ m.content }};{% for c in m.tool_calls %}"
      "{{ c.id }},{% endfor %}{% endfor %}";
  const CallPlan planned = test.plan(
      ollama::chat,
      R"({"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"","tool_calls":[)"
      R"({"function":{"name":"f","arguments":{}}},{"function":{"name":"g","arguments":{}}},)"
      R"({"id":"own","function":{"name":"f","arguments":{}}}]},)"
      R"({"role":"tool","tool_name":"g","content":" of g"},{"role":"tool","content":" of f"},)"
      R"({"role":"tool","tool_name":"other","content":" of own"},{"role":"tool","content":"?"}]})");
  EXPECT_EQ(std::get<std::string>(planned.requests.front().prompt.input),
            "Hi;;call_1,call_2,own,call_2 of g;call_1 of f;own of own;?;");
}

TEST_F(Ollama, AnEmptyPromptLoadsOrUnloads) {
  const auto reason = [&](const std::string& keep) {
    const std::string body = R"({"prompt":"","keep_alive":)" + keep + "}";
    return json::parse(test.plan(ollama::generate, body).render({}).body).at("done_reason");
  };
  for (const char* keep : {"0", "0.0", R"("0")", R"("0s")"}) EXPECT_EQ(reason(keep), "unload");
  for (const char* keep : {"null", "-1", "5", R"("5m")", R"("")"}) EXPECT_EQ(reason(keep), "load");
}

TEST_F(Ollama, GenerateTakesPromptsAndContext) {
  const CallPlan planned =
      test.plan(ollama::generate, R"({"prompt":"Hi","system":"S","stream":false,"format":"json"})");
  EXPECT_EQ(std::get<std::string>(planned.requests.front().prompt.input),
            "system:S;user:Hi;<tool_call>");
  EXPECT_TRUE(parameters<Generate>(planned.requests.front()).structured_output.has_value());
  const json::value body = test.whole(planned, {"a"});
  EXPECT_EQ(body.at("response"), "a");
  EXPECT_EQ(json::serialize(body.at("context")), "[7,8,9,0]");
  const CallPlan raw = test.plan(ollama::generate, R"({"prompt":"the","raw":true,"context":[5]})");
  EXPECT_EQ(std::get<std::vector<int32_t>>(raw.requests.front().prompt.input).front(), 5);
  EXPECT_EQ(json::parse(test.plan(ollama::generate, R"({"prompt":""})").render({}).body)
                .at("done_reason"),
            "load");
  const CallPlan floats =
      test.plan(ollama::generate, R"({"prompt":"the","raw":true,"context":[5.0]})");
  EXPECT_EQ(std::get<std::vector<int32_t>>(floats.requests.front().prompt.input).front(), 5);
  for (const char* context : {"[-1]", "[5.5]", "5", R"(["a"])"}) {
    const std::string body = std::string(R"({"prompt":"a","context":)") + context + "}";
    EXPECT_EQ(failure_of(test, ollama::generate, body).cause, Cause::kShape) << context;
  }
  EXPECT_THAT(failure_of(test, ollama::generate, R"({"prompt":"a","suffix":"b"})").message,
              HasSubstr("suffix"));
}

TEST_F(Ollama, ImagesComeBeforeTheText) {
  const std::string image(40, 'A');
  const std::string list = R"("images":[")" + image + "\"]";
  const std::string chat = R"({"messages":[{"role":"user","content":"Hi",)" + list + "}]}";
  EXPECT_THAT(failure_of(test, ollama::chat, chat).message, HasSubstr("takes text"));
  EXPECT_THAT(
      failure_of(test, ollama::generate, R"({"prompt":"a","raw":true,)" + list + "}").message,
      HasSubstr("takes text"));
  test.info.images = true;
  test.info.image_placeholder = "<image>";
  test.options.chat_template =
      "{% for m in messages %}{% for part in m.content %}{{ part.text or '<image>' }}{% endfor %}"
      "{% endfor %}";
  const auto expect_image = [&](const CallPlan& planned, const char* prompt) {
    const Prompt& given = planned.requests.front().prompt;
    EXPECT_EQ(std::get<std::string>(given.input), prompt);
    ASSERT_EQ(given.images.size(), 1u);
    EXPECT_EQ(given.images[0].source, "data:;base64," + image);
  };
  expect_image(test.plan(ollama::chat, chat), "<image>Hi");
  expect_image(test.plan(ollama::generate, R"({"prompt":"Hi",)" + list + "}"), "<image>Hi");
  expect_image(test.plan(ollama::generate, "{" + list + "}"), "<image>");
  expect_image(test.plan(ollama::generate, R"({"prompt":"Hi","raw":true,)" + list + "}"), "Hi");
  EXPECT_THAT(failure_of(test, ollama::generate, R"({"prompt":"a","images":[1]})").message,
              HasSubstr("images: expected a list"));
  EXPECT_THAT(failure_of(test, ollama::generate, R"({"prompt":"a","images":["a.png"]})").message,
              HasSubstr("expected a data: URI"));
}

TEST_F(Ollama, RefusesOptionsThatItHasNot) {
  const auto refused = [&](const std::string& options) {
    return failure_of(test, ollama::generate, R"({"prompt":"a","options":)" + options + "}");
  };
  EXPECT_EQ(refused(R"({"mirostat":2})").problems.at(0).where, "body.options.mirostat");
  EXPECT_EQ(refused(R"({"repeat_penalty":0})").problems.at(0).where, "body.options.repeat_penalty");
  EXPECT_EQ(refused(R"({"top_p":0})").problems.at(0).where, "body.options.top_p");
  EXPECT_EQ(refused(R"({"tfs_z":0.5})").problems.at(0).where, "body.options.tfs_z");
  EXPECT_EQ(refused(R"({"typical_p":0.5})").problems.at(0).where, "body.options.typical_p");
  EXPECT_NO_THROW(test.plan(
      ollama::generate,
      R"({"prompt":"a","options":{"mirostat":0,"tfs_z":1,"typical_p":1,"mirostat_tau":5}})"));
}

TEST_F(Ollama, OptionsThatNobodyKnowsAreTold) {
  EXPECT_THAT(
      test.plan(ollama::generate, R"({"prompt":"a","odd":1,"options":{"temprature":0,"top_k":3}})")
          .ignored,
      ElementsAre("odd", "options.temprature"));
}

TEST_F(Ollama, SaysWhatTheModelIs) {
  test.info.family = "llama";
  test.info.parameters = 135'000'000;
  const json::value shown =
      json::parse(test.plan(ollama::show, R"({"model":"tiny"})").render({}).body);
  EXPECT_EQ(shown.at("model_info").at("llama.context_length"), 48);
  EXPECT_EQ(shown.at("capabilities").at(0), "completion");
  const ListedModel models[] = {test.listed()};
  const json::value tags = json::parse(ollama::tags(models, 0).body);
  EXPECT_EQ(tags.at("models").at(0).at("name"), "tiny");
  EXPECT_EQ(tags.at("models").at(0).at("details").at("parameter_size"), "135M");
  EXPECT_EQ(tags.at("models").at(0).at("modified_at"), "1970-01-01T00:00:00Z");
  test.options.engine.model = "/srv/models/tiny";
  test.names = {"/srv/models/tiny"};
  const ListedModel folder[] = {test.listed()};
  EXPECT_EQ(json::parse(ollama::tags(folder, 0).body).at("models").at(0).at("name"), "org/tiny");
  EXPECT_EQ(ollama::refuse(Failure(Cause::kInvalid, "no"), 0).body, R"({"error":"no"})");
  EXPECT_THROW(test.plan(ollama::show, R"({"model":"other"})"), Failure);
}

TEST(OllamaEmbed, GivesAVectorPerText) {
  TestContext test;
  const CallPlan plan = test.plan(ollama::embed, R"({"input":["a","b"],"keep_alive":"5m"})");
  ASSERT_EQ(plan.requests.size(), 2u);
  EXPECT_EQ(plan.requests[0].prompt.truncation.to, -1);
  EXPECT_EQ(parameters<Embed>(plan.requests[0]).normalize, true);
  const json::value answer =
      json::parse(plan.render({vector_result({1, 0}), vector_result({0, 1})}).body);
  EXPECT_EQ(json::serialize(answer.at("embeddings")), "[[1E0,0E0],[0E0,1E0]]");
  EXPECT_EQ(answer.at("model"), "tiny");
  EXPECT_EQ(answer.at("prompt_eval_count"), 6);
  EXPECT_FALSE(test.plan(ollama::embed, R"({"input":"a","truncate":false})")
                   .requests[0]
                   .prompt.truncation.to);
  EXPECT_EQ(failure_of(test, ollama::embed, "{}").cause, Cause::kShape);
  EXPECT_EQ(failure_of(test, ollama::embed, R"({"input":[1]})").cause, Cause::kShape);
}

TEST(OllamaEmbed, HasAnOlderForm) {
  TestContext test;
  const CallPlan plan = test.plan(ollama::embeddings, R"({"prompt":"a"})");
  EXPECT_FALSE(parameters<Embed>(plan.requests.at(0)).normalize);
  EXPECT_EQ(plan.render({vector_result({0.5, 2})}).body, R"({"embedding":[0.5,2.0]})");
  EXPECT_EQ(failure_of(test, ollama::embeddings, "{}").cause, Cause::kShape);
}

TEST_F(Ollama, RefusesWhatWouldChangeNothing) {
  EXPECT_THAT(failure_of(test, ollama::generate, R"({"prompt":"a","top_logprobs":2})").message,
              HasSubstr("body.top_logprobs"));
  EXPECT_THAT(failure_of(test, ollama::generate, R"({"prompt":"a","temperature":0})").message,
              HasSubstr("body.temperature: this route has no such field"));
}

}  // namespace
}  // namespace vecton::server
