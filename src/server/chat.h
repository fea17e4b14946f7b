// The fields by which a body gives chat messages instead of a text.
#pragma once

#include <string>

#include "server/dialect.h"
#include "server/fields.h"
#include "vecton/chat_template.h"

namespace vecton::server {

// Reads messages, tools, documents, chat_template, chat_template_kwargs, continue_final_message and
// add_generation_prompt, which is `generates` when it is absent. The server's template counts where
// the body has none.
Chat read_chat(const Context& context, Fields& fields, bool generates);

}  // namespace vecton::server
