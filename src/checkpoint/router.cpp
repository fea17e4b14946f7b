#include "checkpoint/router.h"

#include <algorithm>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/config.h"
#include "checkpoint/name_text.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void corrupt(const std::string& file, const std::string& message) {
  throw Error(ErrorCode::kCorrupt, file + ": " + message);
}

// A part of a key of route_mappings, as Python writes it: None, 'query', or a tuple in parentheses.
std::optional<std::string> python_text(std::string_view part) {
  while (part.starts_with(' ')) part.remove_prefix(1);
  while (part.ends_with(' ')) part.remove_suffix(1);
  if (part == "None") return "";
  if (part.size() < 2 || (part.front() != '\'' && part.front() != '"') ||
      part.back() != part.front())
    return std::nullopt;
  return std::string(part.substr(1, part.size() - 2));
}

// "('query', 'text')"
std::optional<std::pair<std::string, std::string>> task_and_modality(std::string_view key) {
  const size_t comma = key.find(',');
  if (!key.starts_with('(') || !key.ends_with(')') || comma == std::string_view::npos)
    return std::nullopt;
  const std::optional<std::string> task = python_text(key.substr(1, comma - 1));
  std::string_view rest = key.substr(comma + 1, key.size() - comma - 2);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  const std::optional<std::string> modality =
      rest.starts_with('(') ? std::optional(std::string(rest)) : python_text(rest);
  if (!task || !modality) return std::nullopt;
  return std::pair(*task, *modality);
}

fs::path config_file(const fs::path& folder) {
  const fs::path file = folder / "router_config.json";
  return base::is_file(file) ? file : folder / "config.json";  // Asym's
}

}  // namespace

fs::path module_folder(const fs::path& root, const std::string& path, const std::string& file) {
  const fs::path relative(path);
  const bool inside =
      !relative.is_absolute() && path.find('\0') == std::string::npos &&
      std::ranges::none_of(relative, [](const fs::path& part) { return part == ".."; });
  if (!inside)
    corrupt(file, "module path " + quoted_text(path) + ": expected a folder inside the model's");
  return path.empty() ? root : root / relative;
}

Router Router::read(const fs::path& folder, Notes& notes) {
  const Config config = Config::read(config_file(folder));
  const std::string& file = config.file();
  const std::optional<Config> types = config.child("types"), structure = config.child("structure");
  if (!types || !structure) corrupt(file, "expected the objects \"types\" and \"structure\"");
  const Config parameters = config.child("parameters").value_or(Config({}, file));

  Router router;
  std::string first;
  for (const auto& [name, modules] : config.raw("structure")->get_object()) {
    if (first.empty()) first = name;
    std::vector<ModuleReference>& route = router.routes_[std::string(name)];
    for (const std::string& id : structure->strings_or_empty(name))
      route.push_back({types->string(id), module_folder(folder, id, file), file});
    if (route.empty()) corrupt(file, "route " + quoted_text(name) + " has no modules");
  }
  if (router.routes_.empty()) corrupt(file, "\"structure\" has no routes");

  const auto known = [&](const std::string& route, const std::string& key) {
    if (!router.routes_.contains(route))
      corrupt(file, key + ": there is no route " + quoted_text(route));
    return route;
  };
  if (parameters.boolean_or("allow_empty_key", true)) router.default_route_ = first;
  if (parameters.has("default_route"))
    router.default_route_ = known(parameters.string("default_route"), "default_route");
  parameters.ignore({"default_route"});
  if (const std::optional<Config> mappings = parameters.child("route_mappings")) {
    for (const auto& [key, value] : parameters.raw("route_mappings")->get_object()) {
      const auto pair = task_and_modality(key);
      if (!pair)
        corrupt(file, "route_mappings: key " + quoted_text(key) +
                          ": expected a task and a modality, as in \"('query', 'text')\"");
      router.mappings_[*pair] = known(mappings->string(key), "route_mappings");
    }
  }
  note_unread(config, notes);
  return router;
}

// In the library's order: mappings, the most exact first, then the names of the routes.
std::optional<std::string> Router::route(const std::string& task) const {
  const std::pair<std::string, std::string> keys[] = {
      {task, "text"}, {task, ""}, {"", "text"}, {"", ""}};
  for (const auto& key : keys) {
    const auto found = mappings_.find(key);
    if (found != mappings_.end()) return found->second;
  }
  for (const std::string& name : {task, std::string("text")}) {
    if (!name.empty() && routes_.contains(name)) return name;
  }
  // Asym's routes have any names: "doc" is what its documentation calls them.
  if (task == "document") {
    for (const char* name : {"doc", "passage", "corpus"}) {
      if (routes_.contains(name)) return name;
    }
  }
  return task.empty() ? default_route_ : std::nullopt;
}

std::optional<std::vector<ModuleReference>> Router::modules(const std::string& task) const {
  const std::optional<std::string> name = route(task);
  if (!name) return std::nullopt;
  return routes_.at(*name);
}

}  // namespace vecton::checkpoint
