// JSON text to the values of a template: numbers exactly as Python reads them, which the parser's
// own doubles are not. Used by ChatTemplate.
#pragma once

#include <string>
#include <string_view>

#include "chat/value.h"

namespace vecton::chat {

// `what` names the text in errors (kInvalidArgument).
Value parse_json_values(Heap& heap, std::string_view text, const std::string& what);

}  // namespace vecton::chat
