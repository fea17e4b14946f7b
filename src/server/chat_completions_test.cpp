#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/openai.h"
#include "server/test_generation.h"

namespace vecton::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPlain =
    R"("chat_template":"{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}")";
// A template of Qwen3's kind.
constexpr const char* kThinks =
    R"("chat_template":"{% for m in messages %}{{ m.content }}{% endfor %}{{ tools }}<tool_call>)"
    R"({{ '<think>\n\n</think>\n\n' if enable_thinking is defined and not enable_thinking }}")";
constexpr const char* kTools =
    R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}])";

class ChatCompletions : public testing::Test {
 protected:
  CallPlan plan(const std::string& fields, const char* chat_template = kPlain) {
    return test.plan(openai::chat_completions,
                     R"({"messages":[{"role":"user","content":"Hi"}],)" +
                         std::string(chat_template) + fields + "}",
                     "/v1/chat/completions");
  }
  const Generate& generate(const CallPlan& plan) {
    return parameters<Generate>(plan.requests.front());
  }
  std::string prompt(const CallPlan& plan) {
    return std::get<std::string>(plan.requests.front().prompt.input);
  }
  std::string refused(const std::string& fields, const char* chat_template = kPlain) {
    return failure_of(test, openai::chat_completions,
                      R"({"messages":[{"role":"user","content":"Hi"}],)" +
                          std::string(chat_template) + fields + "}")
        .message;
  }

  GenerationContext test;
};

TEST_F(ChatCompletions, OfBestOfTheLikeliestAreAnswered) {
  const CallPlan planned = plan(R"(,"best_of":2)");
  EXPECT_EQ(generate(planned).n, 2);
  std::vector<Result> results = test.results({"worse"}, FinishReason::kStop, {});
  auto& completions = results.front().get<Generation>().completions;
  completions.front().cumulative_logprob = -4;
  completions.push_back({.index = 1, .text = "best", .token_ids = {1}, .cumulative_logprob = -1});
  const json::value body = json::parse(planned.render(results).body);
  ASSERT_EQ(body.at("choices").get_array().size(), 1u);
  EXPECT_EQ(body.at("choices").at(0).at("message").at("content"), "best");
  EXPECT_THAT(refused(R"(,"best_of":2,"stream":true)"), HasSubstr("body.best_of"));
}

TEST_F(ChatCompletions, AsksForWhatTheBodySays) {
  const CallPlan planned = plan(
      R"(,"max_tokens":5,"max_completion_tokens":7,"temperature":0.001,"top_k":3,"n":2,"seed":-1,)"
      R"("stop":"x","logit_bias":{"5":200},"logprobs":true,"top_logprobs":2,"unknown":1)");
  const Generate& asked = generate(planned);
  EXPECT_EQ(asked.max_tokens, 7);
  EXPECT_EQ(asked.temperature, 0.01);
  EXPECT_EQ(asked.top_k, 3);
  EXPECT_EQ(asked.n, 2);
  EXPECT_EQ(asked.seed, std::nullopt);
  EXPECT_THAT(asked.stop, ElementsAre("x"));
  EXPECT_THAT(asked.logit_bias, ElementsAre(std::pair(5, 100.0F)));
  EXPECT_EQ(asked.logprobs, 2);
  EXPECT_EQ(prompt(planned), "user:Hi;");
  EXPECT_EQ(planned.requests.front().prompt.add_special_tokens, false);
  EXPECT_THAT(planned.ignored, ElementsAre("unknown"));
  EXPECT_EQ(generate(plan("")).max_tokens, std::nullopt);
}

TEST_F(ChatCompletions, StructuralTagsAreGrammars) {
  const std::string tag = R"({"type":"structural_tag","format":{"type":"any_text"}})";
  const std::string text = json::serialize(json::value(tag));
  for (const std::string& fields :
       {R"(,"response_format":)" + tag, R"(,"structured_outputs":{"structural_tag":)" + tag + "}",
        R"(,"structured_outputs":{"structural_tag":)" + text + "}"}) {
    const CallPlan planned = plan(fields);
    const StructuredOutput& asked = generate(planned).structured_output.value();
    EXPECT_EQ(std::get<Grammar>(asked.kind).grammar, tag) << fields;
  }
}

