// The file of vLLM's --config: options as YAML.
#pragma once

#include <filesystem>

#include "cli/foreign_options.h"

namespace vecton::cli {

// The options that the file stands for, as they would be typed: "max-model-len: 512" gives
// --max-model-len 512, a list its values, a mapping JSON, true the bare flag and false its
// opposite. Failure (kUsage) names file and line: the forms of YAML that such files have are read
// (mappings, lists, quoted and plain values, comments, JSON), anchors, tags, block texts and
// several documents are not.
Arguments read_yaml_options(const std::filesystem::path& file);

}  // namespace vecton::cli
