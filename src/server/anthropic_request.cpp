#include "server/anthropic_request.h"

#include <utility>

#include "server/sampling.h"

namespace vecton::server::anthropic {

namespace {

[[noreturn]] void invalid(const std::string& field, const std::string& message) {
  throw Failure(Cause::kInvalid, field + ": " + message, field);
}

std::string text_member(const json::object& block, const char* key, const std::string& where) {
  const json::value* value = block.if_contains(key);
  if (!value || !value->is_string()) invalid(where + "." + key, "expected a string");
  return std::string(value->get_string());
}

// The text of a string or a list of text blocks.
std::string plain_text(const json::value& content, const std::string& where) {
  if (content.is_null()) return "";
  if (content.is_string()) return std::string(content.get_string());
  if (!content.is_array()) invalid(where, "expected a string or a list of blocks");
  std::string text;
  for (const json::value& block : content.get_array()) {
    const json::object* object = block.if_object();
    const json::value* type = object ? object->if_contains("type") : nullptr;
    if (!type || *type != json::value("text"))
      invalid(where, "expected blocks of text: the loaded model takes text");
    if (!text.empty()) text += '\n';
    text += text_member(*object, "text", where);
  }
  return text;
}

// A part of a message as OpenAI's clients have it.
json::object image_part(const json::object& block, const std::string& where) {
  const json::value* given = block.if_contains("source");
  if (!given || !given->is_object()) invalid(where + ".source", "expected an object");
  const json::object& source = given->get_object();
  const std::string type = text_member(source, "type", where + ".source");
  std::string image;
  if (type == "base64") {  // the bytes themselves show what media_type says
    text_member(source, "media_type", where + ".source");
    image = "data:;base64," + text_member(source, "data", where + ".source");
  } else if (type == "url") {
    image = text_member(source, "url", where + ".source");
  } else {
    invalid(where + ".source.type",
            "expected \"base64\" or \"url\", found \"" + type.substr(0, 60) + "\"");
  }
  return {{"type", "image"}, {"image", image}};
}

// The content of a message: its text, or parts where there are images among it.
class Content {
 public:
  void add_text(std::string text) {
    texts_ += (texts_.empty() ? "" : "\n") + text;
    parts_.push_back(json::object{{"type", "text"}, {"text", std::move(text)}});
  }
  void add_image(json::object part) {
    parts_.push_back(std::move(part));
    has_images_ = true;
  }

  bool empty() const { return texts_.empty() && !has_images_; }
  json::value value() const {
    return has_images_ ? json::value(parts_) : json::value(json::string(texts_));
  }

