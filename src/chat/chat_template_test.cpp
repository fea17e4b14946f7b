#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/temporary_folder.h"
#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace vecton {
namespace {

using testing::HasSubstr;

constexpr const char* kChat =
    R"([{"role":"user","content":"Hi"},{"role":"assistant","content":"Yo ","tool_calls":null}])";

std::string render(const std::string& text, const std::string& variables = "") {
  ChatInput input;
  input.messages = kChat;
  input.variables = variables;
  return ChatTemplate::parse(text).render(input);
}

std::string error_of(const std::string& text, const std::string& variables = "") {
  try {
    return "no error but: " + render(text, variables);
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(ChatTemplate, ErrorsNameTheLine) {
  EXPECT_THAT(error_of("a\n{% if x %}\nb"), HasSubstr("line 3: Unexpected end of template"));
  EXPECT_THAT(error_of("a\n{{ 'x' + 1 }}"), HasSubstr("line 2: can only concatenate str"));
  EXPECT_THAT(error_of("{% macro m() %}\n\n{{ 1/0 }}{% endmacro %}{{ m() }}"),
              HasSubstr("line 3: "));
  EXPECT_THAT(error_of("{{ 1|nope }}"), HasSubstr("line 1: No filter named 'nope'"));
  EXPECT_THAT(error_of("{{ raise_exception('no ' ~ messages[0].role) }}"),
              HasSubstr("line 1: no user"));
  EXPECT_THAT(error_of("{% include 'x' %}"), HasSubstr("the tag 'include'"));
}

TEST(ChatTemplate, NumbersAreReadAsPythonReadsThem) {
  EXPECT_EQ(
      render(
          "{{ a }} {{ b }} {{ c }} {{ d }} {{ e }} {{ f }}",
          R"({"a":1,"b":1.0,"c":0.30000000000000004,"d":18446744073709551616,"e":1e5,"f":-0.0})"),
      "1 1.0 0.30000000000000004 18446744073709551616 100000.0 -0.0");
  EXPECT_THAT(error_of("{{ 2 ** 126 * 4 }}"), HasSubstr("more than 127 bits"));
}

TEST(ChatTemplate, KeysKeepTheirOrder) {
  EXPECT_EQ(render("{{ d|tojson }}", R"({"d":{"z":1,"a":{"c":2,"b":[]}}})"),
            R"({"z": 1, "a": {"c": 2, "b": []}})");
}

TEST(ChatTemplate, MessagesArePreparedAsTransformersDoes) {
  EXPECT_EQ(render("{{ 'tool_calls' in messages[1] }}{{ tools }}{{ documents }}"), "FalseNoneNone");
  ChatInput input;
  input.messages = R"([{"role":"assistant","reasoning":"because","content":"x"}])";
  EXPECT_EQ(ChatTemplate::parse("{{ messages[0].reasoning_content }} {{ messages[0].thinking }}")
                .render(input),
            "because because");
}

TEST(ChatTemplate, SpecialTokensGiveWayToVariables) {
  ChatInput input;
  input.messages = kChat;
  const ChatTemplate chat = ChatTemplate::parse("{{ bos_token }}{{ eos_token }}");
  EXPECT_EQ(chat.render(input, {{"bos_token", "<s>"}, {"eos_token", "</s>"}}), "<s></s>");
  input.variables = R"({"eos_token":"!"})";
  EXPECT_EQ(chat.render(input, {{"bos_token", "<s>"}, {"eos_token", "</s>"}}), "<s>!");
}

TEST(ChatTemplate, TheFinalMessageIsContinued) {
  ChatInput input;
  input.messages = kChat;
  input.continue_final_message = "content";
  const std::string plain = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}";
  const std::string trimmed =
      "{% for m in messages %}<{{ m.role }}>{{ m.content|trim }}</s>{% endfor %}";
  EXPECT_EQ(ChatTemplate::parse(plain).render(input), "<user>Hi</s><assistant>Yo ");
  EXPECT_EQ(ChatTemplate::parse(trimmed).render(input), "<user>Hi</s><assistant>Yo");
  EXPECT_THROW(ChatTemplate::parse("{{ messages[0].content }}").render(input), Error);
  input.add_generation_prompt = true;
  EXPECT_THROW(ChatTemplate::parse(plain).render(input), Error);
  input.add_generation_prompt = false;
  input.continue_final_message = "thought";
  EXPECT_THROW(ChatTemplate::parse(plain).render(input), Error);
}

TEST(ChatTemplate, TimeIsTheInputs) {
  ChatInput input;
  input.messages = kChat;
  input.now = std::chrono::system_clock::from_time_t(1'700'000'000);
  EXPECT_EQ(ChatTemplate::parse("{{ strftime_now('%Y %f %%') }}").render(input), "2023 000000 %");
}

TEST(ChatTemplate, WrongInputIsRefused) {
  const ChatTemplate chat = ChatTemplate::parse("x");
  ChatInput input;
  for (const char* messages : {"", "[]", "null", "{}", "[1]", "[{}", "[{}] x"}) {
    input.messages = messages;
    EXPECT_THROW(chat.render(input), Error) << messages;
  }
  input.messages = kChat;
  input.tools = "[1]";
  EXPECT_THROW(chat.render(input), Error);
  input.tools = "";
  input.variables = "[]";
  EXPECT_THROW(chat.render(input), Error);
  input.variables = R"({"messages":1})";
  EXPECT_THROW(chat.render(input), Error);
}

TEST(ChatTemplate, HostileTemplatesAreBounded) {
  const std::string grow = "{% set n = namespace(x=[]) %}{% for i in range(9000) %}";
  for (const std::string& text : {
           std::string("{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}"),
           std::string(
               "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"),
           grow + "{% set n.x = [n.x] %}{% endfor %}{{ n.x }}",
           grow + "{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x|tojson }}",
           grow + "{% set n.x = n.x|map('upper') %}{% endfor %}{{ n.x|list }}",
           grow + "{% set n.x = n.x + [range(9000)|list] %}{% endfor %}",
           std::string("{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x ~ "
                       "n.x %}{% endfor %}"),
           std::string("{{ 'a' * 10 ** 12 }}"),
           std::string("{{ '%999999999d' % 1 }}{{ '%999999999d' % 1 }}"),
           std::string("{{ 'a'.center(10 ** 12) }}"),
           std::string("{{ range(10 ** 9) }}"),
           std::string("{% for i in range(99999) %}{{ 'x' * 9999 }}{% endfor %}"),
           "{{ " + std::string(100'000, '(') + " }}",
           "{{ 1" + std::string(100'000, '-') + "1 }}",
           "{{ x" + std::string(4'000'000, '|') + " }}",
       }) {
    EXPECT_THAT(error_of(text), testing::StartsWith("chat template")) << text.substr(0, 80);
  }
  std::string nested;
  for (int i = 0; i < 10'000; ++i) nested += "{% if x %}";
  EXPECT_THAT(error_of(nested), HasSubstr("levels of nesting"));
}

TEST(ChatTemplate, NothingOutsideCanBeReached) {
  EXPECT_EQ(render("{{ ''.__class__ }}{{ [].append }}{{ {}.update is defined }}"), "False");
  EXPECT_THAT(error_of("{{ ''.__class__.__mro__ }}"), HasSubstr("is unsafe"));
  EXPECT_THAT(error_of("{{ [].append(1) }}"), HasSubstr("is unsafe"));
  EXPECT_THAT(error_of("{% set n = namespace(_x=1) %}"), HasSubstr("underscore"));
}

TEST(ChatTemplate, ValuesThatContainThemselvesAreFreed) {
  EXPECT_EQ(render("{% set n = namespace() %}{% set n.x = [n, {'n': n}] %}{{ n.x|length }}"
                   "{% macro m() %}{{ n.m.name }}{% endmacro %}{% set n.m = m %}{{ m() }}"
                   "{% for i in [1] %}{{ loop.changed(loop) }}{% endfor %}"),
            "2mTrue");
}

class Folder : public base::TemporaryFolder {
 public:
  ChatTemplates open() const { return ChatTemplates::open(path()); }
};

std::string rendered(const ChatTemplates& templates, const std::string& name = "",
                     const std::string& tools = "") {
  ChatInput input;
  input.messages = kChat;
  input.tools = tools;
  return templates.render(input, name);
}

TEST(ChatTemplates, OfTokenizerConfig) {
  const Folder folder;
  EXPECT_TRUE(folder.open().empty());
  EXPECT_THROW(rendered(folder.open()), Error);
  folder.write(
      "tokenizer_config.json",
      R"({"chat_template":"{{ bos_token }}{{ pad_token }}{{ image_token }}{{ add_bos_token }}",
                   "bos_token":"<s>","pad_token":{"content":"<p>"},"eos_token":null,
                   "add_bos_token":true,"image_token":"<i>"})");
  EXPECT_THAT(folder.open().names(), testing::ElementsAre("default"));
  EXPECT_EQ(rendered(folder.open()), "<s><p><i>");
}

TEST(ChatTemplates, AreChosenByNameAndTools) {
  const Folder folder;
  folder.write("tokenizer_config.json",
               R"({"chat_template":[{"name":"default","template":"D"},
                   {"name":"tool_use","template":"T"},{"name":"bad","template":"{% if"}]})");
  const ChatTemplates templates = folder.open();
  EXPECT_THAT(templates.names(), testing::ElementsAre("bad", "default", "tool_use"));
  EXPECT_EQ(rendered(templates), "D");
  EXPECT_EQ(rendered(templates, "", "[{}]"), "T");
  EXPECT_EQ(rendered(templates, "tool_use"), "T");
  EXPECT_EQ(rendered(templates, "own {{ messages|length }}"), "own 2");
  EXPECT_THROW(rendered(templates, "bad"), Error);
}

TEST(ChatTemplates, GiveTheirText) {
  const Folder folder;
  folder.write(
      "tokenizer_config.json",
      R"({"chat_template":[{"name":"default","template":"d"},{"name":"tool_use","template":"t"}]})");
  const ChatTemplates templates = folder.open();
  EXPECT_EQ(templates.text({}), "d");
  EXPECT_EQ(templates.text({.tools = "[{}]"}), "t");
  EXPECT_EQ(templates.text({}, "tool_use"), "t");
  EXPECT_EQ(templates.text({}, "{{ x }}"), "{{ x }}");
}

TEST(ChatTemplates, FilesOfTheirOwnWin) {
  const Folder folder;
  folder.write("chat_template.json", R"({"chat_template":"legacy"})");
  EXPECT_EQ(rendered(folder.open()), "legacy");
  folder.write("tokenizer_config.json", R"({"chat_template":"config"})");
  EXPECT_EQ(rendered(folder.open()), "config");
  folder.write("additional_chat_templates/rag.jinja", "rag");
  EXPECT_EQ(rendered(folder.open(), "rag"), "rag");
  EXPECT_THROW(rendered(folder.open()), Error);  // no default among the files
  folder.write("chat_template.jinja", "file");
  EXPECT_EQ(rendered(folder.open()), "file");
}

}  // namespace
}  // namespace vecton
