#include "parsers/tools.h"

namespace vecton::parsers {

Tools offered_tools(const json::array& tools) {
  Tools offered;
  for (const json::value& tool : tools) {
    const json::object& function = tool.at("function").get_object();
    const json::value* parameters = function.if_contains("parameters");
    offered.push_back(
        {std::string(function.at("name").get_string()),
         parameters && parameters->is_object()
             ? json::object(parameters->get_object(), json::storage_ptr())  // outlives the body
             : json::object()});
  }
  return offered;
}

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
