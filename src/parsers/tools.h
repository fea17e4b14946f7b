// The tools that a request offers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace vecton::parsers {

struct Tool {
  std::string name;
  json::object parameters;  // a JSON schema
};

using Tools = std::vector<Tool>;

// Those of [{"type":"function","function":{"name","parameters"}}], which is checked already.
Tools offered_tools(const json::array& tools);

// Null when none has that name.
const Tool* find_tool(const Tools& tools, std::string_view name);

// The schema of one of its parameters; null when there is none.
const json::object* parameter_schema(const Tool* tool, std::string_view parameter);

}  // namespace vecton::parsers
