// A conversation as transformers hands it to a template: what apply_chat_template() does to
// messages before and to the prompt after. Used by ChatTemplate.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/ast.h"
#include "chat/value.h"
#include "vecton/tokenizer.h"

namespace vecton::chat {

// `text` is what `program` was parsed from. Throws Error.
std::string render_conversation(
    Heap& heap, const Program& program, std::string_view text, const ChatInput& input,
    const std::vector<std::pair<std::string, std::string>>& special_tokens);

}  // namespace vecton::chat
