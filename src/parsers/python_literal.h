// Values and calls as Python writes them, to JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vecton::parsers {

// The JSON of a literal: 'text', True, None, [1, 2], (1, 2), {'a': 1.5}; what JSON writes counts as
// well. Nothing when it is none, or nested too deeply.
std::optional<std::string> json_of_python(std::string_view text);

struct PythonCall {
  std::string name;
  std::vector<std::pair<std::string, std::string>> arguments;  // names and JSON; "" by position
};

// "f(a=1, b='x')".
std::optional<PythonCall> python_call(std::string_view text);

}  // namespace vecton::parsers
