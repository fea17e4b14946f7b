// Gives every name of a parsed template its slot, by the rules by which Jinja compiles templates:
// a name that a block sets is one variable of that block from its start, loops and macros have
// scopes of their own, {% if %} has none. Called by the parser.
#pragma once

#include "chat/ast.h"

namespace vecton::chat {

// Also refuses unknown filters and tests where Jinja does, and stores to `loop` inside loops.
void resolve_names(Program& program);

}  // namespace vecton::chat
