// JSON strings straight into the text of an answer, without a document in between.
#pragma once

#include <string>
#include <string_view>

namespace vecton::base {

// Appends `text` as a JSON string in valid UTF-8: bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace vecton::base
