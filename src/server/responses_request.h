// A body of OpenAI's Responses API as a conversation.
#pragma once

#include "server/chat_prompt.h"
#include "server/fields.h"

namespace vecton::server::openai {

// input, instructions, tools, tool_choice, text and reasoning; the schema of `text` goes into
// `generate`. Throws Failure.
Conversation read_response_input(Fields& fields, Generate& generate);

}  // namespace vecton::server::openai
