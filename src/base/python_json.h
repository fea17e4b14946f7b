// JSON as Python's json.dumps writes it: NaN, Infinity, and halves of surrogate pairs.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace vecton::base {

// What is done about bytes in strings that are not UTF-8.
enum class BadBytes { kRefuse, kReplace };

// parse_json() of a text that may hold what JSON does not have: numbers that are none are read as
// infinities, lone halves of surrogate pairs, and bytes that are replaced, as U+FFFD.
json::value parse_python_json(std::string_view text, const std::string& what, BadBytes bad_bytes,
                              json::storage_ptr memory = {});

}  // namespace vecton::base
