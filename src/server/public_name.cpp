#include "server/public_name.h"

#include <filesystem>

namespace vecton::server {

namespace {

namespace fs = std::filesystem;

void replace_all(std::string& text, const std::string& path, const std::string& name) {
  if (path.find('/') == std::string::npos) return;
  for (size_t at = 0; (at = text.find(path, at)) != std::string::npos; at += name.size())
    text.replace(at, path.size(), name);
}

// "model" of "/data/model/".
std::string last_part(const std::string& path) {
  const fs::path whole = fs::absolute(path).lexically_normal();
  const fs::path last = whole.has_filename() ? whole.filename() : whole.parent_path().filename();
  return last.empty() ? "model" : last.string();
}

}  // namespace

std::string public_name(const ModelOptions& options) {
  const std::string& model = options.engine.model;
  std::error_code error;
  if (!fs::exists(model, error)) return model;
  if (!options.served_model_names.empty()) return options.served_model_names.front();
  return last_part(model);
}

std::string_view without_tag(std::string_view name) {
  constexpr std::string_view kLatest = ":latest";
  if (name.ends_with(kLatest)) name.remove_suffix(kLatest.size());
  return name;
}

std::string without_paths(std::string text, const std::string& given, const std::string& found,
                          const std::string& name) {
  if (given != name) replace_all(text, given, name);
  if (found != name) replace_all(text, found, name);
  return text;
}

}  // namespace vecton::server
