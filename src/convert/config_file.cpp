#include "convert/config_file.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <string_view>

namespace vecton::convert {

namespace {

// Python's repr of a float.
std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  char buffer[400];
  const double size = std::fabs(value);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof buffer, value,
                    plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer, end);
  if (plain && text.find('.') == text.npos) text += ".0";
  return text;
}

// Strings of ASCII alone, as Python has them: what is not is escaped in UTF-16.
std::string string_text(std::string_view text) {
  const std::string quoted = json::serialize(json::value(text));
  std::string result;
  const auto escape = [&](unsigned unit) {
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, "\\u%04x", unit);
    result += buffer;
  };
  for (size_t i = 0; i < quoted.size();) {
    const auto first = static_cast<unsigned char>(quoted[i]);
    if (first < 0x80) {
      result += quoted[i++];
      continue;
    }
    const size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    unsigned point = first & (0xffu >> (length + 1));
    for (size_t j = 1; j < length && i + j < quoted.size(); ++j)
      point = point << 6 | (static_cast<unsigned char>(quoted[i + j]) & 0x3fu);
    if (point >= 0x10000) {
      escape(0xd800 + ((point - 0x10000) >> 10));
      escape(0xdc00 + ((point - 0x10000) & 0x3ff));
    } else {
      escape(point);
    }
    i += length;
  }
  return result;
}

void write(const json::value& value, int depth, std::string& out) {
  const std::string line = "\n" + std::string(static_cast<size_t>(4 * (depth + 1)), ' '),
                    end = "\n" + std::string(static_cast<size_t>(4 * depth), ' ');
  bool first = true;
  const auto next = [&] {
    out += (first ? "" : ",") + line;
    first = false;
  };
  if (const json::object* object = value.if_object()) {
    out += '{';
    for (const auto& [key, member] : *object) {
      next();
      out += string_text(key) + ": ";
      write(member, depth + 1, out);
    }
    out += first ? "}" : end + "}";
  } else if (const json::array* array = value.if_array()) {
    out += '[';
    for (const json::value& member : *array) {
      next();
      write(member, depth + 1, out);
    }
    out += first ? "]" : end + "]";
  } else if (value.is_string()) {
    out += string_text(value.get_string());
  } else if (value.is_double()) {
    out += number_text(value.get_double());
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string indented(const json::value& value) {
  std::string text;
  write(value, 0, text);
  return text;
}

std::string config_text(json::object config, const json::object* entries, Layout layout) {
  for (const char* key : {"_name_or_path", "quantization", "quantization_config"})
    config.erase(key);
  if (layout == Layout::kMlxLm) config.erase("vision_config");
  if (entries) {
    config["quantization"] = *entries;
    if (layout == Layout::kMlxLm) config["quantization_config"] = *entries;
  }
  std::map<std::string, json::value> sorted;
  for (const auto& [key, value] : config) sorted[key] = value;
  json::object result;
  for (const auto& [key, value] : sorted) result[key] = value;
  return indented(result);
}

std::string index_text(const Shards& shards, int64_t parameters, Layout layout) {
  json::object metadata{{"total_size", shards.total_bytes()}};
  if (layout == Layout::kMlxLm) metadata["total_parameters"] = parameters;
  std::map<std::string, std::string> files;
  for (size_t i = 0; i < shards.tensors().size(); ++i)
    files[shards.tensors()[i].name] = shards.file_of(i);
  json::object weight_map;
  for (const auto& [name, file] : files) weight_map[name] = file;
  return indented(json::object{{"metadata", metadata}, {"weight_map", weight_map}});
}

std::string card_text(const std::string& source, Layout layout) {
  std::string text = "---\nlibrary_name: mlx\ntags:\n- mlx\n";
  if (layout == Layout::kMlxLm) text += "pipeline_tag: text-generation\n";
  if (!source.empty()) text += "base_model: " + source + "\n";
  return text + "---\n";
}

}  // namespace vecton::convert
