// The fields by which a body gives chat messages instead of a text.
#pragma once

#include <string>

#include "server/dialect.h"
#include "server/fields.h"
#include "vecton/chat_template.h"

namespace vecton::server {

struct ChatFields {
  ChatInput input;
  std::string name;  // of the template, or its text; empty: the checkpoint's

  // The prompt. Throws Failure or Error.
  std::string render(const Context& context) const;
};

// Reads messages, tools, documents, chat_template, chat_template_kwargs, continue_final_message and
// add_generation_prompt, which is `generates` when it is absent.
ChatFields read_chat(Fields& fields, bool generates);

}  // namespace vecton::server
