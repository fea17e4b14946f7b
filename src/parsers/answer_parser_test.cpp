#include "parsers/answer_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parsers/test_answer.h"
#include "vecton/error.h"

namespace vecton::parsers {
namespace {

using testing::Answer;
using ::testing::HasSubstr;
using testing::parse;

ParserOptions options(const std::string& calls, const std::string& reasoning = "",
                      std::string_view prompt = "") {
  return {.formats = {calls, reasoning},
          .calling = calls.empty() ? Calling::kNone : Calling::kAuto,
          .tools = testing::test_tools(),
          .prompt = std::string(prompt)};
}

struct Case {
  std::string calls, reasoning, text;
  Answer answer;
  std::string prompt = "";
};

// Every way of cutting the text in two, and into pieces of one size, gives the same.
void check(const Case& one) {
  SCOPED_TRACE(one.calls + " " + one.reasoning + " [" + one.text + "]");
  const ParserOptions given = options(one.calls, one.reasoning, one.prompt);
  EXPECT_EQ(parse(given, one.text), one.answer);
  for (const size_t size : {1, 2, 3, 7}) EXPECT_EQ(parse(given, one.text, size), one.answer);
  for (size_t cut = 1; cut < one.text.size(); ++cut) {
    AnswerParser parser(given);
    Answer answer;
    answer.add(parser.feed(std::string_view(one.text).substr(0, cut)));
    answer.add(parser.feed(std::string_view(one.text).substr(cut)));
    answer.add(parser.finish());
    ASSERT_EQ(answer, one.answer) << "cut at " << cut;
  }
}

TEST(AnswerParser, TextWithoutFormatsStaysAsItIs) {
  check({"", "", " \n<think>a</think> <tool_call>\n", {"", " \n<think>a</think> <tool_call>\n"}});
  check({"hermes", "qwen3", "\n Hello\n", {"", "\n Hello\n"}});
  check({"hermes", "qwen3", " \n", {"", " \n"}});
  check({"hermes", "qwen3", "", {"", ""}});
}

TEST(AnswerParser, Thinking) {
  check({"", "qwen3", "<think>\nR1\n\nR2\n</think>\n\nA1\n", {"R1\n\nR2", "A1\n"}});
  check({"", "qwen3", "<think>\n\n</think>\n\nA1", {"", "A1"}});
  check({"", "qwen3", "\n<think>R</think>A", {"R", "A"}});
  check({"", "qwen3", "R</think>  A", {"R", "  A"}, "<|im_start|>assistant\n<think>\n"});
  check({"", "qwen3", "R</th", {"R</th", ""}, "<think>"});
  check({"", "qwen3", "R\n</think>\n</think>\nA", {"R", "A"}, "<think>"});
  check({"", "qwen3", "Use <think> and </think>.", {"", "Use <think> and </think>."}});
  check({"", "qwen3", "A", {"", "A"}, "<think>\n\n</think>\n\n"});
  check(
      {"", "gemma4", "<|channel>thought\nR\n<channel|>A<|channel>thought\n<channel|>", {"R", "A"}});
  check({"", "mistral", "[THINK]R[/THINK]A", {"R", "A"}});
  check({"", "mistral", "A [THINK]R[/THINK]B", {"R", "A B"}});
  check({"",
         "cohere",
         "<|START_THINKING|>R<|END_THINKING|><|START_RESPONSE|>A<|END_RESPONSE|>",
         {"R", "A"}});
  check({"", "minicpm", "<|thought_start|>\nR\n<|thought_end|>\nA", {"R", "A"}});
  check({"", "granite", "Here is my thought process:\nR\n\nHere is my response:\nA", {"R", "A"}});
  check({"", "granite", "<think>R</think><response>A</response>", {"R", "A"}});
  check({"", "granite", "a </response> b", {"", "a </response> b"}});
}

TEST(AnswerParser, Hermes) {
  check(
      {"hermes",
       "",
       "Let me.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"x {\", \"n\": [1, {}]}}\n"
       "</tool_call>\n<tool_call>\n{\"name\":\"g\",\"arguments\":{}}\n</tool_call>\nDone.",
       {"", "Let me.\nDone.", {R"(f{"a": "x {", "n": [1, {}]})", "g{}"}}});
  check({"hermes",
         "qwen3",
         "<think>\nR\n</think>\n\n<tool_call>{\"name\":\"g\"}</tool_call>",
         {"R", "", {"g{}"}}});
  // Its end is missing, more than one in a block, the arguments first, or as text.
  check({"hermes",
         "",
         "<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":1}}",
         {"", "", {R"(f{"a":1})"}}});
  check({"hermes",
         "",
         "<tool_call>\n{\"name\":\"g\"}\n{\"name\":\"g\"}\n</tool_call>",
         {"", "", {"g{}", "g{}"}}});
  check({"hermes",
         "",
         "<tool_call>{\"arguments\": {\"a\": 1}, \"name\": \"f\"}</tool_call>",
         {"", "", {R"(f{"a": 1})"}}});
  check({"hermes",
         "",
         R"(<tool_call>{"name":"f","arguments":"{\"a\":1}"}</tool_call>)",
         {"", "", {R"(f{"a":1})"}}});
  check({"hermes",
         "",
         R"(<tool_call>[{"name":"f","arguments":null}, {"name":"g"}]</tool_call>)",
         {"", "", {"f{}", "g{}"}}});
  // Cut off.
  check({"hermes",
         "",
         "<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":\"x",
         {"", "", {R"(f{"a":"x)"}}});
  // The call ends thinking that was not closed.
  check({"hermes",
         "qwen3",
         "R\n<tool_call>\n{\"name\": \"g\"}\n</tool_call>",
         {"R", "", {"g{}"}},
         "<think>\n"});
}

TEST(AnswerParser, WhatIsNoCallIsContent) {
  for (const std::string text :
       {"<tool_call>", "<tool_call>\n", "<tool_call>nothing</tool_call> x",
        "<tool_call>{}</tool_call>", "<tool_call>{\"name\": 3}</tool_call>",
        "<tool_call>{\"name\": \"f\"", "a <tool_call>{\"x\": 1",
        "<tool_call>{\"arguments\": {}}</tool_call>", "</tool_call>", "a </tool_call> <tool_ca"}) {
    const bool call = text.find("\"f\"") != std::string::npos;
    if (!call) check({"hermes", "", text, {"", text}});
  }
  check({"hermes", "", "<tool_call>{<tool_call>{\"name\":\"g\"}", {"", "<tool_call>{", {"g{}"}}});
  for (const std::string text :
       {"{\"name\": \"Bob\", \"age\": 3}", "{\"name\": \"f\"}",
        "{\"name\": \"no\", \"parameters\": {}}", "{\"name\": \"f\", \"parameters\": 3}", "[1, 2]",
        "[]", "{", "[{\"name\": \"f\"}]"})
    check({"llama3_json", "", text, {"", text}});
  for (const std::string text :
       {"[link](url)", "[f", "[f(]", "[f(1, 2, 3, 4, 5, 6, 7)]", "[no(a=1)]", "[f(a=)]", "f(a=1)"})
    check({"pythonic", "", text, {"", text}});
  for (const std::string text :
       {"[TOOL_CALLS]", "[TOOL_CALLS]f", "[TOOL_CALLS]a b{}", "[ARGS]{}", "[TOOL_CALLS]f[X]{}"})
    check({"mistral", "", text, {"", text}});
  for (const std::string text :
       {"<tool_call>", "<tool_call><function>", "<tool_call>{\"name\":\"f\"}</tool_call>",
        "<function=\n", "<function=>", "<tool_call>\n<fun"})
    check({"qwen3_coder", "", text, {"", text}});
  for (const std::string text :
       {"<tool_call>", "<tool_call></tool_call>", "<tool_call>a b</tool_call>",
        "<tool_call>{\"name\":\"f\"}</tool_call>"})
    check({"glm45", "", text, {"", text}});
  for (const std::string text : {"<|tool_call>", "<|tool_call>f{}", "<|tool_call>call:{}",
                                 "<|tool_call>call:f{a}<tool_call|>",
                                 "<|tool_call>call:f{a:<|\"|>}<|\"|>", "<|tool_call>call\n:f{}"})
    check({"gemma4", "", text, {"", text}});
}

TEST(AnswerParser, LlamaJson) {
  check({"llama3_json",
         "",
         R"({"name": "f", "parameters": {"a": "x"}})",
         {"", "", {R"(f{"a": "x"})"}}});
  check({"llama3_json",
         "",
         R"(<|python_tag|>{"type":"function","function":"f","parameters":{}})",
         {"", "", {"f{}"}}});
  check({"llama3_json",
         "",
         R"({"name": "g", "parameters": {}}; {"name": "f", "arguments": {"n": 1}})",
         {"", "", {"g{}", R"(f{"n": 1})"}}});
  check({"llama3_json", "", R"( [{"parameters": {}, "name": "g"}])", {"", "", {"g{}"}}});
  check({"llama3_json",
         "",
         R"(So: {"name": "g", "parameters": {}})",
         {"", R"(So: {"name": "g", "parameters": {}})"}});
}

TEST(AnswerParser, Mistral) {
  check({"mistral",
         "",
         R"([TOOL_CALLS][{"name": "f", "arguments": {"a": "]"}, "id": "abcdefghi"}])",
         {"", "", {R"(f{"a": "]"})"}}});
  check({"mistral",
         "mistral",
         R"([THINK]R[/THINK]A[TOOL_CALLS]f[CALL_ID]abcdefghi[ARGS]{"n": 1}[TOOL_CALLS]g{})",
         {"R", "A", {R"(f{"n": 1})", "g{}"}}});
  check({"mistral", "mistral", "R[TOOL_CALLS]g[ARGS]{}", {"R", "", {"g{}"}}, "[THINK]"});
}

TEST(AnswerParser, DeepSeek) {
  check(
      {"deepseek_v3",
       "qwen3",
       "R</think>\n\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n"
       "{\"a\": \"```\"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>g\n"
       "```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
       {"R", "", {R"(f{"a": "```"})", "g{}"}},
       "<think>\n"});
  check({"deepseek_v31",
         "",
         "A<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"n\":1}<｜tool▁call▁end｜>"
         "<｜tool▁calls▁end｜>",
         {"", "A", {R"(f{"n":1})"}}});
  check({"kimi_k2",
         "",
         "<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>"
         "{\"n\":1}<|tool_call_end|><|tool_calls_section_end|>",
         {"", "", {R"(f{"n":1})"}}});
}

TEST(AnswerParser, ListsOfJson) {
  check({"cohere",
         "cohere",
         "<|START_THINKING|>R<|END_THINKING|><|START_ACTION|>[\n {\"tool_call_id\": \"0\", "
         "\"tool_name\": \"f\", \"parameters\": {\"n\": 1}}\n]<|END_ACTION|>",
         {"R", "", {R"(f{"n": 1})"}}});
  check({"granite",
         "",
         R"(<|tool_call|>[{"name": "f", "arguments": {"n": 1}}, {"name": "g"}])",
         {"", "", {R"(f{"n": 1})", "g{}"}}});
  check({"granite", "", "<|tool_call|>[]", {"", ""}});
  check({"phi4_mini_json",
         "",
         R"(functools[{"name": "f", "arguments": {"l": [1, "]"]}}])",
         {"", "", {R"(f{"l": [1, "]"]})"}}});
  check({"phi4_mini_json", "", R"(<|tool_call|>[{"name": "g"}]<|/tool_call|>)", {"", "", {"g{}"}}});
  check({"phi4_mini_json", "", "import functools[0]", {"", "import functools[0]"}});
}

TEST(AnswerParser, XmlParameters) {
  check({"qwen3_coder",
         "qwen3",
         "<think>\nR\n</think>\n\nA\n<tool_call>\n<function=f>\n<parameter=a>\n\nx "
         "\"1\"\n\n</parameter>\n"
         "<parameter=n>\n1\n</parameter>\n<parameter=o>\n{'k': True}\n</parameter>\n"
         "<parameter=x>\nNone\n</parameter>\n</function>\n</tool_call>",
         {"R", "A", {R"(f{"a": "\nx \"1\"\n", "n": 1, "o": {"k": true}, "x": null})"}}});
  check({"qwen3_coder",
         "",
         "<function=f>\n<parameter=a>\nx\n<parameter=b>\nTrue\n</function> B",
         {"", " B", {R"(f{"a": "x", "b": true})"}}});
  check({"qwen3_coder",
         "",
         "<tool_call><function=g></function></tool_call>\n<tool_call>\n<function=f>"
         "<parameter=z>[1]</parameter></function></tool_call>",
         {"", "", {"g{}", R"(f{"z": [1]})"}}});
  check({"qwen3_coder",
         "",
         "<tool_call>\n<function=f>\n<parameter=a>\nlong te",
         {"", "", {R"(f{"a": "long te)"}}});
  check({"qwen3_coder",
         "qwen3",
         "R\n<tool_call>\n<function=g>\n</function>\n</tool_call>",
         {"R", "", {"g{}"}},
         "<think>\n"});
  check({"minicpm5",
         "",
         "<function name=\"f\"><param name=\"a\"><![CDATA[a </param> <b>\n]]></param>"
         "<param name=\"n\">2</param></function>",
         {"", "", {R"(f{"a": "a </param> <b>\n", "n": 2})"}}});
}

TEST(AnswerParser, Glm) {
  check({"glm45",
         "qwen3",
         "<think>R</think>A\n<tool_call>f\n<arg_key>a</arg_key>\n<arg_value>12 <b></arg_value>\n"
         "<arg_key>n</arg_key>\n<arg_value>12</arg_value>\n</tool_call><tool_call>g</tool_call>",
         {"R", "A", {R"(f{"a": "12 <b>", "n": 12})", "g{}"}}});
  check({"glm45",
         "",
         "<tool_call>f<arg_key>a</arg_key><arg_value>x</arg_value>",
         {"", "", {R"(f{"a": "x"})"}}});
}

TEST(AnswerParser, Python) {
  check({"pythonic",
         "",
         "[f(a='it\\'s )', n=-1), g()]",
         {"", "", {"f{\"a\": \"it's )\", \"n\": -1}", "g{}"}}});
  check({"pythonic", "", "[f('x', 2)]", {"", "", {R"(f{"a": "x", "n": 2})"}}});
  check({"lfm2",
         "",
         "<|tool_call_start|>[f(o={'a': [None, (1, 2)]})]<|tool_call_end|>Checking.",
         {"", "Checking.", {R"(f{"o": {"a": [null, [1, 2]]}})"}}});
  check({"olmo3",
         "",
         "<function_calls>\nf(a=\"x\")\ng()\n</function_calls>",
         {"", "", {R"(f{"a": "x"})", "g{}"}}});
  check({"minicpm",
         "minicpm",
         "<|thought_start|>R<|thought_end|>\n<|tool_call_start|>\n```python\nf(n=1)\n```\n<|tool_"
         "call_end|>",
         {"R", "", {R"(f{"n": 1})"}}});
}

TEST(AnswerParser, Gemma) {
  check({"gemma4",
         "gemma4",
         "<|channel>thought\nR\n<channel|><|tool_call>call:f{a:<|\"|>x{,\"<|\"|>,n:1,o:{k:[true,<|"
         "\"|>y<|\"|>]},"
         "<|\"|>q r<|\"|>:word}<tool_call|>",
         {"R", "", {R"(f{"a": "x{,\"", "n": 1, "o": {"k": [true, "y"]}, "q r": "word"})"}}});
  check({"functiongemma",
         "",
         "<start_function_call>call:f{a:<escape><escape>,n:2}<end_function_call>",
         {"", "", {R"(f{"a": "", "n": 2})"}}});
}

TEST(AnswerParser, Harmony) {
  check({"openai",
         "openai",
         "<|channel|>analysis<|message|>R<|end|><|start|>assistant<|channel|>final<|message|>A\n<|"
         "return|>",
         {"R", "A\n"}});
  check(
      {"openai",
       "openai",
       "<|channel|>analysis<|message|>R1<|end|><|start|>assistant<|channel|>analysis<|message|>R2<|"
       "end|>"
       "<|start|>assistant<|channel|>commentary<|message|>P<|end|><|start|>assistant to=functions.f"
       "<|channel|>commentary json<|message|>{\"n\": 1}<|call|>",
       {"R1\nR2", "P", {R"(f{"n": 1})"}}});
  check({"openai",
         "",
         "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>",
         {"", "", {"f{}"}}});
  check({"openai",
         "",
         "<|channel|>commentary<|message|>P<|end|><|start|>assistant<|channel|>final<|message|>A",
         {"", "P\nA"}});
  // Headers that are missing or strange, and ends that are.
  check({"openai", "", "Hello there", {"", "Hello there"}});
  check({"openai", "", "Hello<|end|>", {"", "Hello"}});
  check({"openai", "", "<|channel|>analysis<|message|>R<|channel|>final<|message|>A", {"R", "A"}});
  check({"openai",
         "",
         "<|channel|>strange<|channel|>final<|message|>A<|start|>user<|message|>B",
         {"", "A\nB"}});
  check({"openai", "", "<|channel|>analysis to=python code<|message|>1+1<|end|>", {"1+1", ""}});
  check({"openai", "", "<|channel|>analysis", {"", ""}});
  const std::string longer(600, 'x');
  check({"openai", "", longer, {"", longer}});
}

TEST(AnswerParser, ForcedCalls) {
  ParserOptions given = options("hermes", "qwen3", "<think>\n");
  given.calling = Calling::kNamed;
  given.named = "f";
  for (const size_t size : {1, 100}) {
    EXPECT_EQ(parse(given, "R</think>\n\n{\"a\": 1}\n", size),
              (Answer{"R", "", {"f{\"a\": 1}\n"}}));
    EXPECT_EQ(parse(given, "</think>", size), (Answer{"", "", {"f"}}));
  }
  given.calling = Calling::kRequired;
  for (const size_t size : {1, 100}) {
    EXPECT_EQ(
        parse(
            given,
            R"(R</think>[{"name": "f", "parameters": {"n": 1}}, {"name": "g", "parameters": {}}])",
            size),
        (Answer{"R", "", {R"(f{"n": 1})", "g{}"}}));
  }
  given.formats = {"openai", "openai"};
  EXPECT_EQ(parse(given, R"(<|channel|>final<|message|>[{"name": "g"}])"),
            (Answer{"", "", {"g{}"}}));
  given.formats = {"hermes", "qwen3"};
  given.calling = Calling::kNone;
  EXPECT_EQ(parse(given, "R</think><tool_call>{\"name\":\"f\"}").content,
            "<tool_call>{\"name\":\"f\"}");
}

TEST(AnswerParser, SpecialTokensOfNoFormatAreLeftOut) {
  ParserOptions given = options("hermes", "qwen3");
  given.special_tokens = {"<pad>", "<tool_call>", "</think>", "<|im_end|>"};
  for (const size_t size : {1, 4, 100}) {
    EXPECT_EQ(
        parse(given, "<pad><think>a<pad></think>b<|im_end|><tool_call>{\"name\":\"g\"}", size),
        (Answer{"a", "b", {"g{}"}}));
    EXPECT_EQ(parse(given, "a<pa", size).content, "a<pa");
  }
}

TEST(AnswerParser, SaysWhereItIs) {
  AnswerParser parser(options("hermes", "qwen3", "<think>\n"));
  EXPECT_TRUE(parser.in_reasoning());
  parser.feed("a");
  EXPECT_TRUE(parser.in_reasoning());
  parser.feed("</think>");
  EXPECT_FALSE(parser.in_reasoning());
  EXPECT_EQ(parser.calls(), 0u);
  parser.feed("<tool_call>{\"name\":\"g\"}");
  EXPECT_EQ(parser.calls(), 1u);
}

TEST(AnswerParser, TextComesAsSoonAsItIsSure) {
  AnswerParser parser(options("hermes", "qwen3"));
  const auto texts = [&](std::string_view piece) {
    std::string all;
    for (const Event& event : parser.feed(piece)) all += event.text + "|";
    return all;
  };
  EXPECT_EQ(texts("Hi "), "Hi|");
  EXPECT_EQ(texts("you <to"), " you|");
  EXPECT_EQ(texts("p"), " <top|");
  EXPECT_EQ(texts("<tool_call>{\"name\": \"f\", "), "f|");
  EXPECT_EQ(texts("\"arguments\": {\"a\""), "{\"a\"|");
}

TEST(AnswerParser, ContinuedThinkingIsSeenInThePrompt) {
  const ReasoningFormat& format = find_reasoning_parser("qwen3")->format;
  EXPECT_TRUE(starts_in_reasoning(format, "a<think>\n", false));
  EXPECT_FALSE(starts_in_reasoning(format, "a<think>\nb", false));
  EXPECT_TRUE(starts_in_reasoning(format, "a<think>\nb", true));
  EXPECT_FALSE(starts_in_reasoning(format, "a<think>\nb</think>c", true));
  EXPECT_FALSE(starts_in_reasoning(format, "", true));
}

TEST(AnswerParser, RefusesUnknownFormats) {
  for (const auto& [calls, reasoning] : {std::pair{"nonesuch", ""}, std::pair{"", "nonesuch"}}) {
    try {
      AnswerParser parser(options(calls, reasoning));
      FAIL();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("nonesuch"));
      EXPECT_THAT(error.what(), HasSubstr("gemma4"));
    }
  }
}

}  // namespace
}  // namespace vecton::parsers
