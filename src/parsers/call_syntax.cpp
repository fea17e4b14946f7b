#include "parsers/call_syntax.h"

#include "parsers/formats.h"

namespace vecton::parsers {

namespace {

constexpr std::string_view kName = "{\"name\": \"", kArguments = "\", \"arguments\": ";

// [{"name": ..., "arguments": ...}, ...]
CallSyntax list(std::string_view begin, std::string_view end) {
  return {.begin = begin,
          .before = kName,
          .between = kArguments,
          .after = "}",
          .separator = ", ",
          .end = end};
}

}  // namespace

std::optional<CallSyntax> call_syntax(std::string_view format, std::string_view chat_template) {
  const auto has = [&](std::string_view text) {
    return chat_template.find(text) != std::string_view::npos;
  };
  if (format == kHarmony) {
    return CallSyntax{.before = "<|channel|>commentary to=functions.",
                      .between = " <|constrain|>json<|message|>",
                      .thinking_begin = "<|channel|>analysis<|message|>",
                      .thinking_end = "<|end|><|start|>assistant"};
  }
  if (format == "hermes") {
    return CallSyntax{.before = "<tool_call>\n{\"name\": \"",
                      .between = kArguments,
                      .after = "}\n</tool_call>",
                      .separator = "\n"};
  }
  if (format == "llama3_json")  // its template refuses an answer of several calls
    return CallSyntax{.before = kName, .between = "\", \"parameters\": ", .after = "}"};
  if (format == "mistral") {
    if (has("[ARGS]"))
      return CallSyntax{.before = "[TOOL_CALLS]", .between = "[ARGS]", .separator = ""};
    return list("[TOOL_CALLS][", "]");
  }
  if (format == "granite")
    return has("<|tool_call|>") ? list("<|tool_call|>[", "]") : list("<tool_call>[", "]");
  if (format == "phi4_mini_json")
    return has("functools") ? list("functools[", "]") : list("<|tool_call|>[", "]<|/tool_call|>");
  if (format == "deepseek_v3") {
    return CallSyntax{.begin = "<｜tool▁calls▁begin｜>",
                      .before = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
                      .between = "\n```json\n",
                      .after = "\n```<｜tool▁call▁end｜>",
                      .separator = "\n",
                      .end = "<｜tool▁calls▁end｜>"};
  }
  if (format == "deepseek_v31") {
    return CallSyntax{.begin = "<｜tool▁calls▁begin｜>",
                      .before = "<｜tool▁call▁begin｜>",
                      .between = "<｜tool▁sep｜>",
                      .after = "<｜tool▁call▁end｜>",
                      .separator = "",
                      .end = "<｜tool▁calls▁end｜>"};
  }
  if (format == "kimi_k2") {  // the number of a call is in its name: the first only
    return CallSyntax{.begin = "<|tool_calls_section_begin|>",
                      .before = "<|tool_call_begin|>functions.",
                      .between = ":0<|tool_call_argument_begin|>",
                      .after = "<|tool_call_end|>",
                      .end = "<|tool_calls_section_end|>"};
  }
  return std::nullopt;
}

}  // namespace vecton::parsers