TEST_F(ChatCompletions, RefusesByName) {
  EXPECT_THAT(refused(R"(,"guided_json":{})"), HasSubstr("structured_outputs"));
  EXPECT_THAT(refused(R"(,"temperature":3)"),
              HasSubstr("body.temperature: expected a number from 0 to 2"));
  EXPECT_THAT(refused(R"(,"temperature":"hot")"), HasSubstr("body.temperature"));
  EXPECT_THAT(refused(R"(,"top_logprobs":2)"), HasSubstr("`logprobs`"));
  EXPECT_THAT(refused(R"(,"stream_options":{})"), HasSubstr("stream=True"));
  EXPECT_THAT(refused(R"(,"tools":[])"), HasSubstr("body.tools"));
  EXPECT_THAT(refused(R"(,"tool_choice":"auto")"), HasSubstr("`tools` must be set"));
  EXPECT_THAT(refused(std::string(",") + kTools + R"(,"tool_choice":{"function":{"name":"g"}})"),
              HasSubstr("\"g\" is not in tools"));
  for (const char* tool :
       {R"({"type":"web","function":{"name":"f"}})", R"({"function":{"name":"f","description":1}})",
        R"({"function":{"name":"f","parameters":[]}})"})
    EXPECT_THAT(refused(std::string(R"(,"tools":[)") + tool + "]"), HasSubstr("tools[0]")) << tool;
  EXPECT_THAT(refused(std::string(",") + kTools +
                      R"(,"tool_choice":{"type":"web","function":{"name":"f"}})"),
              HasSubstr("tool_choice: expected"));
  EXPECT_THAT(refused(R"(,"documents":["a"])"), HasSubstr("list of objects"));
  EXPECT_THAT(refused(R"(,"response_format":{"type":"text","schema":{}})"),
              HasSubstr("response_format.schema: is for"));
  EXPECT_THAT(refused(R"(,"response_format":{"type":"json_object","json_schema":{}})"),
              HasSubstr("response_format.json_schema: is for"));
  EXPECT_THAT(refused(R"(,"n":0)"), HasSubstr("body.n"));
  EXPECT_THAT(refused(R"(,"response_format":{"type":"xml"})"), HasSubstr("json_schema"));
  for (const char* tag : {"3", R"("")", R"("root ::= 1")", "[]"})
    EXPECT_THAT(refused(R"(,"structured_outputs":{"structural_tag":)" + std::string(tag) + "}"),
                HasSubstr("structural_tag: "))
        << tag;
  EXPECT_THAT(refused(R"(,"structured_outputs":{"regex":"a","json":{}})"),
              HasSubstr("exactly one"));
  EXPECT_THAT(refused(R"(,"continue_final_message":true,"add_generation_prompt":true)"),
              HasSubstr("Cannot set both"));
  EXPECT_THAT(refused(R"(,"use_beam_search":true)"), HasSubstr("beam search"));
  EXPECT_THAT(
      failure_of(test, openai::chat_completions, R"({"messages":[{"role":"user","content":"Hi"}]})")
          .message,
      HasSubstr("no chat template"));
  test.serve({Task::kEmbed});
  EXPECT_THAT(refused(""), HasSubstr("does not support the Chat Completions API"));
}

TEST_F(ChatCompletions, AnswersInOpenAisShape) {
  const json::value body = test.whole(plan(R"(,"logprobs":true,"top_logprobs":1)"), {"Hel", "lo"},
                                      FinishReason::kStop, 5);
  const json::value& choice = body.at("choices").at(0);
  EXPECT_EQ(body.at("object"), "chat.completion");
  EXPECT_EQ(body.at("id"), "chatcmpl-abc");
  EXPECT_EQ(choice.at("message").at("content"), "Hello");
  EXPECT_EQ(choice.at("finish_reason"), "stop");
  EXPECT_EQ(choice.at("stop_reason"), 5);
  EXPECT_EQ(choice.at("logprobs").at("content").at(0).at("top_logprobs").at(0).at("token"), "x");
  EXPECT_EQ(json::serialize(body.at("usage")),
            R"({"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,)"
            R"("prompt_tokens_details":{"cached_tokens":2},)"
            R"("completion_tokens_details":{"reasoning_tokens":0}})");
}

TEST_F(ChatCompletions, EchoesWhatTheAssistantSaidLast) {
  test.options.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}";
  const auto echoed = [&](const std::string& last) {
    const json::value body = test.whole(
        test.plan(openai::chat_completions,
                  R"({"echo":true,"continue_final_message":true,"add_generation_prompt":false,)"
                  R"("messages":[{"role":"user","content":"Hi"},)" +
                      last + "]}"),
        {"!"});
    return body.at("choices").at(0).at("message").at("content");
  };
  EXPECT_EQ(echoed(R"({"role":"assistant","content":"Hello"})"), "Hello!");
  EXPECT_EQ(echoed(R"({"role":"assistant","content":[{"type":"text","text":"Hel"},)"
                   R"({"type":"output_text","text":"lo"}]})"),
            "Hel\nlo!");
  EXPECT_EQ(echoed(R"({"role":"user","content":"Hello"})"), "!");
}

