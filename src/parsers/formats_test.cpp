#include "parsers/formats.h"

#include <gtest/gtest.h>

#include <set>

namespace vecton::parsers {
namespace {

TEST(Formats, HaveOneNameEach) {
  std::set<std::string_view> names;
  for (const CallFormat& format : call_formats()) {
    EXPECT_TRUE(names.insert(format.name).second) << format.name;
    for (const std::string_view alias : format.aliases) {
      EXPECT_TRUE(names.insert(alias).second) << alias;
      EXPECT_EQ(find_call_format(alias), find_call_format(format.name));
    }
  }
  EXPECT_EQ(find_call_format("nonesuch"), nullptr);
  EXPECT_EQ(find_reasoning_parser("deepseek_r1"), find_reasoning_parser("qwen3"));
}

TEST(Formats, AreFoundInTemplates) {
  const struct {
    std::string_view text;
    Choice choice;
  } cases[] = {
      {"{{ messages[0].content }}", {"", ""}},
      {"<tool_call>\\n{\"name\": ... </tool_call>", {"hermes", ""}},
      {"<tool_call> <think> </think>", {"hermes", "qwen3"}},
      {"<tool_call>\\n<function= <parameter= </think>", {"qwen3_coder", "qwen3"}},
      {"<tool_call>{name} <arg_key> <think>", {"glm45", "qwen3"}},
      {"<|channel|>analysis<|message|>", {"openai", "openai"}},
      {"<|tool_call>call: <|channel>thought", {"gemma4", "gemma4"}},
      {"[TOOL_CALLS] [THINK]", {"mistral", "mistral"}},
      {"<｜tool▁call▁begin｜> ```json </think>", {"deepseek_v3", "qwen3"}},
      {"<｜tool▁call▁begin｜>", {"deepseek_v31", ""}},
      {"<|START_ACTION|> <|START_THINKING|>", {"cohere", "cohere"}},
      {"<|start_of_role|>tools Here is my thought process", {"granite", "granite"}},
      {"<|tool_list_start|>", {"lfm2", ""}},
      {"<|tool|> <|/tool|>", {"phi4_mini_json", ""}},
      {"ipython {\"name\":..., \"parameters\":...}", {"llama3_json", ""}},
      {"[func_name1(params_name1=...", {"pythonic", ""}},
      {"<function_calls> </think>", {"olmo3", "qwen3"}},
  };
  for (const auto& [text, choice] : cases) EXPECT_EQ(detect(text), choice) << text;
}

}  // namespace
}  // namespace vecton::parsers
