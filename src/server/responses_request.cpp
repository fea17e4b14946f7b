#include "server/responses_request.h"

#include <utility>

#include "server/sampling.h"

namespace vecton::server::openai {

namespace {

[[noreturn]] void invalid(const std::string& field, const std::string& message) {
  throw Failure(Cause::kInvalid, field + ": " + message, field);
}

std::string text_of(const json::object& item, const char* key, const std::string& where) {
  const json::value* value = item.if_contains(key);
  if (!value || !value->is_string()) invalid(where + "." + key, "expected a string");
  return std::string(value->get_string());
}

// The texts of a reasoning item.
std::string reasoning_of(const json::object& item) {
  std::string text;
  for (const char* key : {"content", "summary"}) {
    const json::value* parts = item.if_contains(key);
    if (!text.empty() || !parts || !parts->is_array()) continue;
    for (const json::value& part : parts->get_array()) {
      const json::object* object = part.if_object();
      const json::value* piece = object ? object->if_contains("text") : nullptr;
      if (piece && piece->is_string()) text += piece->get_string();
    }
  }
  return text;
}

// Items to messages: thinking and calls belong to the answer that they stand before or after.
class Turns {
 public:
  void add(const json::object& item, const std::string& where) {
    const std::string type = item.contains("type") ? text_of(item, "type", where) : "message";
    said_ = said_ || type != "reasoning";
    if (type == "message") {
      const std::string role = text_of(item, "role", where);
      const json::value* content = item.if_contains("content");
      if (!content) invalid(where + ".content", "field required");
      json::object message{{"role", role}, {"content", *content}};
      if (role == "assistant") {
        add_reasoning(message);
      } else {
        end_answer();
      }
      messages.push_back(std::move(message));
    } else if (type == "reasoning") {
      reasoning_ += reasoning_of(item);
    } else if (type == "function_call") {
      add_call(item, where);
    } else if (type == "function_call_output") {
      const json::value* output = item.if_contains("output");
      end_answer();
      messages.push_back(json::object{{"role", "tool"},
                                      {"tool_call_id", text_of(item, "call_id", where)},
                                      {"content", output ? *output : json::value("")}});
    } else {
      invalid(where + ".type", "\"" + type.substr(0, 60) + "\" is not supported");
    }
  }

  // Whether there was more than thinking.
  bool said() const { return said_; }

  json::array messages;

 private:
  // What was thought since the last message or call.
  void add_reasoning(json::object& message) {
    if (reasoning_.empty()) return;
    const json::value* before = message.if_contains("reasoning");
    const std::string thought = before ? std::string(before->get_string()) + "\n" : "";
    message["reasoning"] = thought + std::exchange(reasoning_, {});
  }

  // An answer that was cut while it was thought has no more than that.
  void end_answer() {
    if (reasoning_.empty()) return;
    json::object message{{"role", "assistant"}, {"content", ""}};
    add_reasoning(message);
    messages.push_back(std::move(message));
  }

  void add_call(const json::object& item, const std::string& where) {
    json::object* last = messages.empty() ? nullptr : messages.back().if_object();
    if (!last || last->at("role") != json::value("assistant")) {
      messages.push_back(json::object{{"role", "assistant"}, {"content", ""}});
      last = messages.back().if_object();
    }
    add_reasoning(*last);
    if (!last->contains("tool_calls")) (*last)["tool_calls"] = json::array();
    (*last)["tool_calls"].get_array().push_back(
        json::object{{"id", text_of(item, "call_id", where)},
                     {"type", "function"},
                     {"function", json::object{{"name", text_of(item, "name", where)},
                                               {"arguments", text_of(item, "arguments", where)}}}});
  }

  std::string reasoning_;
  bool said_ = false;
};

void read_tools(Fields& fields, Conversation& conversation) {
  json::array tools;
  if (const json::value* given = fields.any("tools")) {
    if (!given->is_array()) invalid("tools", "expected a list");
    for (const json::value& value : given->get_array()) {
      const json::object* tool = value.if_object();
      const json::value* type = tool ? tool->if_contains("type") : nullptr;
      if (!tool || !type || *type != json::value("function"))
        invalid("tools", "expected tools of type 'function': others are not served");
      json::object function = *tool;
      function.erase("type");
      function.erase("strict");
      tools.push_back(json::object{{"type", "function"}, {"function", std::move(function)}});
    }
  }
  std::optional<json::value> choice;
  if (const json::value* given = fields.any("tool_choice")) {
    choice = *given;
    if (const json::object* object = given->if_object()) {
      if (object->contains("type") && object->at("type") != json::value("function"))
        invalid("tool_choice.type", "expected 'function'");
      choice = json::object{
          {"type", "function"},
          {"function", json::object{{"name", text_of(*object, "name", "tool_choice")}}}};
    } else if (tools.empty() && *given == json::value("auto")) {
      choice.reset();  // clients send it without tools as well
    }
  }
  set_tools(tools, choice ? &*choice : nullptr, conversation);
  conversation.parallel_calls = fields.boolean("parallel_tool_calls").value_or(true);
}

}  // namespace

Conversation read_response_input(Fields& fields, Generate& generate) {
  Conversation conversation;
  Turns turns;
  if (const auto instructions = fields.text("instructions"))
    turns.messages.push_back(json::object{{"role", "system"}, {"content", *instructions}});
  fields.require("input");
  if (const json::value* input = fields.any("input")) {
    if (input->is_string()) {
      turns.messages.push_back(json::object{{"role", "user"}, {"content", *input}});
    } else if (input->is_array()) {
      const json::array& items = input->get_array();
      for (size_t i = 0; i < items.size(); ++i) {
        const std::string where = "input[" + std::to_string(i) + "]";
        if (!items[i].is_object()) invalid(where, "expected an object");
        turns.add(items[i].get_object(), where);
      }
      if (!turns.said()) invalid("input", "expected a message, a call or what it gave");
    } else {
      invalid("input", "expected a string or a list of items");
    }
  }
  conversation.messages = std::move(turns.messages);
  read_tools(fields, conversation);
  if (const json::object* text = fields.object("text")) {
    Fields inner(*text, "body.text");
    if (const json::object* format = inner.object("format"))
      generate.structured_output = structured_by_format(inner, *format, "text.format");
    inner.ignore({"verbosity"});
    inner.finish_within(fields);
  }
  if (const json::object* reasoning = fields.object("reasoning")) {
    Fields inner(*reasoning, "body.reasoning");
    conversation.effort =
        inner.choice("effort", {"none", "minimal", "low", "medium", "high", "xhigh", "max"});
    inner.ignore({"summary", "generate_summary"});
    inner.finish_within(fields);
  }
  return conversation;
}

}  // namespace vecton::server::openai
