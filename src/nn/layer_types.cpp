#include "nn/layer_types.h"

#include <algorithm>

#include "vecton/error.h"

namespace vecton::nn {

std::vector<std::string> layer_types(const checkpoint::Config& config, int64_t layers,
                                     std::initializer_list<std::string_view> known) {
  std::vector<std::string> types = config.strings_or_empty("layer_types");
  if (!types.empty() && static_cast<int64_t>(types.size()) != layers) {
    throw Error(ErrorCode::kCorrupt, config.file() + ": layer_types: expected " +
                                         std::to_string(layers) + " entries, found " +
                                         std::to_string(types.size()));
  }
  for (const std::string& type : types) {
    if (std::ranges::find(known, type) != known.end()) continue;
    std::string list;
    for (const std::string_view name : known)
      list += (list.empty() ? "" : ", ") + std::string(name);
    throw Error(ErrorCode::kUnsupported, config.file() + ": layer_types \"" + type +
                                             "\" is not supported; one of " + list + " is");
  }
  return types;
}

std::vector<bool> sliding_layers(const checkpoint::Config& config, int64_t layers,
                                 const std::function<bool(int64_t)>& otherwise) {
  const std::vector<std::string> types =
      layer_types(config, layers, {"full_attention", "sliding_attention"});
  std::vector<bool> sliding;
  for (int64_t i = 0; i < layers; ++i) {
    sliding.push_back(types.empty() ? otherwise(i)
                                    : types[static_cast<size_t>(i)] == "sliding_attention");
  }
  return sliding;
}

}  // namespace vecton::nn
