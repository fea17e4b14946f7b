// Escaping for HTML, as the filters escape, forceescape and striptags do it.
#pragma once

#include <string>
#include <string_view>

namespace vecton::chat {

std::string escape(std::string_view text);
std::string unescape(
    std::string_view text);  // the five characters that escape() writes, and numbers
std::string strip_tags(std::string_view text);

}  // namespace vecton::chat
