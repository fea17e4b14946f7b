#include "parsers/tools.h"

namespace vecton::parsers {

const Tool* find_tool(const Tools& tools, std::string_view name) {
  for (const Tool& tool : tools) {
    if (tool.name == name) return &tool;
  }
  return nullptr;
}

const json::object* parameter_schema(const Tool* tool, std::string_view parameter) {
  const json::value* properties = tool ? tool->parameters.if_contains("properties") : nullptr;
  const json::object* object = properties ? properties->if_object() : nullptr;
  const json::value* schema = object ? object->if_contains(parameter) : nullptr;
  return schema ? schema->if_object() : nullptr;
}

}  // namespace vecton::parsers
