// The value of a parameter that a model wrote as plain text, by its declared type.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace vecton::parsers {

// The JSON that `text` stands for. `schema`: of the parameter, or null: JSON when it is some, else
// a string.
std::string typed_value(std::string_view text, const json::object* schema);

// Whether a string is all that the schema allows, so that its text needs not be seen whole.
bool is_string_only(const json::object* schema);

}  // namespace vecton::parsers
