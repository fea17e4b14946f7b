// Escaping for HTML, as the filters escape, forceescape and striptags do it.
#pragma once

#include <string>
#include <string_view>

#include "base/markup.h"

namespace vecton::chat {

using base::escape_markup;
// The five characters that escape_markup() writes, and numbers.
std::string unescape(std::string_view text);
std::string strip_tags(std::string_view text);

}  // namespace vecton::chat
