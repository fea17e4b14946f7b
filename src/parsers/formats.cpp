#include "parsers/formats.h"

#include <algorithm>

#include "parsers/characters.h"
#include "parsers/gemma_calls.h"
#include "parsers/glm_calls.h"
#include "parsers/json_calls.h"
#include "parsers/python_calls.h"
#include "parsers/xml_calls.h"

namespace vecton::parsers {

namespace {

std::optional<std::string> named(std::string_view name) {
  name = trimmed(name);
  const bool fine = !name.empty() && std::all_of(name.begin(), name.end(), is_name);
  return fine ? std::optional<std::string>(name) : std::nullopt;
}

// "f", "f[ARGS]", "f[CALL_ID]abcdefghi[ARGS]".
std::optional<std::string> mistral_name(std::string_view header) {
  const size_t end = header.find('[');
  if (end != std::string_view::npos && !trimmed(header).ends_with("[ARGS]")) return {};
  return named(header.substr(0, end));
}

constexpr std::string_view kSeparator = "<｜tool▁sep｜>", kCallBegin = "<｜tool▁call▁begin｜>",
                           kKimiBegin = "<|tool_call_begin|>";

// The marker of a list of calls may have been followed by that of a call.
std::string_view without(std::string_view header, std::string_view marker) {
  header = trimmed(header);
  if (header.starts_with(marker)) header.remove_prefix(marker.size());
  return header;
}

// "function<｜tool▁sep｜>f" and the beginning of a block of code.
std::optional<std::string> deepseek_v3_name(std::string_view header) {
  const size_t at = header.find(kSeparator);
  if (at == std::string_view::npos) return {};
  header.remove_prefix(at + kSeparator.size());
  return named(header.substr(0, header.find('\n')));
}

// "f<｜tool▁sep｜>".
std::optional<std::string> deepseek_v31_name(std::string_view header) {
  header = without(header, kCallBegin);
  if (!header.ends_with(kSeparator)) return {};
  return named(header.substr(0, header.size() - kSeparator.size()));
}

// "functions.f:0<|tool_call_argument_begin|>".
std::optional<std::string> kimi_name(std::string_view header) {
  header = without(header, kKimiBegin);
  header = header.substr(0, header.find('<'));
  header = header.substr(0, header.rfind(':'));
  if (const size_t dot = header.rfind('.'); dot != std::string_view::npos)
    header.remove_prefix(dot + 1);
  return named(header);
}

std::unique_ptr<Stage> json_calls(const JsonCallFormat& format, Events& events,
                                  const Tools& tools) {
  return std::make_unique<JsonCalls>(format, events, tools);
}

std::unique_ptr<Stage> hermes(Events& events, const Tools& tools) {
  return json_calls({.markers = {.opens = {"<tool_call>"}, .closes = {"</tool_call>"}}}, events,
                    tools);
}

std::unique_ptr<Stage> llama3_json(Events& events, const Tools& tools) {
  return json_calls({.markers = {.opens = {"<|python_tag|>"}, .bare = "{["}, .strict = true},
                    events, tools);
}

std::unique_ptr<Stage> mistral(Events& events, const Tools& tools) {
  return json_calls({.markers = {.opens = {"[TOOL_CALLS]"}}, .name_of = mistral_name}, events,
                    tools);
}

std::unique_ptr<Stage> deepseek_v3(Events& events, const Tools& tools) {
  return json_calls({.markers = {.opens = {"<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>"},
                                 .closes = {"```", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"}},
                     .name_of = deepseek_v3_name},
                    events, tools);
}

std::unique_ptr<Stage> deepseek_v31(Events& events, const Tools& tools) {
  return json_calls({.markers = {.opens = {"<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>"},
                                 .closes = {"<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"}},
                     .name_of = deepseek_v31_name},
                    events, tools);
}

std::unique_ptr<Stage> kimi(Events& events, const Tools& tools) {
  return json_calls({.markers = {.opens = {"<|tool_calls_section_begin|>", "<|tool_call_begin|>"},
                                 .closes = {"<|tool_call_end|>", "<|tool_calls_section_end|>"}},
                     .name_of = kimi_name},
                    events, tools);
}

std::unique_ptr<Stage> cohere(Events& events, const Tools& tools) {
  return json_calls({.markers = {.opens = {"<|START_ACTION|>"}, .closes = {"<|END_ACTION|>"}}},
                    events, tools);
}

std::unique_ptr<Stage> granite(Events& events, const Tools& tools) {
  return json_calls(
      {.markers = {.opens = {"<|tool_call|>", "<tool_call>"}, .closes = {"</tool_call>"}}}, events,
      tools);
}

std::unique_ptr<Stage> phi4_mini(Events& events, const Tools& tools) {
  return json_calls(
      {.markers = {.opens = {"functools[", "<|tool_call|>"}, .closes = {"<|/tool_call|>"}}}, events,
      tools);
}

std::unique_ptr<Stage> qwen3_coder(Events& events, const Tools& tools) {
  return std::make_unique<XmlCalls>(XmlCallFormat{.function_open = "<function=",
                                                  .name_end = ">",
                                                  .function_close = "</function>",
                                                  .parameter_open = "<parameter=",
                                                  .key_end = ">",
                                                  .parameter_close = "</parameter>",
                                                  .lines = true},
                                    events, tools);
}

std::unique_ptr<Stage> minicpm5(Events& events, const Tools& tools) {
  return std::make_unique<XmlCalls>(XmlCallFormat{.function_open = "<function name=\"",
                                                  .name_end = "\">",
                                                  .function_close = "</function>",
                                                  .parameter_open = "<param name=\"",
                                                  .key_end = "\">",
                                                  .parameter_close = "</param>",
                                                  .cdata = true},
                                    events, tools);
}

std::unique_ptr<Stage> glm45(Events& events, const Tools& tools) {
  return std::make_unique<GlmCalls>(events, tools);
}

std::unique_ptr<Stage> pythonic(Events& events, const Tools& tools) {
  return std::make_unique<PythonCalls>(CallMarkers{.opens = {"<|python_start|>", "<|python_tag|>"},
                                                   .closes = {"<|python_end|>"},
                                                   .bare = "["},
                                       events, tools);
}

std::unique_ptr<Stage> lfm2(Events& events, const Tools& tools) {
  return std::make_unique<PythonCalls>(
      CallMarkers{.opens = {"<|tool_call_start|>"}, .closes = {"<|tool_call_end|>"}}, events,
      tools);
}

std::unique_ptr<Stage> minicpm(Events& events, const Tools& tools) {
  return std::make_unique<PythonCalls>(
      CallMarkers{.opens = {"<|tool_call_start|>\n```python", "<|tool_call_start|>```python"},
                  .closes = {"```", "<|tool_call_end|>"}},
      events, tools);
}

std::unique_ptr<Stage> olmo3(Events& events, const Tools& tools) {
  return std::make_unique<PythonCalls>(
      CallMarkers{.opens = {"<function_calls>"}, .closes = {"</function_calls>"}}, events, tools);
}

std::unique_ptr<Stage> gemma4(Events& events, const Tools&) {
  return std::make_unique<GemmaCalls>(
      CallMarkers{.opens = {"<|tool_call>"}, .closes = {"<tool_call|>"}}, "<|\"|>", events);
}

std::unique_ptr<Stage> functiongemma(Events& events, const Tools&) {
  return std::make_unique<GemmaCalls>(
      CallMarkers{.opens = {"<start_function_call>"}, .closes = {"<end_function_call>"}},
      "<escape>", events);
}

using Signs = std::vector<std::vector<std::string_view>>;
using Words = std::vector<std::string_view>;
using Texts = std::vector<std::string>;

std::vector<CallFormat> make_call_formats() {
  std::vector<CallFormat> all;
  const auto add = [&](std::string_view name, Words aliases, Signs signs, Texts interrupts,
                       std::string_view tokens,
                       std::unique_ptr<Stage> (*make)(Events&, const Tools&)) {
    all.push_back(
        {name, std::move(aliases), std::move(signs), std::move(interrupts), tokens, make});
  };
  add(kHarmony, {"gpt_oss", "harmony"}, {{"<|channel|>", "<|message|>"}}, {},
      "<|start|><|end|><|message|><|channel|><|constrain|><|return|><|call|>", nullptr);
  add("gemma4", {}, {{"<|tool_call>", "call:"}}, {"<|tool_call>"}, "<|tool_call><tool_call|><|\"|>",
      gemma4);
  add("functiongemma", {}, {{"<start_function_call>"}}, {"<start_function_call>"},
      "<start_function_call><end_function_call><escape>", functiongemma);
  add("minicpm5", {}, {{"<function name="}}, {}, "<function</function><param</param>", minicpm5);
  add("qwen3_coder", {"qwen3_xml", "nemotron3"}, {{"<function=", "<parameter="}},
      {"<tool_call>\n<function="}, "<tool_call></tool_call>", qwen3_coder);
  add("glm45", {"glm47", "glm4_moe"}, {{"<arg_key>"}}, {},
      "<tool_call></tool_call><arg_key></arg_key><arg_value></arg_value>", glm45);
  add("mistral", {}, {{"[TOOL_CALLS]"}}, {"[TOOL_CALLS]"}, "[TOOL_CALLS][ARGS][CALL_ID]", mistral);
  constexpr std::string_view kDeepSeek =
      "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜><｜tool▁sep｜><｜tool▁call▁end｜><"
      "｜tool▁calls▁end｜>";
  add("deepseek_v3", {}, {{"<｜tool▁call▁begin｜>", "```json"}}, {"<｜tool▁calls▁begin｜>"},
      kDeepSeek, deepseek_v3);
  add("deepseek_v31", {}, {{"<｜tool▁call▁begin｜>"}}, {"<｜tool▁calls▁begin｜>"}, kDeepSeek,
      deepseek_v31);
  add("kimi_k2", {}, {{"<|tool_call_begin|>"}}, {"<|tool_calls_section_begin|>"},
      "<|tool_calls_section_begin|><|tool_call_begin|><|tool_call_argument_begin|><|tool_call_end|>"
      "<|tool_calls_section_end|>",
      kimi);
  add("cohere", {"cohere2", "cohere_command3", "command"}, {{"<|START_ACTION|>"}},
      {"<|START_ACTION|>"}, "<|START_ACTION|><|END_ACTION|>", cohere);
  add("minicpm", {"minicpm3"}, {{"<|tool_call_start|>", "```python"}}, {},
      "<|tool_call_start|><|tool_call_end|>", minicpm);
  add("lfm2", {}, {{"<|tool_call_start|>"}, {"<|tool_list_start|>"}}, {"<|tool_call_start|>"},
      "<|tool_call_start|><|tool_call_end|>", lfm2);
  add("olmo3", {}, {{"<function_calls>"}}, {}, "<function_calls></function_calls>", olmo3);
  add("phi4_mini_json", {"phi4"}, {{"functools["}, {"<|tool|>", "<|/tool|>"}}, {},
      "<|tool_call|><|/tool_call|>", phi4_mini);
  add("hermes", {"qwen2", "qwen25", "qwen3", "smollm3", "exaone4", "granite4"}, {{"<tool_call>"}},
      {"<tool_call>\n{\"name\"", "<tool_call>{\"name\""}, "<tool_call></tool_call>", hermes);
  add("granite", {"granite3"}, {{"<|tool_call|>"}, {"start_of_role", "tools"}}, {"<|tool_call|>"},
      "<|tool_call|><tool_call></tool_call>", granite);
  add("llama3_json", {"llama4_json", "llama"}, {{"<|python_tag|>"}, {"ipython", "parameters"}}, {},
      "<|python_tag|>", llama3_json);
  add("pythonic", {"llama4_pythonic", "gemma3"},
      {{"[func_name1("}, {"[func1("}, {"<|python_start|>"}}, {},
      "<|python_start|><|python_end|><|python_tag|>", pythonic);
  return all;
}

ReasoningFormat think(std::string_view word = "think") {
  return {.opens = {"<" + std::string(word) + ">"}, .closes = {"</" + std::string(word) + ">"}};
}

std::vector<ReasoningParser> make_reasoning_parsers() {
  std::vector<ReasoningParser> all;
  const auto add = [&](std::string_view name, Words aliases, Signs signs, ReasoningFormat format) {
    all.push_back({name, std::move(aliases), std::move(signs), std::move(format)});
  };
  add(kHarmony, {"openai_gptoss", "gpt_oss", "harmony"}, {{"<|channel|>", "<|message|>"}}, {});
  add("gemma4", {}, {{"<|channel>"}},
      {.opens = {"<|channel>thought"}, .closes = {"<channel|>"}, .anywhere = true});
  add("mistral", {"magistral"}, {{"[THINK]"}},
      {.opens = {"[THINK]"}, .closes = {"[/THINK]"}, .anywhere = true});
  add("cohere", {"cohere2", "cohere_command3", "command"}, {{"<|START_THINKING|>"}},
      {.opens = {"<|START_THINKING|>"},
       .closes = {"<|END_THINKING|>"},
       .wrappers = {{"<|START_RESPONSE|>", "<|END_RESPONSE|>"},
                    {"<|START_TEXT|>", "<|END_TEXT|>"}}});
  add("minicpm", {"minicpm3"}, {{"<|thought_start|>"}},
      {.opens = {"<|thought_start|>"}, .closes = {"<|thought_end|>"}});
  add("granite", {"granite3"},
      {{"Here is my thought process"}, {"start_of_role", "<think>", "<response>"}},
      {.opens = {"<think>", "Here is my thought process:", "Here's my thought process:"},
       .closes = {"</think>", "Here is my response:", "Here's my response:"},
       .wrappers = {{"<response>", "</response>"}}});
  add("qwen3",
      {"deepseek_r1", "deepseek_v3", "deepseek_v31", "glm45", "glm47", "smollm3", "exaone4",
       "olmo3", "hunyuan", "think"},
      {{"</think>"}, {"<think>"}}, think());
  return all;
}

template <typename T>
const T* find(const std::vector<T>& all, std::string_view name) {
  for (const T& one : all) {
    if (one.name == name ||
        std::find(one.aliases.begin(), one.aliases.end(), name) != one.aliases.end())
      return &one;
  }
  return nullptr;
}

template <typename T>
std::string detected(const std::vector<T>& all, std::string_view text) {
  for (const T& one : all) {
    for (const auto& signs : one.signs) {
      const bool found = std::all_of(signs.begin(), signs.end(), [&](std::string_view sign) {
        return text.find(sign) != std::string_view::npos;
      });
      if (found) return std::string(one.name);
    }
  }
  return "";
}

template <typename T>
std::string names(const std::vector<T>& all) {
  std::string list;
  for (const T& one : all) list += (list.empty() ? "" : ", ") + std::string(one.name);
  return list;
}

}  // namespace

const std::vector<CallFormat>& call_formats() {
  static const std::vector<CallFormat> all = make_call_formats();
  return all;
}

const std::vector<ReasoningParser>& reasoning_parsers() {
  static const std::vector<ReasoningParser> all = make_reasoning_parsers();
  return all;
}

const CallFormat* find_call_format(std::string_view name) { return find(call_formats(), name); }

const ReasoningParser* find_reasoning_parser(std::string_view name) {
  return find(reasoning_parsers(), name);
}

Choice detect(std::string_view chat_template) {
  return {detected(call_formats(), chat_template), detected(reasoning_parsers(), chat_template)};
}

Choice choose(std::string_view chat_template, std::string_view tool_calls,
              std::string_view reasoning) {
  Choice choice = detect(chat_template);
  const auto set = [](std::string_view given, std::string& format) {
    if (!given.empty() && given != "auto") format = given == "none" ? "" : given;
  };
  set(tool_calls, choice.tool_calls);
  set(reasoning, choice.reasoning);
  if (const CallFormat* calls = find_call_format(choice.tool_calls))
    choice.tool_calls = calls->name;
  if (const ReasoningParser* parser = find_reasoning_parser(choice.reasoning))
    choice.reasoning = parser->name;
  return choice;
}

std::string call_format_names() { return names(call_formats()); }
std::string reasoning_parser_names() { return names(reasoning_parsers()); }

}  // namespace vecton::parsers
