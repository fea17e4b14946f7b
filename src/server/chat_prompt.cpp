#include "server/chat_prompt.h"

#include <algorithm>
#include <utility>

#include "parsers/content_beginning.h"
#include "parsers/forced_calls.h"
#include "server/messages.h"

namespace vecton::server {

namespace {

constexpr size_t kMaxTools = 128;

using parsers::Calling;

// Where the structure of an answer begins: behind thinking, where there will be any or may be.
void set_beginning(const Context& context, const parsers::ParserOptions& parser,
                   StructuredOutput& structure) {
  const auto encode = [&](std::string_view text) {
    return context.tokenizer.encode(text, {.add_special_tokens = false}).ids;
  };
  const parsers::ContentBeginning beginning = parsers::content_beginning(parser);
  if (!beginning.after.empty()) structure.begins_after = encode(beginning.after);
  if (!beginning.thinking.empty()) structure.thinking_begins = encode(beginning.thinking);
}

bool forces_calls(const Conversation& conversation) {
  return conversation.calling == Calling::kRequired || conversation.calling == Calling::kNamed;
}

void force_calls(const Context& context, const Conversation& conversation,
                 std::string_view chat_template, Generate& generate,
                 parsers::ParserOptions& parser) {
  if (!forces_calls(conversation)) return;
  if (generate.structured_output) {
    throw Failure(Cause::kInvalid, "tool_choice and a structured output exclude each other",
                  "tool_choice");
  }
  generate.structured_output = parsers::forced_calls(
      conversation.tools, conversation.parallel_calls, chat_template,
      [&](std::string_view token) { return context.tokenizer.token_to_id(token); }, parser);
}

// GPT-OSS was trained on three efforts: others mean the nearest.
std::string effort_for(const parsers::Choice& formats, const std::string& effort) {
  if (formats.reasoning != parsers::kHarmony) return effort;
  if (effort == "none" || effort == "minimal") return "low";
  return effort == "xhigh" || effort == "max" ? "high" : effort;
}

void refuse_unread_tools(const Context& context, const Conversation& conversation,
                         const std::string& text) {
  if (conversation.tools.empty() || conversation.calling != Calling::kAuto) return;
  if (text.find("tools") != std::string::npos) return;
  throw Failure(Cause::kInvalid,
                context.names.front() +
                    " does not support tools: its chat template does not show them to the model. "
                    "Leave out tools, or set tool_choice to \"required\" or to one of them",
                "tools");
}

// A template of texts says nothing where an image was.
void require_placeholder(const Context& context, const std::string& prompt) {
  const std::string& placeholder = context.info.image_placeholder;
  if (!placeholder.empty() && prompt.find(placeholder) != std::string::npos) return;
  throw Failure(Cause::kInvalid,
                "messages: the chat template writes nothing for images (" + placeholder +
                    "): give another as chat_template",
                "messages");
}

// The ids of calls and of their results, as the template takes them.
void set_call_ids(json::array& messages, const parsers::Choice& formats) {
  const auto set = [&](json::object& object, const char* key) {
    json::value* id = object.if_contains(key);
    if (id && id->is_string()) *id = parsers::call_id_in_prompt(formats, id->get_string());
  };
  for (json::value& message : messages) {
    json::object& object = message.get_object();
    set(object, "tool_call_id");
    json::value* calls = object.if_contains("tool_calls");
    if (!calls) continue;
    for (json::value& call : calls->get_array()) set(call.get_object(), "id");
  }
}

// Tools as the template takes them: GPT-OSS' writes a description of each.
json::array tools_for(const parsers::Choice& formats, const json::array& offered) {
  json::array tools = offered;
  if (formats.reasoning != parsers::kHarmony) return tools;
  for (json::value& tool : tools) {
    json::value& about = tool.at("function").get_object()["description"];
    if (about.is_null()) about = "";
  }
  return tools;
}

ChatInput input_of(const Conversation& conversation, const std::string& text,
                   std::vector<Image>* images) {
  ChatInput input;
  json::array messages = normalised_messages(conversation.messages, reads_parts(text), images);
  // Templates that do not know OpenAI's newer word know the older.
  if (text.find("developer") == std::string::npos) {
    for (json::value& message : messages) {
      json::value& role = message.get_object()["role"];
      if (role == json::value("developer")) role = "system";
    }
  }
  const parsers::Choice formats = parsers::detect(text);
  set_call_ids(messages, formats);
  input.messages = json::serialize(messages);
  json::object variables = conversation.variables;
  if (!conversation.tools.empty()) {
    input.tools = json::serialize(tools_for(formats, conversation.tools));
    // SmolLM3's template reads them under this name alone.
    if (text.find("xml_tools") != std::string::npos && !variables.contains("xml_tools"))
      variables["xml_tools"] = conversation.tools;
  }
  if (!conversation.documents.empty()) input.documents = json::serialize(conversation.documents);
  std::optional<bool> thinking = conversation.thinking;
  if (conversation.effort) {
    if (!variables.contains("reasoning_effort"))
      variables["reasoning_effort"] = effort_for(formats, *conversation.effort);
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

// What a tool says of itself, where it does.
void check_function(const json::object& function, const std::string& where) {
  const json::value* about = function.if_contains("description");
  if (about && !about->is_null() && !about->is_string())
    throw Failure(Cause::kInvalid, where + ".description: expected a string", "tools");
  const json::value* parameters = function.if_contains("parameters");
  if (parameters && !parameters->is_null() && !parameters->is_object())
    throw Failure(Cause::kInvalid, where + ".parameters: expected a JSON schema, an object",
                  "tools");
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
  refuse_unread_tools(context, conversation, text);
  ChatPrompt prompt;
  prompt.parser = {.formats = parsers::choose(text, context.options.tool_call_parser,
                                              context.options.reasoning_parser),
                   .calling = conversation.tools.empty() ? Calling::kNone : conversation.calling,
                   .named = conversation.named,
                   .continues = conversation.continue_final_message};
  prompt.parser.tools = parsers::offered_tools(conversation.tools);
  std::vector<Image> images;
  const ChatInput input = input_of(conversation, text, context.info.images ? &images : nullptr);
  prompt.parser.prompt = context.templates.render(input, chat_template);
  if (!images.empty()) require_placeholder(context, prompt.parser.prompt);
  force_calls(context, conversation, text, generate, prompt.parser);
  if (generate.structured_output)
    set_beginning(context, prompt.parser, *generate.structured_output);
  // The formats are made of special tokens, which are left out of content behind the parser.
  if (generate.skip_special_tokens.value_or(true) &&
      (!prompt.parser.formats.tool_calls.empty() || !prompt.parser.formats.reasoning.empty())) {
    generate.skip_special_tokens = false;
    for (const auto& [name, token] : context.tokenizer.special_tokens())
      prompt.parser.special_tokens.push_back(token);
  }
  prompt.request.task = std::move(generate);
  prompt.request.prompt.input = prompt.parser.prompt;
  prompt.request.prompt.images = std::move(images);
  prompt.request.prompt.prompt_text = "";
  prompt.request.prompt.add_special_tokens = false;
  return prompt;
}

std::string structure_field(const Conversation& conversation, const std::string& otherwise) {
  return forces_calls(conversation) ? "tools" : otherwise;
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
    const bool other =
        tool && tool->contains("type") && tool->at("type") != json::value("function");
    if (other || !name || !name->is_string() || name->get_string().empty()) {
      throw Failure(Cause::kInvalid,
                    "tools[" + std::to_string(i) +
                        R"(]: expected {"type": "function", "function": {"name": ...}})",
                    "tools");
    }
    check_function(function->get_object(), "tools[" + std::to_string(i) + "].function");
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
    const bool other =
        object && object->contains("type") && object->at("type") != json::value("function");
    if (other || !name || !name->is_string()) {
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

}  // namespace vecton::server