TEST_F(ChatCompletions, TellsThinkingAndCallsFromContent) {
  const std::vector<std::string> pieces = {"<think>\nR</thi",
                                           "nk>\n\nA\n<tool_call>{\"name\": \"f\",",
                                           " \"arguments\": {\"a\"", ": 1}}</tool_call>"};
  const CallPlan planned = plan(std::string(",") + kTools, kThinks);
  EXPECT_THAT(prompt(planned), HasSubstr("{'type': 'function'"));
  const json::value body = test.whole(planned, pieces);
  const json::value& choice = body.at("choices").at(0);
  const json::value& message = choice.at("message");
  EXPECT_EQ(message.at("content"), "A");
  EXPECT_EQ(message.at("reasoning"), "R");
  EXPECT_EQ(message.at("reasoning_content"), "R");
  EXPECT_EQ(choice.at("finish_reason"), "tool_calls");
  EXPECT_EQ(json::serialize(message.at("tool_calls").at(0).at("function")),
            R"({"name":"f","arguments":"{\"a\": 1}"})");

  std::string content, reasoning, arguments, name, id, finish;
  int names = 0;
  const auto events =
      test.events(test.sent(plan(std::string(",\"stream\":true,") + kTools, kThinks), pieces));
  EXPECT_EQ(json::serialize(events.at(0).at("choices").at(0).at("delta")),
            R"({"role":"assistant","content":""})");
  for (const json::value& event : events) {
    const json::object& delta = event.at("choices").at(0).at("delta").get_object();
    if (const json::value* text = delta.if_contains("content")) content += text->get_string();
    if (const json::value* text = delta.if_contains("reasoning")) reasoning += text->get_string();
    if (const json::value* calls = delta.if_contains("tool_calls")) {
      for (const json::value& call : calls->get_array()) {
        const json::object& function = call.at("function").get_object();
        names += function.contains("name");
        EXPECT_EQ(function.contains("name"), call.get_object().contains("id"));
        arguments += function.at("arguments").get_string();
      }
    }
    const json::value& reason = event.at("choices").at(0).at("finish_reason");
    if (reason.is_string()) finish = reason.get_string();
  }
  EXPECT_EQ(content, "A");
  EXPECT_EQ(reasoning, "R");
  EXPECT_EQ(arguments, "{\"a\": 1}");
  EXPECT_EQ(names, 1);
  EXPECT_EQ(finish, "tool_calls");
}

TEST_F(ChatCompletions, StreamsUsageAndErrorsBeforeTheEnd) {
  const std::string text = test.sent(
      plan(R"(,"stream":true,"stream_options":{"include_usage":true},"return_token_ids":true)"),
      {"a", "b"});
  EXPECT_TRUE(text.ends_with("data: [DONE]\n\n"));
  const auto events = test.events(text);
  EXPECT_EQ(json::serialize(events.front().at("prompt_token_ids")), "[7,8,9]");
  EXPECT_EQ(json::serialize(events.at(1).at("choices").at(0).at("token_ids")), "[0]");
  EXPECT_EQ(events.back().at("choices").get_array().size(), 0u);
  EXPECT_EQ(events.back().at("usage").at("completion_tokens"), 2);
  const std::string error =
      plan(R"(,"stream":true)").stream->fail(Failure(Cause::kInternal, "broken"));
  EXPECT_THAT(error, HasSubstr("\"message\":\"broken\""));
  EXPECT_TRUE(error.ends_with("data: [DONE]\n\n"));
}

TEST_F(ChatCompletions, ForcedCallsAreAStructure) {
  const std::string tools = std::string(",") + kTools;
  const CallPlan named =
      plan(tools + R"(,"tool_choice":{"type":"function","function":{"name":"f"}})", kThinks);
  const json::value body = test.whole(
      named, {"<think>x</think>\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\":", "1}}",
              "\n</tool_call>"});
  EXPECT_EQ(body.at("choices").at(0).at("finish_reason"), "stop");
  EXPECT_EQ(body.at("choices").at(0).at("message").at("content"), "");
  EXPECT_EQ(
      body.at("choices").at(0).at("message").at("tool_calls").at(0).at("function").at("arguments"),
      "{\"a\":1}");
  const CallPlan required = plan(tools + R"(,"tool_choice":"required","parallel_tool_calls":false)",
                                 R"("chat_template":"{{ tools }}<function=<parameter=</think>")");
  const json::value schema =
      json::parse(std::get<JsonSchema>(generate(required).structured_output->kind).schema);
  EXPECT_EQ(schema.at("maxItems"), 1);
  EXPECT_EQ(test.whole(required, {R"(</think>[{"name":"f","parameters":{}}])"})
                .at("choices")
                .at(0)
                .at("message")
                .at("tool_calls")
                .get_array()
                .size(),
            1u);
  EXPECT_EQ(generate(plan(tools + R"(,"tool_choice":"none")", kThinks)).structured_output,
            std::nullopt);
}

