// Parser: the text of a chat template to a Program, as Jinja parses it. Errors name the line.
#pragma once

#include <memory>
#include <string_view>

#include "chat/ast.h"

namespace vecton::chat {

std::unique_ptr<const Program> parse_program(std::string_view source);

}  // namespace vecton::chat
