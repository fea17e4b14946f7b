#include "checkpoint/hub_snapshot.h"

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>

#include "base/json.h"
#include "checkpoint/adapter.h"
#include "checkpoint/hub_cache.h"
#include "checkpoint/side_heads.h"
#include "checkpoint/weight_files.h"
#include "vecton/error.h"

namespace vecton::hub {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kRouter = "router_config.json";

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

using Has = std::function<bool(const std::string&)>;

struct Module {
  std::string kind;    // last part of the class path: "Transformer", "Pooling", "Dense"
  std::string prefix;  // "1_Pooling/", or empty for the top folder
};

bool is_router(std::string_view kind) { return kind == "Router" || kind == "Asym"; }

// The modules of a Router, which lie in folders below its own. Its file is a planning file.
void add_routes(const fs::path& snapshot, const std::string& prefix, std::vector<Module>& modules) {
  fs::path file = snapshot / (prefix + std::string(kRouter));
  if (!is_there(file)) file = snapshot / (prefix + "config.json");
  if (!is_there(file)) return;
  const json::value value = base::read_json(file);
  const json::object* object = value.if_object();
  const json::value* types = object ? object->if_contains("types") : nullptr;
  if (!types || !types->is_object())
    throw Error(ErrorCode::kCorrupt, file.string() + ": expected an object \"types\"");
  for (const auto& [id, type] : types->get_object()) {
    const std::string folder = prefix + std::string(id);
    if (!type.is_string() || !is_repository_path(folder))
      throw Error(ErrorCode::kCorrupt, file.string() + ": \"types\": expected folders and classes");
    const std::string kind(type.get_string());
    modules.push_back({kind.substr(kind.rfind('.') + 1), folder + "/"});
  }
}

// "2_Dense_1024/" of "2_Dense_1024".
std::string prefix_of(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  if (path == ".") path.clear();
  return path.empty() ? path : path + '/';
}

std::vector<Module> listed_modules(const fs::path& snapshot) {
  const fs::path file = snapshot / kModules;
  if (!is_there(file)) return {};
  const auto corrupt = [&] {
    return Error(ErrorCode::kCorrupt,
                 file.string() + ": expected a list of modules with a type and a path");
  };
  const json::value value = base::read_json(file);
  if (!value.is_array()) throw corrupt();
  std::vector<Module> modules;
  for (const json::value& entry : value.get_array()) {
    const json::object* object = entry.if_object();
    const json::value* type = object ? object->if_contains("type") : nullptr;
    const json::value* path = object ? object->if_contains("path") : nullptr;
    if (!type || !type->is_string() || !path || !path->is_string()) throw corrupt();
    const std::string prefix = prefix_of(std::string(path->get_string()));
    if (!prefix.empty() && !is_repository_path(prefix.substr(0, prefix.size() - 1)))
      throw corrupt();
    const std::string kind(type->get_string());
    modules.push_back({kind.substr(kind.rfind('.') + 1), prefix});
    if (is_router(modules.back().kind)) add_routes(snapshot, prefix, modules);
  }
  return modules;
}

// Those of modules.json, and one more Dense layer where its folder is given.
std::vector<Module> read_modules(const fs::path& snapshot, const std::string& dense_path) {
  std::vector<Module> modules = listed_modules(snapshot);
  if (dense_path.empty() || modules.empty()) return modules;
  const std::string prefix = prefix_of(dense_path);
  if (prefix.empty() || !is_repository_path(prefix.substr(0, prefix.size() - 1))) {
    throw Error(ErrorCode::kInvalidArgument,
                "dense_path: expected a folder of the model, such as 2_Dense_1024", "dense_path");
  }
  modules.push_back({"Dense", prefix});
  return modules;
}

std::set<std::string> shards(const fs::path& index) {
  const json::value value = base::read_json(index);
  const json::object* object = value.if_object();
  const json::value* map = object ? object->if_contains("weight_map") : nullptr;
  std::set<std::string> files;
  if (map && map->is_object()) {
    for (const auto& [tensor, file] : map->get_object()) {
      if (!file.is_string() || !is_repository_path(std::string_view(file.get_string()))) {
        throw Error(ErrorCode::kCorrupt, index.string() + ": weight_map." + std::string(tensor) +
                                             ": expected the name of a file");
      }
      files.emplace(file.get_string());
    }
  }
  if (files.empty()) throw Error(ErrorCode::kCorrupt, index.string() + ": has no weight_map");
  return files;
}

// The files that hold the weights of a folder in the order of read_checkpoint: one file, or an
// index and its shards, which lie in `snapshot` where `has` says so. Of one format alone; where
// there is none, the name of the file that is missing.
std::vector<std::string> weight_files(const fs::path& snapshot, const std::string& prefix,
                                      const Has& has) {
  for (const checkpoint::WeightNames& names :
       {checkpoint::kSafetensorsNames, checkpoint::kTorchNames}) {
    const std::string single = prefix + std::string(names.single);
    const std::string index = prefix + std::string(names.index);
    if (has(single)) return {single};
    if (!has(index)) continue;
    std::vector<std::string> files{index};
    for (const std::string& shard : shards(snapshot / index)) files.push_back(prefix + shard);
    return files;
  }
  return {prefix + std::string(checkpoint::kSafetensorsNames.single)};
}

// The files of a PEFT adapter, whose base model is a repository of its own; none where there is no
// adapter.
std::vector<std::string> adapter_files(const std::string& prefix, const Has& has) {
  const std::string config = prefix + std::string(checkpoint::kAdapterConfig);
  if (!has(config)) return {};
  for (const std::string_view weights : checkpoint::kAdapterWeights) {
    if (has(prefix + std::string(weights))) return {config, prefix + std::string(weights)};
  }
  if (has(prefix + "config.json")) return {};
  return {config, prefix + std::string(checkpoint::kAdapterWeights[0])};
}

// The files that must be there. `has` says which exist, in the snapshot or in the repository.
std::vector<std::string> required_files(const fs::path& snapshot, const Has& has,
                                        const std::string& dense_path) {
  std::vector<Module> modules = read_modules(snapshot, dense_path);
  if (modules.empty()) modules.push_back({"Transformer", ""});
  std::vector<std::string> files;
  for (const Module& module : modules) {
    const bool layers = module.kind.ends_with("Transformer") || module.kind == "Dense" ||
                        module.kind == "LayerNorm" || module.kind == "WeightedLayerPooling";
    if (std::vector<std::string> adapter = adapter_files(module.prefix, has);
        module.kind.ends_with("Transformer") && !adapter.empty()) {
      files.insert(files.end(), adapter.begin(), adapter.end());
      continue;
    }
    if (layers || module.kind == "Pooling") files.push_back(module.prefix + "config.json");
    if (is_router(module.kind)) {
      const std::string router = module.prefix + std::string(kRouter);
      files.push_back(has(router) ? router : module.prefix + "config.json");
    }
    if (!layers && !module.kind.ends_with("StaticEmbedding")) continue;
    for (std::string& file : weight_files(snapshot, module.prefix, has))
      files.push_back(std::move(file));
  }
  return files;
}

bool is_weights(std::string_view file) {
  return file.ends_with(checkpoint::kSafetensorsNames.shard_ending) ||
         file.ends_with(checkpoint::kTorchNames.shard_ending);
}

// Tokenizers, processors, templates, configuration.
bool is_companion(std::string_view name) {
  if (name.ends_with(".json")) return !name.ends_with(".index.json");
  return name.ends_with(".jinja") || name.ends_with(".model") || name.ends_with(".tiktoken") ||
         name == "vocab.txt" || name == "merges.txt" || name == "artifact.metadata" ||
         checkpoint::is_side_head(name);
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
  throw Error(
      ErrorCode::kUnsupported,
      "the repository has no " + missing +
          (others.empty() ? "" : ", only other formats (" + others + ")") +
          ": Vecton reads model.safetensors and pytorch_model.bin, or the shards that their "
          "indices name; look for a revision that has them (often refs/pr/N) or convert "
          "the model",
      "model");
}

// Names the folders that might have been meant.
[[noreturn]] void throw_without_dense(const std::string& missing,
                                      const std::vector<std::string>& repository) {
  std::string others;
  for (const std::string& file : repository) {
    const size_t slash = file.rfind('/');
    if (slash == file.npos || file.substr(slash + 1) != "config.json" ||
        file.find("Dense") == file.npos || others.size() > 200) {
      continue;
    }
    others += (others.empty() ? "" : ", ") + file.substr(0, slash);
  }
  throw Error(ErrorCode::kInvalidArgument,
              "dense_path: the repository has no " + missing +
                  (others.empty() ? ", and no other Dense layer" : "; its Dense layers: " + others),
              "dense_path");
}

}  // namespace