TEST_F(ChatCompletions, ForcedCallsAreInTheModelsOwnWords) {
  const auto grammar = [&](const std::string& choice, const char* chat_template) {
    return std::get<Grammar>(generate(plan("," + std::string(kTools) + ",\"tool_choice\":" + choice,
                                           chat_template))
                                 .structured_output->kind)
        .grammar;
  };
  const std::string named = R"({"type":"function","function":{"name":"f"}})";
  EXPECT_EQ(grammar(named, kThinks),
            "start: /\\n{0,2}/ call\n"
            "call: \"<tool_call>\\n{\\\"name\\\": \\\"f\\\", \\\"arguments\\\": \" arguments0 "
            "\"}\\n</tool_call>\"\n"
            "arguments0: %json {\"type\":\"object\"}\n");
  EXPECT_THAT(grammar("\"required\"", kThinks), HasSubstr(" call ( \"\\n\" call)*\n"));
  const char* const harmony =
      R"("chat_template":"{{ tools }}<|channel|><|message|><|start|>assistant")";
  const std::string rules = grammar(named, harmony);
  EXPECT_THAT(rules, HasSubstr("start: ( \"<|channel|>analysis<|message|>\" /(.|\\n)*/"));
  EXPECT_THAT(rules, HasSubstr("commentary to=functions.f <|constrain|>json<|message|>"));
  const json::value body =
      test.whole(plan("," + std::string(kTools) + ",\"tool_choice\":" + named, harmony),
                 {"<|channel|>analysis<|message|>so<|end|><|start|>assistant",
                  "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"a\":1}"});
  const json::value& message = body.at("choices").at(0).at("message");
  EXPECT_EQ(message.at("reasoning"), "so");
  EXPECT_EQ(message.at("tool_calls").at(0).at("function").at("arguments"), "{\"a\":1}");
  // Where arguments are no JSON it is a list of calls that is.
  const char* const xml = R"("chat_template":"{{ tools }}<function=<parameter=")";
  EXPECT_TRUE(std::holds_alternative<JsonSchema>(
      generate(plan("," + std::string(kTools) + R"(,"tool_choice":"required")", xml))
          .structured_output->kind));
}

TEST_F(ChatCompletions, ToolsNeedATemplateThatShowsThem) {
  EXPECT_THAT(refused("," + std::string(kTools)), HasSubstr("does not support tools"));
  EXPECT_NO_THROW(plan("," + std::string(kTools) + R"(,"tool_choice":"required")"));
  EXPECT_NO_THROW(plan("," + std::string(kTools) + R"(,"tool_choice":"none")"));
}

TEST_F(ChatCompletions, EffortsAreThoseThatAModelKnows) {
  const auto effort = [&](const std::string& word, const std::string& more) {
    return prompt(plan(R"(,"reasoning_effort":")" + word + "\"",
                       (R"("chat_template":"{{ reasoning_effort }})" + more + "\"").c_str()));
  };
  EXPECT_EQ(effort("minimal", ""), "minimal");
  EXPECT_EQ(effort("minimal", "<|channel|><|message|>"), "low<|channel|><|message|>");
  EXPECT_EQ(effort("xhigh", "<|channel|><|message|>"), "high<|channel|><|message|>");
  EXPECT_EQ(effort("medium", "<|channel|><|message|>"), "medium<|channel|><|message|>");
}

TEST_F(ChatCompletions, CountsTokensOfThinking) {
  const std::vector<std::string> pieces = {"<think>", "one two three", "</think>", "four"};
  const auto count = [](const json::value& body) {
    return body.at("usage").at("completion_tokens_details").at("reasoning_tokens").get_int64();
  };
  const auto tokens = static_cast<int64_t>(
      test.tokenizer->encode(pieces[1], {.add_special_tokens = false}).ids.size());
  EXPECT_GT(tokens, 1);
  EXPECT_EQ(count(test.whole(plan("", kThinks), pieces)), tokens);
  const auto events = test.events(test.sent(
      plan(
          R"(,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true})",
          kThinks),
      pieces));
  EXPECT_EQ(count(events.back()), tokens);
  EXPECT_EQ(count(events.at(1)), 1);  // so far, and of the token that brought it
}

