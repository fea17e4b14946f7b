// Dates in templates: strftime_now("%d %b %Y").
#pragma once

#include <string>

#include "chat/interpreter.h"

namespace vecton::chat {

// The time, or now, in the machine's time zone; names of days and months are English.
std::string format_time(Heap& heap, const std::string& format, Clock time);

}  // namespace vecton::chat
