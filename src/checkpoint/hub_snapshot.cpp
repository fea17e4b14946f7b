#include "checkpoint/hub_snapshot.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>

#include "base/json.h"
#include "checkpoint/hub_cache.h"
#include "vecton/error.h"

namespace vecton::hub {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kModules = "modules.json";
constexpr std::string_view kWeights = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

using Has = std::function<bool(const std::string&)>;

struct Module {
  std::string kind;    // last part of the class path: "Transformer", "Pooling", "Dense"
  std::string prefix;  // "1_Pooling/", or empty for the top folder
};

std::vector<Module> read_modules(const fs::path& snapshot) {
  const fs::path file = snapshot / kModules;
  if (!is_there(file)) return {};
  const auto corrupt = [&] {
    return Error(ErrorCode::kCorrupt,
                 file.string() + ": expected a list of modules with a type and a path");
  };
  const json::value value = read_json(file);
  if (!value.is_array()) throw corrupt();
  std::vector<Module> modules;
  for (const json::value& entry : value.get_array()) {
    const json::object* object = entry.if_object();
    const json::value* type = object ? object->if_contains("type") : nullptr;
    const json::value* path = object ? object->if_contains("path") : nullptr;
    if (!type || !type->is_string() || !path || !path->is_string()) throw corrupt();
    std::string prefix(path->get_string());
    while (prefix.ends_with('/')) prefix.pop_back();
    if (prefix == ".") prefix.clear();
    if (!prefix.empty() && !is_repository_path(prefix)) throw corrupt();
    if (!prefix.empty()) prefix += '/';
    const std::string kind(type->get_string());
    modules.push_back({kind.substr(kind.rfind('.') + 1), prefix});
  }
  return modules;
}

std::set<std::string> shards(const fs::path& index) {
  const json::value value = read_json(index);
  const json::object* object = value.if_object();
  const json::value* map = object ? object->if_contains("weight_map") : nullptr;
  std::set<std::string> files;
  if (map && map->is_object()) {
    for (const auto& [tensor, file] : map->get_object()) {
      if (!file.is_string() || !is_repository_path(std::string_view(file.get_string()))) {
        throw Error(ErrorCode::kCorrupt, index.string() + ": weight_map." + std::string(tensor) +
                                             ": expected the name of a safetensors file");
      }
      files.emplace(file.get_string());
    }
  }
  if (files.empty()) throw Error(ErrorCode::kCorrupt, index.string() + ": has no weight_map");
  return files;
}

// The files that must be there. `has` says which exist, in the snapshot or in the repository.
std::vector<std::string> required_files(const fs::path& snapshot, const Has& has) {
  std::vector<Module> modules = read_modules(snapshot);
  if (modules.empty()) modules.push_back({"Transformer", ""});
  std::vector<std::string> files;
  for (const Module& module : modules) {
    const bool transformer = module.kind.ends_with("Transformer");
    const bool weights = transformer || module.kind == "Dense";
    if (weights || module.kind == "Pooling") files.push_back(module.prefix + "config.json");
    if (!weights) continue;
    const std::string single = module.prefix + std::string(kWeights);
    const std::string index = module.prefix + std::string(kIndex);
    if (has(single) || !has(index)) {
      files.push_back(single);
    } else {
      for (const std::string& shard : shards(snapshot / index)) {
        files.push_back(module.prefix + shard);
      }
    }
  }
  return files;
}

// Tokenizers, processors, templates, configuration.
bool is_companion(std::string_view name) {
  if (name.ends_with(".json")) return !name.ends_with(".index.json") || name == kIndex;
  return name.ends_with(".jinja") || name.ends_with(".model") || name.ends_with(".tiktoken") ||
         name == "vocab.txt" || name == "merges.txt" || name == "artifact.metadata" ||
         name == "sparse_linear.pt" || name == "colbert_linear.pt" ||  // heads of BGE-M3
         name == "sparse_linear.safetensors" || name == "colbert_linear.safetensors";
}

[[noreturn]] void throw_without_weights(const std::string& missing,
                                        const std::vector<std::string>& repository) {
  std::string others;
  for (const std::string& file : repository) {
    for (const std::string_view suffix : {".bin", ".gguf", ".onnx", ".h5", ".npz", ".pt", ".pth"}) {
      if (!file.ends_with(suffix) || others.size() > 100) continue;
      others += (others.empty() ? "" : ", ") + file;
    }
  }
  throw Error(ErrorCode::kUnsupported,
              "the repository has no " + missing +
                  (others.empty() ? "" : ", only other formats (" + others + ")") +
                  ": Vecton reads safetensors; look for a revision that has them (often refs/pr/N) "
                  "or convert the model",
              "model");
}

}  // namespace

std::vector<std::string> missing_files(const fs::path& snapshot) {
  const Has has = [&](const std::string& file) { return is_there(snapshot / file); };
  std::vector<std::string> files = required_files(snapshot, has);
  std::erase_if(files, has);
  return files;
}

std::vector<std::string> planning_files(const std::vector<std::string>& repository) {
  std::vector<std::string> files;
  for (const std::string& file : repository) {
    const std::string_view name = std::string_view(file).substr(file.rfind('/') + 1);
    if (file == kModules || name == kIndex) files.push_back(file);
  }
  return files;
}

std::vector<std::string> wanted_files(const fs::path& snapshot,
                                      const std::vector<std::string>& repository) {
  const std::set<std::string> listed(repository.begin(), repository.end());
  const std::vector<std::string> required =
      required_files(snapshot, [&](const std::string& file) { return listed.contains(file); });
  std::set<std::string> weights;
  std::vector<std::string> files;
  for (const std::string& file : required) {
    if (file.ends_with(".safetensors")) {
      if (!listed.contains(file)) throw_without_weights(file, repository);
      weights.insert(file);
    } else if (!listed.contains(file)) {
      throw Error(ErrorCode::kUnsupported,
                  "the repository has no " + file + ": it holds no model that Vecton can open",
                  "model");
    }
  }
  const std::vector<Module> modules = read_modules(snapshot);
  for (const std::string& file : listed) {
    const size_t slash = file.rfind('/');
    const std::string_view name = std::string_view(file).substr(slash + 1);
    const bool in_module = std::any_of(modules.begin(), modules.end(), [&](const Module& module) {
      return !module.prefix.empty() && file.starts_with(module.prefix);
    });
    const bool top = slash == file.npos || file.starts_with("additional_chat_templates/");
    if ((top || in_module) && is_companion(name)) files.push_back(file);
    if (in_module && name == kWeights) weights.insert(file);
  }
  files.insert(files.end(), weights.begin(), weights.end());
  return files;
}

}  // namespace vecton::hub
