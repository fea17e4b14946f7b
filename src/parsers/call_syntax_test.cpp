#include "parsers/call_syntax.h"

#include <gtest/gtest.h>

#include "parsers/answer_parser.h"

namespace vecton::parsers {
namespace {

// The calls that the parser of `format` reads of the syntax, and all that is no call.
std::pair<std::vector<std::string>, std::string> read(const std::string& format,
                                                      const std::string& text) {
  AnswerParser parser(
      {.formats = {.tool_calls = format, .reasoning = format == kHarmony ? format : ""},
       .calling = Calling::kAuto,
       .tools = {{"f", {}}, {"g", {}}}});
  std::vector<std::string> calls;
  std::string content;
  std::vector<Event> events = parser.feed(text);
  for (Event& event : parser.finish()) events.push_back(std::move(event));
  for (const Event& event : events) {
    if (event.kind == Event::Kind::kCall) calls.push_back(event.text);
    if (event.kind == Event::Kind::kArguments) calls.back() += event.text;
    if (event.kind == Event::Kind::kContent) content += event.text;
  }
  return {calls, content};
}

std::string written(const CallSyntax& syntax, const std::vector<std::string>& names) {
  std::string text(syntax.begin);
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += *syntax.separator;
    text.append(syntax.before).append(names[i]).append(syntax.between);
    text.append("{\"a\": [1]}").append(syntax.after);
  }
  return text.append(syntax.end);
}

TEST(CallSyntaxTest, IsWhatTheParserReads) {
  int formats = 0;
  for (const CallFormat& format : call_formats()) {
    const std::string name(format.name);
    for (const char* chat_template : {"", "[ARGS] functools <|tool_call|>"}) {
      const auto syntax = call_syntax(name, chat_template);
      if (!syntax) continue;
      ++formats;
      const std::string one = "f{\"a\": [1]}", two = "g{\"a\": [1]}";
      auto [calls, content] = read(name, written(*syntax, {"f"}));
      EXPECT_EQ(calls, std::vector{one}) << name;
      EXPECT_EQ(content, "") << name;
      if (!syntax->separator) continue;
      std::tie(calls, content) = read(name, written(*syntax, {"f", "g"}));
      EXPECT_EQ(calls, (std::vector{one, two})) << name;
      EXPECT_EQ(content, "") << name;
    }
  }
  EXPECT_GE(formats, 18);
  EXPECT_FALSE(call_syntax("qwen3_coder", ""));
}

TEST(CallSyntaxTest, HarmonyMayThinkBefore) {
  const auto syntax = call_syntax(kHarmony, "");
  const std::string thinking =
      std::string(syntax->thinking_begin) + "so" + std::string(syntax->thinking_end);
  const auto [calls, content] = read(std::string(kHarmony), thinking + written(*syntax, {"f"}));
  EXPECT_EQ(calls, std::vector<std::string>{"f{\"a\": [1]}"});
  EXPECT_EQ(content, "");
}

}  // namespace
}  // namespace vecton::parsers