 private:
  std::string texts_;
  json::array parts_;
  bool has_images_ = false;
};

// The text of a tool's result; its images belong to what the user says beside it.
std::string result_text(const json::value& content, const std::string& where, Content& beside) {
  if (!content.is_array()) return plain_text(content, where);
  json::array rest;
  for (const json::value& value : content.get_array()) {
    const json::object* block = value.if_object();
    const json::value* type = block ? block->if_contains("type") : nullptr;
    if (type && *type == json::value("image")) {
      beside.add_image(image_part(*block, where));
    } else {
      rest.push_back(value);
    }
  }
  return plain_text(rest, where);
}

// One turn of Anthropic's, which may be several messages: results of tools come first.
void add_turn(const json::object& turn, const std::string& where, json::array& messages) {
  const std::string role = text_member(turn, "role", where);
  if (role != "user" && role != "assistant" && role != "system")
    invalid(where + ".role", "expected 'user', 'assistant' or 'system', found '" + role + "'");
  const json::value* content = turn.if_contains("content");
  if (!content) invalid(where + ".content", "field required");
  if (!content->is_array()) {
    messages.push_back(json::object{{"role", role}, {"content", plain_text(*content, where)}});
    return;
  }
  json::object message{{"role", role}};
  Content said;
  std::string reasoning;
  json::array calls;
  bool results = false;
  for (const json::value& value : content->get_array()) {
    const json::object* block = value.if_object();
    if (!block) invalid(where + ".content", "expected blocks");
    const std::string type = text_member(*block, "type", where + ".content");
    if (type == "text") {
      said.add_text(text_member(*block, "text", where));
    } else if (type == "image") {
      said.add_image(image_part(*block, where + ".content"));
    } else if (type == "thinking") {
      reasoning += text_member(*block, "thinking", where);
    } else if (type == "tool_use") {
      const json::value* input = block->if_contains("input");
      calls.push_back(
          json::object{{"id", text_member(*block, "id", where)},
                       {"type", "function"},
                       {"function", json::object{{"name", text_member(*block, "name", where)},
                                                 {"arguments", input ? *input : json::object()}}}});
    } else if (type == "tool_result") {
      results = true;
      const json::value* result = block->if_contains("content");
      messages.push_back(
          json::object{{"role", "tool"},
                       {"tool_call_id", text_member(*block, "tool_use_id", where)},
                       {"content", result ? result_text(*result, where + ".content", said) : ""}});
    } else if (type != "redacted_thinking") {
      invalid(where + ".content", "blocks of type \"" + type.substr(0, 60) +
                                      "\" are not supported: text and images are");
    }
  }
  if (results && said.empty() && reasoning.empty() && calls.empty()) return;
  message["content"] = said.value();
  if (!reasoning.empty()) message["reasoning"] = reasoning;
  if (!calls.empty()) message["tool_calls"] = std::move(calls);
  messages.push_back(std::move(message));
}

void read_tools(Fields& fields, Conversation& conversation) {
  const json::value* given = fields.any("tools");
  json::array tools;
  if (given && !given->is_array()) invalid("tools", "expected a list");
  if (given) {
    for (const json::value& value : given->get_array()) {
      const json::object* tool = value.if_object();
      if (!tool) invalid("tools", "expected objects");
      const json::value* schema = tool->if_contains("input_schema");
      if (!schema || schema->is_null())
        invalid("tools", "expected tools with an input_schema: the client runs them");
      json::object function{{"name", text_member(*tool, "name", "tools")}, {"parameters", *schema}};
      if (const json::value* about = tool->if_contains("description"))
        function["description"] = *about;
      tools.push_back(json::object{{"type", "function"}, {"function", std::move(function)}});
    }
  }
  std::optional<json::value> choice;
  if (const json::object* object = fields.object("tool_choice")) {
    Fields inner(*object, "body.tool_choice");
    inner.require("type");
    const auto type = inner.choice("type", {"auto", "any", "tool", "none"});
    const auto name = inner.text("name");
    if (type == "tool") inner.require("name");
    conversation.parallel_calls = !inner.boolean("disable_parallel_tool_use").value_or(false);
    inner.finish_within(fields);
    if (type == "any") choice = "required";
    if (type == "auto" || type == "none") choice = *type;
    if (type == "tool") {
      choice = json::object{{"type", "function"},
                            {"function", json::object{{"name", name.value_or("")}}}};
    }
  }
  set_tools(tools, choice ? &*choice : nullptr, conversation);
}

}  // namespace

Conversation read_conversation(Fields& fields, Generate& generate) {
  Conversation conversation;
  if (const json::value* system = fields.any("system")) {
    conversation.messages.push_back(
        json::object{{"role", "system"}, {"content", plain_text(*system, "system")}});
  }
  fields.require("messages");
  const json::value* messages = fields.any("messages");
  if (messages && !messages->is_array()) invalid("messages", "expected a list");
  if (messages) {
    const json::array& turns = messages->get_array();
    for (size_t i = 0; i < turns.size(); ++i) {
      const std::string where = "messages." + std::to_string(i);
      if (!turns[i].is_object()) invalid(where, "expected an object");
      add_turn(turns[i].get_object(), where, conversation.messages);
    }
  }
  read_tools(fields, conversation);
  if (const json::object* thinking = fields.object("thinking")) {
    Fields inner(*thinking, "body.thinking");
    inner.require("type");
    const auto type = inner.choice("type", {"enabled", "disabled", "adaptive"});
    inner.integer("budget_tokens", 0);
    inner.ignore({"display"});
    inner.finish_within(fields);
    if (type != "adaptive") conversation.thinking = type == "enabled";
  }
  if (const json::object* config = fields.object("output_config")) {
    Fields inner(*config, "body.output_config");
    conversation.effort = inner.choice("effort", {"low", "medium", "high", "xhigh", "max"});
    if (const json::object* format = inner.object("format"))
      generate.structured_output = structured_by_format(inner, *format, "output_config.format");
    inner.finish_within(fields);
  }
  if (const json::object* format = fields.object("output_format")) {  // the older name
    if (generate.structured_output)
      invalid("output_format", "output_config.format says it already: send one of them");
    generate.structured_output = structured_by_format(fields, *format, "output_format");
  }
  // A last turn of the assistant is continued.
  if (!conversation.messages.empty() &&
      conversation.messages.back().at("role") == json::value("assistant"))
    conversation.continue_final_message = true;
  return conversation;
}

}  // namespace vecton::server::anthropic
