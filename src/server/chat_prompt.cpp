#include "server/chat_prompt.h"

#include <algorithm>
#include <utility>

#include "server/messages.h"

namespace vecton::server {

namespace {

constexpr size_t kMaxTools = 128;

using parsers::Calling;

// The tokens behind which an answer's structure begins: none when the prompt has ended the
// thinking, or nothing says that there will be any.
std::vector<int32_t> end_of_thinking(const Context& context, const parsers::ParserOptions& parser) {
  const auto encode = [&](std::string_view text) {
    return context.tokenizer.encode(text, {.add_special_tokens = false}).ids;
  };
  if (parser.formats.reasoning == parsers::kHarmony ||
      parser.formats.tool_calls == parsers::kHarmony)
    return encode("<|channel|>final<|message|>");
  const auto* reasoning = parsers::find_reasoning_parser(parser.formats.reasoning);
  if (!reasoning) return {};
  const parsers::ReasoningFormat& format = reasoning->format;
  std::string_view prompt = parser.prompt;
  while (!prompt.empty() && (prompt.back() == '\n' || prompt.back() == ' '))
    prompt.remove_suffix(1);
  const bool inside = parsers::starts_in_reasoning(format, prompt, parser.continues);
  const bool closed =
      std::any_of(format.closes.begin(), format.closes.end(),
                  [&](const std::string& close) { return prompt.ends_with(close); });
  const bool begins_itself = reasoning->name == "qwen3" && !closed && !parser.continues;
  if (!inside && !begins_itself) return {};
  return encode(format.closes.front());
}

// {"type":"array","items":{"anyOf":[a call of each tool]}}.
std::string calls_schema(const Conversation& conversation) {
  json::array calls;
  json::object definitions;
  for (const json::value& tool : conversation.tools) {
    const json::object& function = tool.at("function").get_object();
    json::value parameters = json::object{{"type", "object"}};
    if (const json::value* given = function.if_contains("parameters");
        given && given->is_object()) {
      json::object schema = given->get_object();
      for (const char* key : {"$defs", "definitions"}) {
        if (const json::value* defs = schema.if_contains(key); defs && defs->is_object()) {
          for (const auto& [name, definition] : defs->get_object()) definitions[name] = definition;
          if (std::string_view(key) == "$defs") schema.erase(key);
        }
      }
      parameters = std::move(schema);
    }
    calls.push_back(json::object{
        {"type", "object"},
        {"properties",
         json::object{{"name", json::object{{"enum", json::array{function.at("name")}}}},
                      {"parameters", std::move(parameters)}}},
        {"required", json::array{"name", "parameters"}},
        {"additionalProperties", false}});
  }
  json::object schema{
      {"type", "array"}, {"minItems", 1}, {"items", json::object{{"anyOf", std::move(calls)}}}};
  if (!conversation.parallel_calls) schema["maxItems"] = 1;
  if (!definitions.empty()) schema["$defs"] = std::move(definitions);
  return json::serialize(schema);
}

void force_calls(const Conversation& conversation, Generate& generate) {
  if (conversation.calling != Calling::kRequired && conversation.calling != Calling::kNamed) return;
  if (generate.structured_output) {
    throw Failure(Cause::kInvalid, "tool_choice and a structured output exclude each other",
                  "tool_choice");
  }
  std::string schema = calls_schema(conversation);
  if (conversation.calling == Calling::kNamed) {
    for (const json::value& tool : conversation.tools) {
      const json::object& function = tool.at("function").get_object();
      if (function.at("name") != json::value(conversation.named)) continue;
      const json::value* parameters = function.if_contains("parameters");
      schema = parameters && parameters->is_object() ? json::serialize(*parameters)
                                                     : R"({"type":"object"})";
    }
  }
  generate.structured_output = StructuredOutput{.kind = JsonSchema{.schema = std::move(schema)}};
}

parsers::Choice formats_of(const Context& context, const std::string& text) {
  parsers::Choice formats = parsers::detect(text);
  const auto set = [](const std::string& option, std::string& format) {
    if (!option.empty() && option != "auto") format = option == "none" ? "" : option;
  };
  set(context.options.tool_call_parser, formats.tool_calls);
  set(context.options.reasoning_parser, formats.reasoning);
  return formats;
}

ChatInput input_of(const Conversation& conversation, const std::string& text) {
  ChatInput input;
  json::array messages = normalised_messages(conversation.messages, reads_parts(text));
  // Templates that do not know OpenAI's newer word know the older.
  if (text.find("developer") == std::string::npos) {
    for (json::value& message : messages) {
      json::value& role = message.get_object()["role"];
      if (role == json::value("developer")) role = "system";
    }
  }
  input.messages = json::serialize(messages);
  json::object variables = conversation.variables;
  if (!conversation.tools.empty()) {
    input.tools = json::serialize(conversation.tools);
    // SmolLM3's template reads them under this name alone.
    if (text.find("xml_tools") != std::string::npos && !variables.contains("xml_tools"))
      variables["xml_tools"] = conversation.tools;
  }
  if (!conversation.documents.empty()) input.documents = json::serialize(conversation.documents);
  std::optional<bool> thinking = conversation.thinking;
  if (conversation.effort) {
    if (!variables.contains("reasoning_effort"))
      variables["reasoning_effort"] = *conversation.effort;
    if (!thinking) thinking = *conversation.effort != "none";
  }
  if (thinking) {
    for (const char* name : {"enable_thinking", "thinking"}) {
      if (!variables.contains(name)) variables[name] = *thinking;
    }
  }
  if (!variables.empty()) input.variables = json::serialize(variables);
  input.add_generation_prompt = conversation.add_generation_prompt;
  if (conversation.continue_final_message) {
    input.continue_final_message = "content";
    input.add_generation_prompt = false;
  }
  return input;
}

}  // namespace

ChatPrompt make_chat_prompt(const Context& context, const Conversation& conversation,
                            Generate generate) {
  const std::string& chat_template = conversation.chat_template.empty()
                                         ? context.options.chat_template
                                         : conversation.chat_template;
  ChatInput which;
  if (!conversation.tools.empty()) which.tools = "[]";
  if (context.templates.empty() && chat_template.empty()) {
    throw Failure(Cause::kInvalid,
                  "the model has no chat template: give one in the request, as chat_template, or "
                  "send the prompt to /v1/completions",
                  "messages");
  }
  const std::string text = context.templates.text(which, chat_template);
  ChatPrompt prompt;
  prompt.parser = {.formats = formats_of(context, text),
                   .calling = conversation.tools.empty() ? Calling::kNone : conversation.calling,
                   .named = conversation.named,
                   .continues = conversation.continue_final_message};
  for (const json::value& tool : conversation.tools) {
    const json::object& function = tool.at("function").get_object();
    const json::value* parameters = function.if_contains("parameters");
    prompt.parser.tools.push_back(
        {std::string(function.at("name").get_string()),
         parameters && parameters->is_object()
             ? json::object(parameters->get_object(), json::storage_ptr())  // outlives the body
             : json::object()});
  }
  const ChatInput input = input_of(conversation, text);
  prompt.parser.prompt = context.templates.render(input, chat_template);
  force_calls(conversation, generate);
  if (generate.structured_output)
    generate.structured_output->begins_after = end_of_thinking(context, prompt.parser);
  // The formats are made of special tokens, which are left out of content behind the parser.
  if (generate.skip_special_tokens.value_or(true) &&
      (!prompt.parser.formats.tool_calls.empty() || !prompt.parser.formats.reasoning.empty())) {
    generate.skip_special_tokens = false;
    for (const auto& [name, token] : context.tokenizer.special_tokens())
      prompt.parser.special_tokens.push_back(token);
  }
  prompt.request.task = std::move(generate);
  prompt.request.prompt.input = prompt.parser.prompt;
  prompt.request.prompt.prompt_text = "";
  prompt.request.prompt.add_special_tokens = false;
  return prompt;
}

void set_tools(const json::array& tools, const json::value* choice, Conversation& conversation) {
  if (tools.size() > kMaxTools) {
    throw Failure(Cause::kInvalid, "tools: expected at most " + std::to_string(kMaxTools), "tools");
  }
  for (size_t i = 0; i < tools.size(); ++i) {
    const json::object* tool = tools[i].if_object();
    const json::value* function = tool ? tool->if_contains("function") : nullptr;
    const json::value* name =
        function && function->is_object() ? function->get_object().if_contains("name") : nullptr;
    if (!name || !name->is_string() || name->get_string().empty()) {
      throw Failure(Cause::kInvalid,
                    "tools[" + std::to_string(i) +
                        R"(]: expected {"type": "function", "function": {"name": ...}})",
                    "tools");
    }
  }
  conversation.tools = tools;
  if (!choice) return;
  if (tools.empty() && *choice != json::value("none")) {
    throw Failure(Cause::kInvalid, "When using `tool_choice`, `tools` must be set.", "tool_choice");
  }
  if (*choice == json::value("auto")) return;
  if (*choice == json::value("none")) {
    conversation.calling = Calling::kNone;
  } else if (*choice == json::value("required")) {
    conversation.calling = Calling::kRequired;
  } else {
    const json::object* object = choice->if_object();
    const json::value* function = object ? object->if_contains("function") : nullptr;
    const json::object* inner = function ? function->if_object() : nullptr;
    const json::value* name = inner ? inner->if_contains("name") : nullptr;
    if (!name || !name->is_string()) {
      throw Failure(Cause::kInvalid,
                    "tool_choice: expected 'none', 'auto', 'required' or "
                    R"({"type": "function", "function": {"name": ...}})",
                    "tool_choice");
    }
    conversation.calling = Calling::kNamed;
    conversation.named = name->get_string();
    const bool offered = std::any_of(tools.begin(), tools.end(), [&](const json::value& tool) {
      return tool.at("function").at("name") == *name;
    });
    if (!offered) {
      throw Failure(Cause::kInvalid,
                    "tool_choice: the tool \"" + conversation.named + "\" is not in tools",
                    "tool_choice");
    }
  }
}

std::string call_id(const parsers::ParserOptions& parser, std::string_view request, int64_t choice,
                    size_t call) {
  constexpr std::string_view kDigits =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  // FNV-1a of all that makes a call one of its own.
  uint64_t hash = 0xcbf29ce484222325u;
  const auto mix = [&](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3u; };
  for (const char c : request) mix(static_cast<unsigned char>(c));
  for (const uint64_t number : {static_cast<uint64_t>(choice), static_cast<uint64_t>(call)}) {
    for (int shift = 0; shift < 64; shift += 8) mix(static_cast<unsigned char>(number >> shift));
  }
  const bool mistral = parser.formats.tool_calls == "mistral";
  std::string id = mistral ? "" : "call_";
  for (int i = 0; i < (mistral ? 9 : 20); ++i) {
    hash ^= hash >> 29;
    hash *= 0xbf58476d1ce4e5b9u;
    id += kDigits[(hash >> 33) % kDigits.size()];
  }
  return id;
}

}  // namespace vecton::server
