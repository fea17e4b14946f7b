#include "server/chat.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace vecton::server {

namespace {

std::string list(Fields& fields, const char* key) {
  const json::value* value = fields.any(key);
  if (!value) return "";
  if (!value->is_array()) {
    fields.wrong(key, "list_type", "Input should be a valid list");
    return "";
  }
  return json::serialize(*value);
}

// The same of objects.
std::string objects(Fields& fields, const char* key) {
  std::string text = list(fields, key);
  if (!text.empty() && !std::ranges::all_of(fields.any(key)->get_array(), &json::value::is_object))
    fields.wrong(key, "dict_type", "expected a list of objects");
  return text;
}

// Whether a message is continued, and not what asks for another.
bool continues(Fields& fields) {
  const bool other = fields.boolean("add_generation_prompt").value_or(false);
  const bool continued = fields.boolean("continue_final_message").value_or(false);
  if (continued && other) {
    throw Failure(Cause::kInvalid,
                  "Cannot set both `continue_final_message` and `add_generation_prompt` to True.",
                  "continue_final_message");
  }
  return continued;
}

}  // namespace

void check_chat_fields(Fields& fields) {
  for (const char* key : {"tools", "documents"}) objects(fields, key);
  continues(fields);
  fields.object("chat_template_kwargs");
  fields.text("chat_template");
}

Chat read_chat(const Context& context, Fields& fields, bool generates) {
  Chat chat;
  chat.input.messages = list(fields, "messages");
  chat.input.tools = objects(fields, "tools");
  chat.input.documents = objects(fields, "documents");
  if (const json::object* variables = fields.object("chat_template_kwargs")) {
    chat.input.variables = json::serialize(*variables);
  }
  chat.input.add_generation_prompt = fields.boolean("add_generation_prompt").value_or(generates);
  if (continues(fields)) {
    chat.input.continue_final_message = "content";
    chat.input.add_generation_prompt = false;
  }
  chat.chat_template = fields.text("chat_template").value_or("");
  if (chat.chat_template.empty()) chat.chat_template = context.options.chat_template;
  return chat;
}

bool is_chat(const json::value& value) {
  if (!value.is_array() || value.get_array().empty()) return false;
  const json::object* message = value.get_array().front().if_object();
  const json::value* role = message ? message->if_contains("role") : nullptr;
  return role && role->is_string();
}

bool is_chats(const json::value& value) {
  return value.is_array() && !value.get_array().empty() && is_chat(value.get_array().front());
}

std::vector<Chat> read_chats(const Context& context, Fields& fields, std::string_view field) {
  Chat like = read_chat(context, fields, false);
  const json::value& value = *fields.any(field);
  if (!is_chats(value)) {
    like.input.messages = json::serialize(value);
    return {std::move(like)};
  }
  std::vector<Chat> chats;
  for (const json::value& chat : value.get_array()) {
    if (!is_chat(chat)) {
      fields.wrong(std::string(field) + "." + std::to_string(chats.size()), "list_type",
                   "expected a list of messages like the first");
      break;
    }
    chats.push_back(like);
    chats.back().input.messages = json::serialize(chat);
  }
  return chats;
}

}  // namespace vecton::server
