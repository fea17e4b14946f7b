#include "server/anthropic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/test_generation.h"

namespace vecton::server {
namespace {

using testing::HasSubstr;

class Anthropic : public testing::Test {
 protected:
  Anthropic() {
    test.options.chat_template = "";
    options_template =
        R"({% for m in messages %}{{ m.role }}:{{ m.content }}{{ m.tool_calls }};{% endfor %}{{ tools }}<tool_call>)";
    test.options.chat_template = options_template;
  }
  CallPlan plan(const std::string& fields) {
    return test.plan(anthropic::messages, R"({"max_tokens":9)" + fields + "}", "/v1/messages");
  }
  std::string prompt(const CallPlan& plan) {
    return std::get<std::string>(plan.requests.front().prompt.input);
  }
  std::string refused(const std::string& body) {
    return failure_of(test, anthropic::messages, body).message;
  }

  std::string options_template;
  GenerationContext test;
};

constexpr const char* kHi = R"(,"messages":[{"role":"user","content":"Hi"}])";
constexpr const char* kTools = R"(,"tools":[{"name":"f","input_schema":{"type":"object"}}])";

TEST_F(Anthropic, MembersThatNobodyKnowsAreTold) {
  const CallPlan planned =
      plan(std::string(kHi) + kTools +
           R"(,"tool_choice":{"type":"auto","parallel":false},"thinking":{"type":"enabled",)"
           R"("budget":9},"output_config":{"efort":"low","format":{"type":"json_schema",)"
           R"("schema":{},"odd":1}})");
  EXPECT_THAT(planned.ignored,
              testing::ElementsAre("tool_choice.parallel", "thinking.budget", "output_config.efort",
                                   "output_config.format.odd"));
}

TEST_F(Anthropic, TurnsBecomeMessages) {
  const CallPlan planned = plan(
      R"(,"system":[{"type":"text","text":"S"}],"messages":[{"role":"assistant","content":[)"
      R"({"type":"thinking","thinking":"T","signature":""},{"type":"tool_use","id":"i","name":"f","input":{"a":1}}]},)"
      R"({"role":"user","content":[{"type":"text","text":"more"},{"type":"tool_result","tool_use_id":"i","content":"42"}]}])");
  EXPECT_THAT(prompt(planned), HasSubstr("system:S;assistant:"));
  EXPECT_THAT(prompt(planned), HasSubstr("'arguments': {'a': 1}"));
  EXPECT_THAT(prompt(planned), HasSubstr("tool:42;user:more;"));
  EXPECT_EQ(parameters<Generate>(planned.requests.front()).max_tokens, 9);
}

TEST_F(Anthropic, Refuses) {
  EXPECT_THAT(refused(R"({"messages":[]})"), HasSubstr("max_tokens"));
  EXPECT_THAT(
      refused(R"({"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image"}]}]})"),
      HasSubstr("messages.0.content.source: expected an object"));
  const auto image = [&](const std::string& source) {
    return refused(R"({"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image",)"
                   R"("source":)" +
                   source + "}]}]}");
  };
  EXPECT_THAT(image(R"({"type":"base64","media_type":"image/png","data":"AAAA"})"),
              HasSubstr("\"image\" are not supported: the loaded model takes text"));
  EXPECT_THAT(image(R"({"type":"file","file_id":"f"})"), HasSubstr("\"base64\" or \"url\""));
  EXPECT_THAT(image(R"({"type":"base64","data":"AAAA"})"), HasSubstr("media_type"));
  EXPECT_THAT(
      refused(
          R"({"max_tokens":1,"messages":[{"role":"user","content":"x"}],"tool_choice":{"type":"any"}})"),
      HasSubstr("tools"));
  EXPECT_THAT(
      refused(R"({"max_tokens":1,"messages":[{"role":"user","content":"x"},)"
              R"({"role":"robot","content":"y"}]})"),
      HasSubstr("messages.1.role: expected 'user', 'assistant' or 'system', found 'robot'"));
  const std::string hi = std::string(R"({"max_tokens":1)") + kHi;
  EXPECT_THAT(refused(hi + R"(,"thinking":{}})"), HasSubstr("thinking.type"));
  EXPECT_THAT(refused(hi + kTools + R"(,"tool_choice":{}})"), HasSubstr("tool_choice.type"));
  EXPECT_THAT(refused(hi + kTools + R"(,"tool_choice":{"type":"tool"}})"),
              HasSubstr("tool_choice.name"));
  EXPECT_THAT(refused(hi + R"(,"tools":[{"name":"f","description":1,"input_schema":{}}]})"),
              HasSubstr("tools[0].function.description"));
  EXPECT_THAT(refused(hi + R"(,"output_format":{"type":"json_schema"}})"),
              HasSubstr("output_format.schema: field required"));
  EXPECT_THAT(refused(hi + R"(,"output_format":{"type":"json_schema","schema":{}},)"
                           R"("output_config":{"format":{"type":"json_schema","schema":{}}}})"),
              HasSubstr("send one of them"));
  for (const char* field : {"\"seed\":1", "\"n\":2", "\"presence_penalty\":0.5",
                            "\"response_format\":{\"type\":\"json_object\"}", "\"guided_json\":{}"})
    EXPECT_THAT(refused(hi + "," + field + "}"), HasSubstr("this route has no such field"));
  EXPECT_THAT(refused(hi + R"(,"output_config":{"format":{"type":"text","schema":[1]}}})"),
              HasSubstr("output_config.format.schema: is for"));
  EXPECT_THAT(refused(hi + R"(,"top_p":0})"), HasSubstr("top_p"));
  const HttpResponse response = anthropic::refuse(Failure(Cause::kInvalid, "no"), 0);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body,
            R"({"type":"error","error":{"type":"invalid_request_error","message":"no"}})");
}

TEST_F(Anthropic, ImagesStandWhereTheyWere) {
  test.info.images = true;
  test.info.image_placeholder = "<image>";
  test.options.chat_template =
      "{% for m in messages %}{{ m.role }}:{% if m.content is string %}{{ m.content }}{% else %}"
      "{% for part in m.content %}{{ part.text or '<image>' }}{% endfor %}{% endif %};{% endfor %}";
  const CallPlan planned =
      plan(R"(,"messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"image",)"
           R"("source":{"type":"base64","media_type":"image/png","data":"AAAA"}},)"
           R"({"type":"text","text":"B"}]},{"role":"user","content":[{"type":"tool_result",)"
           R"("tool_use_id":"i","content":[{"type":"text","text":"42"},{"type":"image","source":)"
           R"({"type":"url","url":"https://a.example/b.png"}}]}]}])");
  EXPECT_EQ(prompt(planned), "user:A<image>B;tool:42;user:<image>;");
  const std::vector<Image>& images = planned.requests.front().prompt.images;
  ASSERT_EQ(images.size(), 2u);
  EXPECT_EQ(images[0].source, "data:;base64,AAAA");
  EXPECT_EQ(images[1].source, "https://a.example/b.png");
}

TEST_F(Anthropic, CountsTheTokensOfImagesAsTheModelReadsThem) {
  test.info.images = true;
  test.info.image_placeholder = "<image>";
  test.options.chat_template =
      "{% for m in messages %}{% for part in m.content %}<image>{% endfor %}{% endfor %}";
  const CallPlan planned = test.plan(
      anthropic::count_tokens, R"({"messages":[{"role":"user","content":[{"type":"image","source":)"
                               R"({"type":"base64","media_type":"image/png","data":"AAAA"}}]}]})");
  ASSERT_EQ(planned.requests.size(), 1u);
  EXPECT_EQ(parameters<Generate>(planned.requests.front()).max_tokens, 1);
  EXPECT_EQ(test.whole(planned, {"a"}).at("input_tokens"), 3);
}

TEST_F(Anthropic, AnswersWithBlocks) {
  const json::value body = test.whole(plan(std::string(kHi) + kTools),
                                      {"A <tool_call>{\"name\":\"f\",\"arguments\":{\"x\":1}}"});
  EXPECT_EQ(body.at("type"), "message");
  EXPECT_EQ(body.at("content").at(0).at("text"), "A");
  EXPECT_EQ(body.at("content").at(1).at("input").at("x"), 1);
  EXPECT_EQ(body.at("stop_reason"), "tool_use");
  EXPECT_EQ(body.at("usage").at("input_tokens"), 1);
  EXPECT_EQ(body.at("usage").at("cache_read_input_tokens"), 2);
  EXPECT_EQ(test.whole(plan(kHi), {"a"}, FinishReason::kLength).at("stop_reason"), "max_tokens");
  const json::value stopped = test.whole(plan(kHi), {"a"}, FinishReason::kStop, std::string("s"));
  EXPECT_EQ(stopped.at("stop_reason"), "stop_sequence");
  EXPECT_EQ(stopped.at("stop_sequence"), "s");
}

TEST_F(Anthropic, StreamsEvents) {
  const std::string text =
      test.sent(plan(std::string(kHi) + kTools + R"(,"stream":true)"),
                {"A", " <tool_call>{\"name\":\"f\",", "\"arguments\":{\"x\":", "1}}"});
  std::string types, json_text, words;
  for (const json::value& event : test.events(text)) {
    const std::string type(event.at("type").get_string());
    EXPECT_THAT(text, HasSubstr("event: " + type + "\n"));
    types += type + " ";
    if (type != "content_block_delta") continue;
    const json::object& delta = event.at("delta").get_object();
    if (const auto* part = delta.if_contains("partial_json")) json_text += part->get_string();
    if (const auto* part = delta.if_contains("text")) words += part->get_string();
  }
  EXPECT_TRUE(types.starts_with("message_start content_block_start content_block_delta "));
  EXPECT_TRUE(types.ends_with("content_block_stop message_delta message_stop "));
  EXPECT_EQ(words, "A");
  EXPECT_EQ(json_text, "{\"x\":1}");
  EXPECT_THAT(text, HasSubstr("\"stop_reason\":\"tool_use\""));
  EXPECT_EQ(text.find("[DONE]"), std::string::npos);
}

TEST_F(Anthropic, CountsTokens) {
  const CallPlan planned =
      test.plan(anthropic::count_tokens, R"({"messages":[{"role":"user","content":"Hi"}]})");
  EXPECT_GT(json::parse(planned.render({}).body).at("input_tokens").get_int64(), 0);
}

}  // namespace
}  // namespace vecton::server
