// The fields by which a body gives chat messages instead of a text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/dialect.h"
#include "server/fields.h"
#include "vecton/tokenizer.h"

namespace vecton::server {

// Reads messages, tools, documents, chat_template, chat_template_kwargs, continue_final_message and
// add_generation_prompt, which is `generates` when it is absent. The server's template counts where
// the body has none.
Chat read_chat(const Context& context, Fields& fields, bool generates);

// Where there is no chat they have no effect, but a wrong type is an error all the same.
void check_chat_fields(Fields& fields);

// Whether `value` is a chat, [{"role": ...}, ...], or a list of chats.
bool is_chat(const json::value& value);
bool is_chats(const json::value& value);

// The chats of `field`, which is_chat() or is_chats(), with the other fields of read_chat().
std::vector<Chat> read_chats(const Context& context, Fields& fields, std::string_view field);

}  // namespace vecton::server
