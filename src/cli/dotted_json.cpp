#include "cli/dotted_json.h"

#include "cli/arguments.h"
#include "cli/foreign_options.h"

namespace vecton::cli {

namespace {

json::value value_of(const std::string& text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (!error) return value;
  if (const auto number = human_integer(text)) return *number;
  return json::value(text);
}

// Objects are merged, lists are appended to, anything else is replaced.
void merge(json::object& into, const json::object& from) {
  for (const auto& [key, value] : from) {
    json::value& place = into[key];
    if (place.is_object() && value.is_object()) {
      merge(place.get_object(), value.get_object());
    } else if (place.is_array() && value.is_array()) {
      for (const json::value& item : value.get_array()) place.get_array().push_back(item);
    } else {
      place = value;
    }
  }
}

}  // namespace

bool merge_dotted(json::object& into, const std::string& path, const std::string& text) {
  if (path.empty()) {
    boost::system::error_code error;
    const json::value whole = json::parse(text, error);
    if (error || !whole.is_object()) return false;
    merge(into, whole.get_object());
    return true;
  }
  const bool append = path.ends_with('+');
  json::value value = value_of(text);
  if (append) {
    json::array items;
    for (const std::string& item : split(text, ',')) items.push_back(value_of(item));
    value = std::move(items);
  }
  std::vector<std::string> keys = split(append ? path.substr(0, path.size() - 1) : path, '.');
  for (; !keys.empty(); keys.pop_back()) value = json::object{{keys.back(), std::move(value)}};
  if (value.is_object()) merge(into, value.get_object());
  return true;
}

}  // namespace vecton::cli
