// Router: sentence-transformers' module that sends queries and documents through modules of their
// own (Asym in old versions). Read once, when a model is opened; a plain value.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/module_files.h"

namespace vecton::checkpoint {

// A module of modules.json or of a Router, before its own files are read.
struct ModuleReference {
  std::string type;  // "sentence_transformers.models.Pooling"
  std::filesystem::path folder;
  std::string file;  // that names it, for messages
  auto operator<=>(const ModuleReference&) const = default;
};

// A module's folder: below `root`, whatever the file says.
std::filesystem::path module_folder(const std::filesystem::path& root, const std::string& path,
                                    const std::string& file);

class Router {
 public:
  static Router read(const std::filesystem::path& folder, Notes& notes);

  // The modules that a text of a task ("query", "document"; empty = nobody said) goes through;
  // nothing where there is no route for it.
  std::optional<std::vector<ModuleReference>> modules(const std::string& task) const;

 private:
  std::optional<std::string> route(const std::string& task) const;

  std::map<std::string, std::vector<ModuleReference>> routes_;
  // Of route_mappings, those that a text can match: task and whether it is for texts; empty = any.
  std::map<std::pair<std::string, std::string>, std::string> mappings_;
  std::optional<std::string> default_route_;
};

}  // namespace vecton::checkpoint
