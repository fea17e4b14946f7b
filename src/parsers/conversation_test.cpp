// What a conversation's tools and thinking mean for how its answer is asked for.
#include <gtest/gtest.h>

#include "parsers/call_id.h"
#include "parsers/content_beginning.h"
#include "parsers/forced_calls.h"

namespace vecton::parsers {
namespace {

json::array two_tools() {
  return json::parse(
             R"([{"type":"function","function":{"name":"f","parameters":{"type":"object"}}},)"
             R"({"type":"function","function":{"name":"g"}}])")
      .get_array();
}

std::optional<int32_t> no_token(std::string_view) { return std::nullopt; }

TEST(ContentBeginning, IsBehindThinkingThatMayCome) {
  ParserOptions parser{.formats = {"hermes", "qwen3"}, .prompt = "<|im_start|>assistant\n"};
  EXPECT_EQ(content_beginning(parser).after, "</think>");
  EXPECT_EQ(content_beginning(parser).thinking, "<think>");
  parser.prompt = "<|im_start|>assistant\n<think>\n";  // begun already
  EXPECT_EQ(content_beginning(parser).after, "</think>");
  EXPECT_EQ(content_beginning(parser).thinking, "");
  parser.prompt = "<|im_start|>assistant\n<think>\n\n</think>\n\n";  // over already
  EXPECT_EQ(content_beginning(parser).after, "");
  parser.prompt = "what was said";
  parser.continues = true;
  EXPECT_EQ(content_beginning(parser).after, "");
  EXPECT_EQ(content_beginning({.formats = {"hermes", ""}}).after, "");
  EXPECT_EQ(content_beginning({.formats = {"openai", "openai"}}).after,
            "<|channel|>final<|message|>");
  EXPECT_EQ(content_beginning({.formats = {"openai", "openai"}, .own_format = true}).after, "");
}

TEST(Choose, TakesNamesBeforeWhatTheTemplateShows) {
  const std::string_view text = "<tool_call> <think> </think>";
  EXPECT_EQ(choose(text, "", "auto"), (Choice{"hermes", "qwen3"}));
  EXPECT_EQ(choose(text, "none", "none"), Choice{});
  EXPECT_EQ(choose(text, "mistral", "deepseek_r1"), (Choice{"mistral", "qwen3"}));
  EXPECT_EQ(choose(text, "nonesuch", ""), (Choice{"nonesuch", "qwen3"}));
}

TEST(OfferedTools, HaveTheirSchemas) {
  const Tools tools = offered_tools(two_tools());
  ASSERT_EQ(tools.size(), 2u);
  EXPECT_EQ(tools[0].name, "f");
  EXPECT_EQ(tools[0].parameters.at("type"), json::value("object"));
  EXPECT_TRUE(tools[1].parameters.empty());
}

TEST(CallId, IsOfTheAnswerTheChoiceAndTheCall) {
  const ParserOptions parser{.formats = {"hermes", ""}};
  const std::string id = call_id(parser, "a", 0, 0);
  EXPECT_EQ(id.size(), 25u);
  EXPECT_TRUE(id.starts_with("call_"));
  EXPECT_EQ(id, call_id(parser, "a", 0, 0));
  EXPECT_NE(id, call_id(parser, "b", 0, 0));
  EXPECT_NE(id, call_id(parser, "a", 1, 0));
  EXPECT_NE(id, call_id(parser, "a", 0, 1));
  EXPECT_EQ(call_id({.formats = {"mistral", ""}}, "a", 0, 0).size(), 9u);
}

TEST(CallId, OfAConversationIsAsTheTemplateTakesIt) {
  const Choice hermes{"hermes", ""}, mistral{"mistral", ""};
  EXPECT_EQ(call_id_in_prompt(hermes, "toolu_01-x"), "toolu_01-x");
  EXPECT_EQ(call_id_in_prompt(mistral, "abcDEF123"), "abcDEF123");
  EXPECT_EQ(call_id_in_prompt(mistral, "call_abcDEF123"), "abcDEF123");
  for (const char* foreign : {"toolu_01ABC", "call_1", "abc-EF123", ""})
    EXPECT_EQ(call_id_in_prompt(mistral, foreign).size(), 9u) << foreign;
  EXPECT_NE(call_id_in_prompt(mistral, "call_1"), call_id_in_prompt(mistral, "call_2"));
}

TEST(ForcedCalls, AreTheModelsOwnWhereItsArgumentsAreJson) {
  ParserOptions parser{.formats = {"hermes", ""}, .calling = Calling::kNamed, .named = "g"};
  const StructuredOutput structure =
      forced_calls(two_tools(), true, "<tool_call>", no_token, parser);
  EXPECT_TRUE(parser.own_format);
  const auto* grammar = std::get_if<Grammar>(&structure.kind);
  ASSERT_NE(grammar, nullptr);
  EXPECT_EQ(grammar->grammar.find("\"f\""), std::string::npos);
  EXPECT_NE(grammar->grammar.find("arguments0: %json {\"type\":\"object\"}"), std::string::npos);
}

TEST(ForcedCalls, AreJsonElsewhere) {
  ParserOptions parser{.calling = Calling::kRequired};
  const StructuredOutput several = forced_calls(two_tools(), true, "", no_token, parser);
  EXPECT_FALSE(parser.own_format);
  const auto* schema = std::get_if<JsonSchema>(&several.kind);
  ASSERT_NE(schema, nullptr);
  const json::value read = json::parse(schema->schema);
  EXPECT_EQ(read.at("items").at("anyOf").as_array().size(), 2u);
  EXPECT_FALSE(read.as_object().contains("maxItems"));
  const StructuredOutput one = forced_calls(two_tools(), false, "", no_token, parser);
  EXPECT_EQ(json::parse(std::get<JsonSchema>(one.kind).schema).at("maxItems"), json::value(1));
  parser = {.calling = Calling::kNamed, .named = "f"};
  const StructuredOutput named = forced_calls(two_tools(), true, "", no_token, parser);
  EXPECT_EQ(std::get<JsonSchema>(named.kind).schema, R"({"type":"object"})");
}

}  // namespace
}  // namespace vecton::parsers
