// Options as YAML: the file of vLLM's --config, and what --models has of each model.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/json.h"
#include "cli/foreign_options.h"

namespace vecton::cli {

struct YamlFile {
  json::object content;
  std::map<std::string, int> lines;  // of members and items, by JSON pointer: "/models/0/dtype"
};

// Failure (kUsage) names file and line: the forms of YAML that files of options have are read
// (mappings, lists, quoted and plain values, comments, JSON), anchors, tags, block texts and
// several documents are not. `option`: whose file it is, for the message when it can't be read.
YamlFile read_yaml(const std::filesystem::path& file, const char* option);

// The options that `object` stands for, as they would be typed: "max-model-len: 512" gives
// --max-model-len 512, a list its values, a mapping JSON, true the bare flag and false its
// opposite.
Arguments typed_options(const json::object& object);

// Both, of vLLM's --config.
Arguments read_yaml_options(const std::filesystem::path& file);

}  // namespace vecton::cli