TEST_F(ChatCompletions, TokenizeSeesTheSameMessages) {
  const std::string body =
      R"({"messages":[{"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f",)"
      R"("arguments":"{\"a\":1}"}}]},{"role":"user","content":[{"type":"text","text":"Hi"}]}],)" +
      std::string(kTools) +
      R"(,"chat_template":"{{ tools }}{% for m in messages %}{{ m.content }}{{ m.tool_calls }}{% endfor %}"})";
  const CallPlan asked = test.plan(openai::chat_completions, body, "/v1/chat/completions");
  const CallPlan counted = test.plan(openai::tokenize, body, "/tokenize");
  const auto ids = test.tokenizer->encode(prompt(asked), {.add_special_tokens = false}).ids;
  EXPECT_THAT(prompt(asked), HasSubstr("{'a': 1}"));
  EXPECT_EQ(json::parse(counted.render({}).body).at("count").get_int64(),
            static_cast<int64_t>(ids.size()));
}

TEST_F(ChatCompletions, StructureBeginsWhereThinkingEnds) {
  const std::string format = R"(,"response_format":{"type":"json_object"})";
  const StructuredOutput structure = *generate(plan(format, kThinks)).structured_output;
  EXPECT_FALSE(structure.begins_after.empty());
  EXPECT_FALSE(structure.thinking_begins.empty());  // nothing says that the model will think
  const std::string open = R"("chat_template":"</think><think>\n")";
  const StructuredOutput inside = *generate(plan(format, open.c_str())).structured_output;
  EXPECT_FALSE(inside.begins_after.empty());
  EXPECT_TRUE(inside.thinking_begins.empty());
  EXPECT_TRUE(generate(plan(format + R"(,"reasoning_effort":"none")", kThinks))
                  .structured_output->begins_after.empty());
  EXPECT_TRUE(generate(plan(format)).structured_output->begins_after.empty());
}

TEST_F(ChatCompletions, MessagesAreNormalised) {
  const auto rendered = [&](const std::string& messages) {
    return prompt(
        test.plan(openai::chat_completions, R"({"messages":)" + messages + "," + kPlain + "}"));
  };
  EXPECT_EQ(
      rendered(
          R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}])"),
      "user:a\nb;");
  EXPECT_EQ(rendered(R"([{"role":"developer","content":"d"},{"role":"assistant","content":null}])"),
            "system:d;assistant:;");
  EXPECT_EQ(rendered(R"([{"role":"system","content":"x-anthropic-billing-header: cch=1\nS"}])"),
            "system:S;");
  EXPECT_THAT(failure_of(test, openai::chat_completions,
                         R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}],)" +
                             std::string(kPlain) + "}")
                  .message,
              HasSubstr("messages[0].content"));
}

// Mistral's templates raise an error for ids of other servers.
TEST_F(ChatCompletions, IdsOfCallsAreThoseThatATemplateTakes) {
  const std::string messages =
      R"([{"role":"user","content":"Hi"},{"role":"assistant","content":null,"tool_calls":[)"
      R"({"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}},)"
      R"({"id":"abcdefghi","type":"function","function":{"name":"f","arguments":"{}"}}]},)"
      R"({"role":"tool","tool_call_id":"call_1","content":"2"}])";
  const auto ids = [&](const char* sign) {
    return prompt(test.plan(
        openai::chat_completions,
        R"({"messages":)" + messages +
            R"(,"chat_template":"{% for m in messages %}{{ m.tool_call_id }};{% for c in )"
            R"(m.tool_calls %}{{ c.id }},{% endfor %}{% endfor %})" +
            sign + "\"}"));
  };
  EXPECT_EQ(ids("<tool_call>"), ";;call_1,abcdefghi,call_1;<tool_call>");
  const std::string mistral = ids("[TOOL_CALLS]");
  const std::string made = mistral.substr(2, 9);
  EXPECT_EQ(mistral, ";;" + made + ",abcdefghi," + made + ";[TOOL_CALLS]");
  EXPECT_NE(made, "call_1,ab");
}

// GPT-OSS' template writes a description of each tool, which OpenAI's clients need not give.
TEST_F(ChatCompletions, ToolsNeedNoDescription) {
  for (const char* about : {"", R"(,"description":null)"}) {
    const std::string tools =
        R"(,"tools":[{"type":"function","function":{"name":"f")" + std::string(about) + "}}]";
    EXPECT_EQ(prompt(plan(tools, R"("chat_template":"{{ '//' + tools[0].function.description }})"
                                 R"(<|channel|><|message|>")")),
              "//<|channel|><|message|>");
  }
}

}  // namespace
}  // namespace vecton::server
