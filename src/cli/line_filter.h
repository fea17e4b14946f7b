// JSON lines in, JSON lines out: what `tokenize --json` and `detokenize --json` are.
#pragma once

#include <functional>
#include <string>

#include "base/json_fwd.h"

namespace vecton::cli {

// For every line of standard input that is not blank, parses an object and prints what `answer`
// appends, and a line end. Answers are printed as soon as no further line is at hand. What `answer`
// throws becomes a Failure (kInput) with the number of the line.
void filter_json_lines(const std::function<void(const json::object&, std::string&)>& answer);

// Typed members of a line. They throw Error (kInvalidArgument) naming the field when it has another
// type; null counts as absent.
const json::value* member(const json::object& object, const char* field);
bool bool_or(const json::object& object, const char* field, bool fallback);
int64_t count_or(const json::object& object, const char* field, int64_t fallback);
std::string text_member(const json::value& value, const char* field);
[[noreturn]] void refuse_member(const char* field, const char* expected);

}  // namespace vecton::cli
