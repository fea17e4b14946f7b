#include "checkpoint/labels.h"

#include <charconv>

#include "base/json.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

[[noreturn]] void refuse_labels(const Config& config, const std::string& what) {
  throw Error(ErrorCode::kCorrupt, config.file() + ": id2label: " + what);
}

// A number as Python writes it: 1 and 1.0 differ.
std::string number_text(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  std::string result(text, end);
  return result.find_first_of(".en") == std::string::npos ? result + ".0" : result;
}

Label label_of(const Config& config, const std::string& id, const json::value& value) {
  switch (value.kind()) {
    case json::kind::string:
      return {std::string(value.get_string()), true};
    case json::kind::double_:
      return {number_text(value.get_double()), false};
    case json::kind::object:
    case json::kind::array:
      refuse_labels(config, "the name of " + id + " must be a string, a number or null");
    default:
      return {json::serialize(value), false};
  }
}

}  // namespace

std::vector<Label> read_labels(const Config& config, int64_t default_count) {
  const int64_t count = config.integer_or("num_labels", default_count, 1, Config::kMostCounted);
  config.ignore({"label2id"});
  const json::value* map = config.raw("id2label");
  std::vector<Label> labels;
  if (!map) {
    for (int64_t i = 0; i < count; ++i) labels.push_back({"LABEL_" + std::to_string(i)});
    return labels;
  }
  if (!map->is_object() || map->as_object().empty())
    refuse_labels(config, "expected an object of ids and names");
  const json::object& names = map->as_object();
  labels.resize(names.size());
  std::vector<bool> seen(names.size());
  for (const auto& [key, name] : names) {
    size_t id = names.size();
    const char* const end = key.data() + key.size();
    const auto parsed = std::from_chars(key.data(), end, id);
    if (parsed.ec != std::errc() || parsed.ptr != end || id >= names.size() || seen[id])
      refuse_labels(config, "the ids must be 0 to " + std::to_string(names.size() - 1));
    seen[id] = true;
    labels[id] = label_of(config, std::string(key), name);
  }
  return labels;
}

}  // namespace vecton::checkpoint