std::vector<std::string> missing_files(const fs::path& snapshot, const std::string& dense_path) {
  const Has has = [&](const std::string& file) { return is_there(snapshot / file); };
  std::vector<std::string> files = required_files(snapshot, has, dense_path);
  std::erase_if(files, has);
  return files;
}

std::optional<std::string> gguf_of(const checkpoint::GgufReference& model,
                                   const std::vector<std::string>& files) {
  const bool named = !model.file.empty() || !model.quantisation.empty();
  const bool folder = std::ranges::any_of(files, [](const std::string& file) {
    return file == "config.json" || file == kModules || file == checkpoint::kAdapterConfig;
  });
  if (!named && (folder || checkpoint::gguf_models(files).empty())) return std::nullopt;
  return checkpoint::choose_gguf(model, files);
}

std::vector<std::string> files_of(const fs::path& snapshot) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(snapshot, error)) {
    if (!entry.is_directory(error))
      files.push_back(entry.path().lexically_relative(snapshot).string());
  }
  return files;
}

std::vector<std::string> planning_files(const std::vector<std::string>& repository) {
  const std::set<std::string> listed(repository.begin(), repository.end());
  std::vector<std::string> files;
  for (const std::string& file : repository) {
    const size_t name_at = file.rfind('/') + 1;
    const std::string prefix = file.substr(0, name_at), name = file.substr(name_at);
    const auto beside = [&](std::string_view other) {
      return listed.contains(prefix + std::string(other));
    };
    const bool safe_index = name == checkpoint::kSafetensorsNames.index &&
                            !beside(checkpoint::kSafetensorsNames.single);
    const bool torch_index =
        name == checkpoint::kTorchNames.index && !beside(checkpoint::kSafetensorsNames.single) &&
        !beside(checkpoint::kSafetensorsNames.index) && !beside(checkpoint::kTorchNames.single);
    const bool router = name == kRouter || (name == "config.json" && prefix.ends_with("Asym/"));
    if (file == kModules || router || safe_index || torch_index) files.push_back(file);
  }
  return files;
}

