// Chat templates rendered by the reference: the same prompts, and errors where it has errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/json.h"
#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace vecton {
namespace {

std::vector<std::filesystem::path> fixtures() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(VECTON_GOLDEN_DIR)) {
    const auto file = entry.path() / "cases.json";
    if (entry.path().filename().string().starts_with("chat-")) files.push_back(file);
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string text_of(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value ? json::serialize(*value) : "";
}

ChatInput input_of(const json::object& test) {
  const json::object &input = test.at("input").as_object(), &params = test.at("params").as_object();
  ChatInput chat;
  chat.messages = text_of(input, "messages");
  chat.tools = text_of(input, "tools");
  chat.documents = text_of(input, "documents");
  chat.variables = text_of(params, "kwargs");
  chat.add_generation_prompt = params.at("add_generation_prompt").as_bool();
  return chat;
}

std::vector<std::pair<std::string, std::string>> tokens_of(const json::object& input) {
  std::vector<std::pair<std::string, std::string>> tokens;
  const json::value* given = input.if_contains("special_tokens");
  if (!given) return tokens;
  for (const auto& [name, token] : given->as_object()) tokens.emplace_back(name, token.as_string());
  return tokens;
}

class ChatGolden : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(ChatGolden, RendersAsTheReference) {
  const json::value document = base::read_json(GetParam());
  for (const json::value& value : document.at("cases").as_array()) {
    const json::object& test = value.as_object();
    const json::object& input = test.at("input").as_object();
    SCOPED_TRACE(std::string(test.at("id").as_string()));
    const json::object& expect = test.at("expect").as_object();
    const std::string text(input.at("template").as_string());
    if (const json::value* prompt = expect.if_contains("prompt")) {
      EXPECT_EQ(ChatTemplate::parse(text).render(input_of(test), tokens_of(input)),
                prompt->as_string());
      continue;
    }
    try {
      const std::string prompt = ChatTemplate::parse(text).render(input_of(test), tokens_of(input));
      ADD_FAILURE() << "expected an error, not " << prompt;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(std::string(expect.at("error").as_string())));
      EXPECT_THAT(error.what(), testing::HasSubstr("line "));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ChatGolden, testing::ValuesIn(fixtures()),
                         [](const auto& info) { return "fixture" + std::to_string(info.index); });

}  // namespace
}  // namespace vecton
