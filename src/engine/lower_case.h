// Lower-casing of whole texts, as Python's str.lower() does it: what do_lower_case asks for.
#pragma once

#include <string>
#include <string_view>

namespace vecton {

// Unicode simple lower case, the final form of a Greek sigma at the end of a word, and U+0130 as
// "i" + U+0307. Bytes that are not UTF-8 stay.
std::string lower_case(std::string_view text);

}  // namespace vecton