std::vector<std::string> wanted_files(const fs::path& snapshot,
                                      const std::vector<std::string>& repository,
                                      const std::string& dense_path) {
  const std::set<std::string> listed(repository.begin(), repository.end());
  const std::vector<std::string> required = required_files(
      snapshot, [&](const std::string& file) { return listed.contains(file); }, dense_path);
  std::set<std::string> weights, others;
  for (const std::string& file : required) {
    if (!listed.contains(file)) {
      if (!dense_path.empty() && file.starts_with(prefix_of(dense_path)))
        throw_without_dense(file, repository);
      if (is_weights(file)) throw_without_weights(file, repository);
      throw Error(ErrorCode::kUnsupported,
                  "the repository has no " + file + ": it holds no model that Vecton can open",
                  "model");
    }
    (is_weights(file) ? weights : others).insert(file);
  }
  const std::vector<Module> modules = read_modules(snapshot, dense_path);
  for (const std::string& file : listed) {
    const size_t slash = file.rfind('/');
    const std::string_view name = std::string_view(file).substr(slash + 1);
    const bool in_module = std::any_of(modules.begin(), modules.end(), [&](const Module& module) {
      return !module.prefix.empty() && file.starts_with(module.prefix);
    });
    const bool top = slash == file.npos || file.starts_with("additional_chat_templates/");
    if ((top || in_module) && is_companion(name)) others.insert(file);
  }
  std::vector<std::string> files(others.begin(), others.end());
  files.insert(files.end(), weights.begin(), weights.end());
  return files;
}

}  // namespace vecton::hub
