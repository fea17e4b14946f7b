// The formats of answers by name, and which of them a chat template asks for. Names are vLLM's
// where it has one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/reasoning.h"
#include "parsers/stage.h"
#include "parsers/tools.h"

namespace vecton::parsers {

struct CallFormat {
  std::string_view name;
  std::vector<std::string_view> aliases;
  // Signs of the format in a chat template: all of one of the lists.
  std::vector<std::vector<std::string_view>> signs;
  // What begins a call even where thinking was not closed.
  std::vector<std::string> interrupts;
  std::string_view tokens;  // that it is made of, one after the other
  std::unique_ptr<Stage> (*make)(Events& events, const Tools& tools);  // null: reads all itself
};

struct ReasoningParser {
  std::string_view name;
  std::vector<std::string_view> aliases;
  std::vector<std::vector<std::string_view>> signs;
  ReasoningFormat format;
};

// GPT-OSS' messages, which hold thinking and calls alike.
constexpr std::string_view kHarmony = "openai";

// Those that templates are compared with first come first.
const std::vector<CallFormat>& call_formats();
const std::vector<ReasoningParser>& reasoning_parsers();

// By name or alias; null when there is none.
const CallFormat* find_call_format(std::string_view name);
const ReasoningParser* find_reasoning_parser(std::string_view name);

// Names of formats, empty where an answer has no calls or no thinking.
struct Choice {
  std::string tool_calls, reasoning;
  bool operator==(const Choice&) const = default;
};

// What answers look like to a template.
Choice detect(std::string_view chat_template);
// The same where names or aliases of formats are given: "" and "auto" = detected, "none" = none.
// A name that is not known stays for AnswerParser to refuse.
Choice choose(std::string_view chat_template, std::string_view tool_calls,
              std::string_view reasoning);

// "hermes, llama3_json, ...": for messages.
std::string call_format_names();
std::string reasoning_parser_names();

}  // namespace vecton::parsers
