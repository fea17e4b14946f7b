#include "checkpoint/gguf/model_file.h"

#include <algorithm>
#include <cctype>

#include "base/files.h"
#include "checkpoint/hub_cache.h"
#include "checkpoint/name_text.h"
#include "gguf/file.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".gguf";

std::string_view file_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

// "Q4_K_M" of "name-Q4_K_M.gguf", "name.Q4_K_M.gguf", "Q4_K_M/name-Q4_K_M-00001-of-00002.gguf":
// whole words of the name, so that Q4_K is not found in Q4_K_M.
bool has_quantisation(const std::string& path, const std::string& wanted) {
  const std::string name = upper(file_of(path)), part = upper(wanted);
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  };
  for (size_t at = 0; (at = name.find(part, at)) != name.npos; ++at) {
    const size_t end = at + part.size();
    if ((at == 0 || !is_word(name[at - 1])) && (end == name.size() || !is_word(name[end])))
      return true;
  }
  return false;
}

std::string listed(std::span<const std::string> files) {
  std::vector<std::string> names;
  for (const std::string& file : files) names.push_back(name_text(file));
  return names_text(names);
}

}  // namespace

std::vector<std::string> gguf_models(std::span<const std::string> files) {
  std::vector<std::string> models;
  for (const std::string& file : files) {
    const std::string_view name = file_of(file);
    const auto split = gguf::split_name(name);
    if (!name.ends_with(kEnding) || name.find("mmproj") != name.npos) continue;
    if (!split || split->number == 1) models.push_back(file);
  }
  std::ranges::sort(models);
  return models;
}

std::vector<std::string> gguf_parts(const std::string& first) {
  const std::string folder = first.substr(0, first.rfind('/') + 1);
  const auto split = gguf::split_name(file_of(first));
  if (!split) return {first};
  std::vector<std::string> parts;
  for (int64_t i = 1; i <= split->count; ++i)
    parts.push_back(folder + gguf::name_of_part(*split, i));
  return parts;
}

std::optional<fs::path> gguf_in_folder(const fs::path& folder) {
  std::error_code error;
  if (base::is_file(folder / "config.json") || base::is_file(folder / "modules.json"))
    return std::nullopt;
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder, error))
    files.push_back(entry.path().filename().string());
  const std::vector<std::string> models = gguf_models(files);
  if (models.empty()) return std::nullopt;
  if (models.size() > 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "model " + quoted_text(folder.string()) + ": has several GGUF files; name one of " +
                    listed(models),
                "model");
  }
  return folder / models.front();
}

std::optional<GgufReference> gguf_reference(std::string_view model) {
  if (const size_t colon = model.find(':'); colon != model.npos) {
    GgufReference name{.repository = std::string(model.substr(0, colon)),
                       .quantisation = std::string(model.substr(colon + 1)),
                       .file = {}};
    const bool plain = std::ranges::all_of(name.quantisation, [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
    });
    if (!hub::is_model_name(name.repository) || name.quantisation.empty() || !plain)
      return std::nullopt;
    return name;
  }
  if (!model.ends_with(kEnding)) return std::nullopt;
  const size_t owner = model.find('/');
  const size_t end = owner == model.npos ? model.npos : model.find('/', owner + 1);
  if (end == model.npos) return std::nullopt;
  GgufReference name{.repository = std::string(model.substr(0, end)),
                     .quantisation = {},
                     .file = std::string(model.substr(end + 1))};
  if (!hub::is_model_name(name.repository) || !hub::is_repository_path(name.file))
    return std::nullopt;
  return name;
}

std::string choose_gguf(const GgufReference& name, std::span<const std::string> files) {
  const std::vector<std::string> models = gguf_models(files);
  std::vector<std::string> fitting;
  for (const std::string& file : models) {
    if (name.file.empty() ? name.quantisation.empty() || has_quantisation(file, name.quantisation)
                          : file == name.file)
      fitting.push_back(file);
  }
  if (fitting.size() == 1) return fitting.front();
  const std::string missing =
      !name.file.empty()
          ? quoted_text(name.file)
          : "GGUF file" +
                (name.quantisation.empty() ? "" : " of " + quoted_text(name.quantisation));
  if (fitting.empty()) {
    throw Error(
        ErrorCode::kNotFound,
        "the repository has no " + missing +
            (models.empty() ? ", nor any other GGUF file" : "; there are " + listed(models)),
        "model");
  }
  throw Error(ErrorCode::kInvalidArgument,
              "the repository has several GGUF files that are meant: " + listed(fitting) +
                  "; name one as " + name.repository + ":QUANTISATION or " + name.repository +
                  "/FILE",
              "model");
}

}  // namespace vecton::checkpoint
