#include "server/responses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "server/test_generation.h"

namespace vecton::server {
namespace {

using testing::HasSubstr;

class Responses : public testing::Test {
 protected:
  Responses() {
    test.options.chat_template =
        "{% for m in messages %}{{ m.role }}:{{ m.content }}{{ m.tool_calls }};{% endfor %}"
        "{{ tools }}<think></think><tool_call>";
  }
  CallPlan plan(const std::string& fields) {
    return test.plan(openai::responses, "{" + fields + "}");
  }
  std::string prompt(const CallPlan& plan) {
    return std::get<std::string>(plan.requests.front().prompt.input);
  }
  std::string refused(const std::string& fields) {
    return failure_of(test, openai::responses, "{" + fields + "}").message;
  }
  GenerationContext test;
};

constexpr const char* kTools =
    R"(,"tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":true}])";

TEST_F(Responses, ItemsBecomeMessages) {
  EXPECT_THAT(prompt(plan(R"("input":"Hi","instructions":"S")")), HasSubstr("system:S;user:Hi;"));
  const std::string text =
      prompt(plan(R"("input":[{"role":"user","content":[{"type":"input_text","text":"Q"}]},)"
                  R"({"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}"},)"
                  R"({"type":"function_call_output","call_id":"c","output":"42"}])"));
  EXPECT_THAT(text, HasSubstr("user:Q;assistant:"));
  EXPECT_THAT(text, HasSubstr("'arguments': {'a': 1}"));
  EXPECT_THAT(text, HasSubstr("tool:42;"));
}

// Each to the answer that it was of.
TEST_F(Responses, ThinkingBelongsToItsAnswer) {
  test.options.chat_template =
      "{% for m in messages %}{{ m.role }}:{{ m.reasoning }}/{{ m.content }}/"
      "{{ m.tool_calls | length }};{% endfor %}";
  const auto thought = [](const std::string& text) {
    return R"({"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text",)"
           R"("text":")" +
           text + "\"}]}";
  };
  const std::string call = R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}"})",
                    result = R"({"type":"function_call_output","call_id":"c","output":"42"})",
                    said = R"({"role":"assistant","content":"A"})",
                    asked = R"({"role":"user","content":"Q"})";
  const auto rendered = [&](const std::string& items) {
    return prompt(plan(R"("input":[)" + items + "]"));
  };
  EXPECT_EQ(rendered(thought("R") + "," + said + "," + thought("S") + "," + call + "," + result +
                     "," + said),
            "assistant:R\nS/A/1;tool:/42/0;assistant:/A/0;");
  EXPECT_EQ(rendered(asked + "," + thought("R") + "," + asked + "," + said),
            "user:/Q/0;assistant:R//0;user:/Q/0;assistant:/A/0;");
}

TEST_F(Responses, MembersThatNobodyKnowsAreTold) {
  EXPECT_THAT(plan(R"("input":"Hi","reasoning":{"effrt":"low"},"text":{"verbose":1,"format":)"
                   R"({"type":"json_object","schem":{}}})")
                  .ignored,
              testing::ElementsAre("text.verbose", "text.format.schem", "reasoning.effrt"));
  EXPECT_THAT(plan(R"("input":"Hi","text":{"format":{"type":"json_schema","name":"a",)"
                   R"("description":"b","strict":true,"schema":{}}})")
                  .ignored,
              testing::IsEmpty());
}

TEST_F(Responses, ImagesAreOfTheirMessage) {
  const std::string input =
      R"("input":[{"role":"user","content":[{"type":"input_image","detail":"auto",)"
      R"("image_url":"data:image/png;base64,AAAA"},{"type":"input_text","text":"Q"}]}])";
  EXPECT_THAT(refused(input), HasSubstr("\"input_image\" are not supported"));
  test.info.images = true;
  test.info.image_placeholder = "<image>";
  EXPECT_THAT(refused(input), HasSubstr("the chat template reads no images here"));
  test.options.chat_template =
      "{% for m in messages %}{% for part in m.content %}{{ part.text }}{% endfor %}{% endfor %}";
  EXPECT_THAT(refused(input), HasSubstr("the chat template writes nothing for images (<image>)"));
  test.options.chat_template =
      "{% for m in messages %}{% for part in m.content %}{{ part.text or '<image>' }}{% endfor %}"
      "{% endfor %}";
  const CallPlan planned = plan(input);
  EXPECT_EQ(prompt(planned), "<image>Q");
  EXPECT_EQ(planned.requests.front().prompt.images.front().source, "data:image/png;base64,AAAA");
  EXPECT_THAT(
      refused(R"("input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}])"),
      HasSubstr("expected {\"type\": \"image_url\""));
}

