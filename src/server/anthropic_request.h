// A body of Anthropic's Messages API as a conversation.
#pragma once

#include "server/chat_prompt.h"
#include "server/fields.h"

namespace vecton::server::anthropic {

// messages, system, tools, tool_choice, thinking and output_config; the latter's schema goes into
// `generate`. Throws Failure.
Conversation read_conversation(Fields& fields, Generate& generate);

}  // namespace vecton::server::anthropic
