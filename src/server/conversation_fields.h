// The fields by which a body of OpenAI's and vLLM's gives a conversation.
#pragma once

#include "server/chat_prompt.h"
#include "server/fields.h"

namespace vecton::server::openai {

// messages, tools, tool_choice, parallel_tool_calls, documents, chat_template_kwargs,
// reasoning_effort, enable_thinking, add_generation_prompt (true), continue_final_message and
// chat_template. Throws Failure.
void read_conversation(Fields& fields, Conversation& conversation);

// messages alone, and all but them.
void read_messages(Fields& fields, Conversation& conversation);
void read_conversation_settings(Fields& fields, Conversation& conversation);

}  // namespace vecton::server::openai