TEST_F(Responses, Refuses) {
  EXPECT_THAT(refused(R"("input":"a","previous_response_id":"r")"), HasSubstr("not stored"));
  EXPECT_THAT(refused(R"("input":"a","background":true)"), HasSubstr("background"));
  EXPECT_THAT(refused(R"("input":"a","tools":[{"type":"web_search"}])"), HasSubstr("'function'"));
  EXPECT_THAT(refused(R"("input":[{"type":"item_reference"}])"), HasSubstr("item_reference"));
  EXPECT_THAT(refused(""), HasSubstr("body.input"));
  for (const char* input : {"[]", R"([{"type":"reasoning"}])"})
    EXPECT_THAT(refused(std::string(R"("input":)") + input), HasSubstr("expected a message"));
  EXPECT_THAT(refused(R"("input":[{"type":5,"role":"user","content":"a"}])"),
              HasSubstr("input[0].type"));
  EXPECT_THAT(refused(R"("input":"a","text":{"format":{"type":"text","schema":{}}})"),
              HasSubstr("text.format.schema: is for"));
  EXPECT_THAT(refused(R"("input":"a","top_p":0)"), HasSubstr("body.top_p"));
}

TEST_F(Responses, AnswersWithItems) {
  const json::value body = test.whole(plan(std::string(R"("input":"Hi")") + kTools),
                                      {"<think>R</think>A<tool_call>{\"name\":\"f\"}"});
  const json::array& output = body.at("output").get_array();
  ASSERT_EQ(output.size(), 3u);
  EXPECT_EQ(output[0].at("content").at(0).at("text"), "R");
  EXPECT_EQ(output[1].at("content").at(0).at("text"), "A");
  EXPECT_EQ(output[2].at("arguments"), "{}");
  EXPECT_EQ(body.at("status"), "completed");
  EXPECT_EQ(body.at("usage").at("output_tokens"), 1);
  EXPECT_EQ(body.at("tools").at(0).at("name"), "f");
  EXPECT_EQ(test.whole(plan(R"("input":"Hi")"), {"a"}, FinishReason::kLength)
                .at("incomplete_details")
                .at("reason"),
            "max_output_tokens");
}

TEST_F(Responses, LogprobsWhereTheyAreAskedFor) {
  const std::string asks = R"("input":"Hi","top_logprobs":1)";
  EXPECT_EQ(parameters<Generate>(plan(asks).requests.front()).logprobs, 1);
  EXPECT_EQ(parameters<Generate>(
                plan(R"("input":"Hi","include":["message.output_text.logprobs"])").requests.front())
                .logprobs,
            0);
  EXPECT_FALSE(
      parameters<Generate>(plan(R"("input":"Hi","include":["other"])").requests.front()).logprobs);
  const json::value body = test.whole(plan(asks), {"a", "b"});
  const json::array& logprobs =
      body.at("output").at(0).at("content").at(0).at("logprobs").get_array();
  ASSERT_EQ(logprobs.size(), 2u);
  EXPECT_EQ(logprobs[1].at("token"), "b");
  EXPECT_EQ(logprobs[1].at("top_logprobs").at(0).at("token"), "x");
  const auto events = test.events(test.sent(plan(asks + R"(,"stream":true)"), {"a", "b"}));
  EXPECT_EQ(events.back().at("response").at("output").at(0).at("content").at(0).at("logprobs"),
            json::value(logprobs));
  int deltas = 0;
  for (const json::value& event : events) {
    if (event.at("type") == "response.output_text.delta") {
      EXPECT_EQ(event.at("logprobs"), json::value(json::array{logprobs[deltas++]}));
    }
  }
  EXPECT_EQ(deltas, 2);
}

// Of text that is held back, and of a last token that has none, too.
TEST_F(Responses, DeltasHaveTheLogprobsOfAllTokens) {
  const std::vector<std::string> pieces = {"a", "", "b", "<tool", "_box>", ""};
  const CallPlan planned =
      plan(R"("input":"Hi","top_logprobs":1,"stream":true)" + std::string(kTools));
  std::vector<std::string> tokens;
  json::value done;
  for (const json::value& event : test.events(test.sent(planned, pieces))) {
    if (event.at("type") == "response.output_text.done") done = event.at("logprobs");
    if (event.at("type") != "response.output_text.delta") continue;
    for (const json::value& token : event.at("logprobs").get_array())
      tokens.emplace_back(token.at("token").get_string());
  }
  EXPECT_EQ(tokens, pieces);
  EXPECT_EQ(done.get_array().size(), pieces.size());
}

