// The templates of tests/chat/templates, rendered as the reference renders them
// (tests/chat/rendered, written by tests/chat/make/rendered.py): the same prompt, or an error that
// says the same, or what own_words.json says: where Python's words speak of its inside, and what is
// refused here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include "base/json.h"
#include "base/mapped_file.h"
#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace vecton {
namespace {

const std::filesystem::path kFolder = VECTON_CHAT_DIR;

// Names of the files of a folder with this extension, without it.
std::vector<std::string> names_in(const std::filesystem::path& folder, const char* extension) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == extension) names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

// The templates of templates/NAME.txt or .jinja, as the maker reads them.
std::vector<std::string> templates_of(const std::string& name) {
  std::filesystem::path file = kFolder / "templates" / (name + ".txt");
  const bool lines = std::filesystem::exists(file);
  if (!lines) file.replace_extension(".jinja");
  const base::MappedFile mapped(file);
  const std::string_view text = mapped.text(), between = lines ? "\n" : "\n=====\n";
  std::vector<std::string> templates;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(between, at), text.size() - 1);
    std::string part(text.substr(at, end - at));
    if (name.starts_with("expression")) part = "{{ " + part + " }}";
    if (end > at || !lines) templates.push_back(std::move(part));
    at = end + between.size();
  }
  return templates;
}

// What the templates of a file see.
ChatInput input_of(const std::string& name) {
  std::filesystem::path file = kFolder / "templates" / (name + ".json");
  if (!std::filesystem::exists(file)) file = kFolder / "templates/variables.json";
  json::object variables = base::read_json(file).as_object();
  ChatInput input;
  for (auto [key, text] : {std::pair{"messages", &input.messages},
                           {"tools", &input.tools},
                           {"documents", &input.documents}}) {
    if (const json::value* value = variables.if_contains(key)) *text = json::serialize(*value);
    variables.erase(key);
  }
  if (const json::value* prompt = variables.if_contains("add_generation_prompt"))
    input.add_generation_prompt = prompt->as_bool();
  variables.erase("add_generation_prompt");
  input.variables = json::serialize(variables);
  return input;
}

class ChatTemplateTable : public testing::TestWithParam<std::string> {};

TEST_P(ChatTemplateTable, RendersAsTheReference) {
  const ChatInput input = input_of(GetParam());
  const json::value document = base::read_json(kFolder / "rendered" / (GetParam() + ".json"));
  const json::value own_words = base::read_json(kFolder / "own_words.json");
  std::vector<std::string> texts;
  for (const json::value& value : document.as_array()) {
    const json::object& test = value.as_object();
    const std::string text = texts.emplace_back(test.at("template").as_string());
    if (test.contains("changing")) continue;  // the reference prints what no two runs share
    SCOPED_TRACE(text);
    const json::value* own = own_words.as_object().if_contains(text);
    const json::value* prompt = own ? nullptr : test.if_contains("prompt");
    const json::value* words = own ? own : test.if_contains("error");
    try {
      const std::string rendered = ChatTemplate::parse(text).render(input);
      if (prompt)
        EXPECT_EQ(rendered, prompt->as_string());
      else
        ADD_FAILURE() << "no error, but " << rendered;
    } catch (const Error& error) {
      if (prompt)
        ADD_FAILURE() << error.what() << "\ninstead of " << prompt->as_string();
      else
        EXPECT_THAT(error.what(), testing::HasSubstr(std::string(words->as_string())));
    }
  }
  EXPECT_EQ(texts, templates_of(GetParam())) << "run tests/chat/make/rendered.py";
}

INSTANTIATE_TEST_SUITE_P(Files, ChatTemplateTable,
                         testing::ValuesIn(names_in(kFolder / "rendered", ".json")),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace vecton
