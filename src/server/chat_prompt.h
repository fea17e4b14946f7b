// A conversation and its tools, from whatever dialect, to the request that generates the answer and
// the way in which its text is read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "parsers/answer_parser.h"
#include "parsers/call_id.h"
#include "server/dialect.h"

namespace vecton::server {

struct Conversation {
  json::array messages{};
  json::array tools{};  // [{"type":"function","function":{"name","parameters"}}]
  parsers::Calling calling = parsers::Calling::kAuto;
  std::string named{};  // the function that must be called
  bool parallel_calls = true;
  json::array documents{};
  json::object variables{};             // chat_template_kwargs
  std::optional<std::string> effort{};  // reasoning_effort
  std::optional<bool> thinking{};       // on or off, where the model lets one choose
  bool add_generation_prompt = true, continue_final_message = false;
  std::string chat_template{};  // empty: the server's, else the model's
};

struct ChatPrompt {
  Request request;                // of the rendered prompt
  parsers::ParserOptions parser;  // of its answer
};

// `generate`: how. Its structured output begins where thinking ends; forced calls get their own.
// Throws Failure.
ChatPrompt make_chat_prompt(const Context& context, const Conversation& conversation,
                            Generate generate);

// The field that asks for the structure of an answer, for errors: `tools` where calls are forced.
std::string structure_field(const Conversation& conversation, const std::string& otherwise);

// The tools of a body, checked; `choice`: its tool_choice in OpenAI's words, null when absent.
void set_tools(const json::array& tools, const json::value* choice, Conversation& conversation);

}  // namespace vecton::server
