// A JSON document in which some object has a key twice says two things at once: readers that keep
// the first and readers that keep the last see different files. Used by the readers of weight
// files.
#pragma once

#include <string>
#include <string_view>

namespace vecton {

// Throws kCorrupt naming `what` and the key. Invalid JSON is left for parse_json to refuse.
void require_unique_keys(std::string_view text, const std::string& what);

}  // namespace vecton
