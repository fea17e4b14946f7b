#include "server/chat.h"

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

}  // namespace

ChatFields read_chat(Fields& fields, bool generates) {
  ChatFields chat;
  chat.input.messages = list(fields, "messages");
  chat.input.tools = list(fields, "tools");
  chat.input.documents = list(fields, "documents");
  if (const json::object* variables = fields.object("chat_template_kwargs")) {
    chat.input.variables = json::serialize(*variables);
  }
  chat.input.add_generation_prompt = fields.boolean("add_generation_prompt").value_or(generates);
  if (fields.boolean("continue_final_message").value_or(false)) {
    chat.input.continue_final_message = "content";
    if (chat.input.add_generation_prompt && fields.any("add_generation_prompt")) {
      throw Failure(Cause::kInvalid,
                    "Cannot set both `continue_final_message` and `add_generation_prompt` to True.",
                    "continue_final_message");
    }
    chat.input.add_generation_prompt = false;
  }
  chat.name = fields.text("chat_template").value_or("");
  return chat;
}

std::string ChatFields::render(const Context& context) const {
  const std::string& chosen = name.empty() ? context.options.chat_template : name;
  if (context.templates) return context.templates->render(input, chosen);
  if (chosen.empty()) throw Failure(Cause::kInvalid, "the model has no chat template", "messages");
  return ChatTemplate::parse(chosen).render(input);
}

}  // namespace vecton::server