TEST_F(Responses, TellsTheTemperatureThatHolds) {
  test.context.generation_defaults.temperature = 0.25;
  test.context.generation_defaults.top_p = 0.5;
  const json::value defaults = test.whole(plan(R"("input":"Hi","top_p":null)"), {"a"});
  EXPECT_EQ(defaults.at("temperature"), 0.25);
  EXPECT_EQ(defaults.at("top_p"), 0.5);
  const json::value given =
      test.whole(plan(R"("input":"Hi","temperature":1.5,"top_p":0.75)"), {"a"});
  EXPECT_EQ(given.at("temperature"), 1.5);
  EXPECT_EQ(given.at("top_p"), 0.75);
}

TEST_F(Responses, TellsWhetherAnAnswerWasCut) {
  const std::string asks = R"("input":"Hi","stream":true)";
  const auto cut =
      test.events(test.sent(plan(asks), {"<think>one two", "</think>a"}, FinishReason::kLength));
  EXPECT_EQ(cut.back().at("type"), "response.incomplete");
  EXPECT_EQ(cut.back().at("response").at("status"), "incomplete");
  const json::value& usage = cut.back().at("response").at("usage");
  const auto tokens = test.tokenizer->encode("one two", {.add_special_tokens = false}).ids.size();
  EXPECT_EQ(usage.at("output_tokens_details").at("reasoning_tokens"), json::value(tokens));
}

TEST_F(Responses, TheItemThatWasCutIsIncomplete) {
  for (const char* said : {"<think>R</think>A", "<tool_call>{\"name\":\"f\",\"argu",
                           "A<tool_call>{\"name\":\"f\",\"arguments\":{\"a"}) {
    const json::value body =
        test.whole(plan(std::string(R"("input":"Hi")") + kTools), {said}, FinishReason::kLength);
    const json::array& output = body.at("output").get_array();
    for (const json::value& item : output) {
      const bool last = &item == &output.back();
      if (item.at("type") != "reasoning") {
        EXPECT_EQ(item.at("status"), last ? "incomplete" : "completed") << said;
      }
    }
  }
  const json::value thinking =
      test.whole(plan(R"("input":"Hi")"), {"<think>R"}, FinishReason::kLength);
  ASSERT_EQ(thinking.at("output").get_array().size(), 1u);
  EXPECT_EQ(thinking.at("output").at(0).at("type"), "reasoning");
}

// Text behind a call, and thinking behind text, are items of their own: at each output_index of a
// stream stands the item that was streamed there.
TEST_F(Responses, ItemsHaveTheOrderInWhichTheyAreSaid) {
  const std::vector<std::string> pieces = {
      "<think>R</think>A<tool_call>{\"name\":\"f\"}</tool_call>B",
      "C<tool_call>{\"name\":\"f\"}</tool_call>"};
  const std::string asks = std::string(R"("input":"Hi")") + kTools;
  const json::value body = test.whole(plan(asks), {pieces[0] + pieces[1]});
  std::vector<std::string> said;
  std::set<std::string> ids;
  for (const json::value& item : body.at("output").get_array()) {
    const json::value* content = item.get_object().if_contains("content");
    said.emplace_back(content ? content->at(0).at("text").get_string()
                              : item.at("name").get_string());
    ids.emplace(item.at("id").get_string());
  }
  EXPECT_THAT(said, testing::ElementsAre("R", "A", "f", "BC", "f"));
  EXPECT_EQ(ids.size(), said.size());
  std::vector<json::value> done;
  const auto events = test.events(test.sent(plan(asks + R"(,"stream":true)"), pieces));
  for (const json::value& event : events) {
    if (event.at("type") != "response.output_item.done") continue;
    EXPECT_EQ(event.at("output_index"), json::value(done.size()));
    done.push_back(event.at("item"));
  }
  EXPECT_EQ(json::value(json::array(done.begin(), done.end())), body.at("output"));
  EXPECT_EQ(events.back().at("response").at("output"), body.at("output"));
}

TEST_F(Responses, StreamsEventsInOrder) {
  const std::string text =
      test.sent(plan(std::string(R"("input":"Hi","stream":true)") + kTools),
                {"<think>R</think>", "A", "B<tool_call>{\"name\":\"f\",\"arguments\":", "{}}"});
  std::string types, words;
  int64_t number = 0, added = 0, done = 0;
  const auto events = test.events(text);
  for (const json::value& event : events) {
    EXPECT_EQ(event.at("sequence_number"), number++);
    const std::string type(event.at("type").get_string());
    if (type == "response.output_text.delta") words += event.at("delta").get_string();
    added += type == "response.output_item.added";
    done += type == "response.output_item.done";
  }
  EXPECT_EQ(words, "AB");
  EXPECT_EQ(added, 3);
  EXPECT_EQ(done, 3);
  EXPECT_EQ(events.front().at("type"), "response.created");
  EXPECT_EQ(events.back().at("type"), "response.completed");
  EXPECT_EQ(events.back().at("response").at("output").get_array().size(), 3u);
}

}  // namespace
}  // namespace vecton::server
