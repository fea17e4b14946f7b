#include "server/conversation_fields.h"

#include <algorithm>

namespace vecton::server::openai {

namespace {

const json::array& list(Fields& fields, const char* key) {
  static const json::array empty;
  const json::value* value = fields.any(key);
  if (!value) return empty;
  if (value->is_array()) return value->get_array();
  fields.wrong(key, "list_type", "expected a list");
  return empty;
}

}  // namespace

void read_messages(Fields& fields, Conversation& conversation) {
  fields.require("messages");
  conversation.messages = list(fields, "messages");
}

void read_conversation(Fields& fields, Conversation& conversation) {
  read_messages(fields, conversation);
  read_conversation_settings(fields, conversation);
}

void read_conversation_settings(Fields& fields, Conversation& conversation) {
  const json::value* tools = fields.any("tools");
  const json::value* choice = fields.any("tool_choice");
  if (tools && tools->is_array() && tools->get_array().empty())
    fields.wrong("tools", "too_short", "must not be empty: leave it out");
  const json::array& offered = list(fields, "tools");
  if (fields.good()) set_tools(offered, choice, conversation);
  conversation.parallel_calls = fields.boolean("parallel_tool_calls").value_or(true);
  conversation.documents = list(fields, "documents");
  if (!std::ranges::all_of(conversation.documents, &json::value::is_object))
    fields.wrong("documents", "dict_type", "expected a list of objects");
  if (const json::object* variables = fields.object("chat_template_kwargs"))
    conversation.variables = *variables;
  conversation.effort = fields.choice("reasoning_effort",
                                      {"none", "minimal", "low", "medium", "high", "xhigh", "max"});
  conversation.thinking = fields.boolean("enable_thinking");
  const auto generation_prompt = fields.boolean("add_generation_prompt");
  conversation.add_generation_prompt = generation_prompt.value_or(true);
  conversation.continue_final_message = fields.boolean("continue_final_message").value_or(false);
  if (conversation.continue_final_message && generation_prompt.value_or(false)) {
    throw Failure(Cause::kInvalid,
                  "Cannot set both `continue_final_message` and `add_generation_prompt` to True.",
                  "continue_final_message");
  }
  conversation.chat_template = fields.text("chat_template").value_or("");
}

}  // namespace vecton::server::openai
