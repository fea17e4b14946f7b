// Lower-casing of whole texts, as Python's str.lower() does it: what do_lower_case asks for.
#pragma once

#include <string>
#include <string_view>

namespace vecton::engine {

// Unicode lower case, character by character, and the final form of a Greek sigma at the end of a
// word. Bytes that are not UTF-8 become U+FFFD, as the tokenizer reads them.
std::string lower_case(std::string_view text);

}  // namespace vecton::engine
