// A tool_choice that leaves the model nothing but calls: they are a structure of its answer, as the
// model itself writes calls where their arguments are JSON, else a JSON list of them.
#pragma once

#include <string_view>

#include "server/chat_prompt.h"

namespace vecton::server {

// Nothing changes unless `conversation` forces calls. Throws Failure.
void force_calls(const Context& context, const Conversation& conversation,
                 std::string_view chat_template, Generate& generate,
                 parsers::ParserOptions& parser);

}  // namespace vecton::server
