// Which GGUF file is meant: of a folder, and of a repository of the hub.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vecton::checkpoint {

// Of names of files those that are whole models, or the first part of one that was split, sorted.
// Projections of images ("mmproj") are none.
std::vector<std::string> gguf_models(std::span<const std::string> files);
// The parts of the model that `first` begins: itself where it was not split.
std::vector<std::string> gguf_parts(const std::string& first);

// The model of a folder that has no config.json; none where it has no GGUF file. Several are an
// error (kInvalidArgument) that names them.
std::optional<std::filesystem::path> gguf_in_folder(const std::filesystem::path& folder);

// What a repository's name may be followed by: "org/name:Q4_K_M", "org/name/file.gguf".
struct GgufReference {
  std::string repository;
  std::string quantisation;  // "Q4_K_M", or empty
  std::string file;          // "file.gguf", "folder/file.gguf", or empty
};
std::optional<GgufReference> gguf_reference(std::string_view model);

// The one file that is meant of a repository's. Without either, the only one there is. Errors name
// those that there are.
std::string choose_gguf(const GgufReference& name, std::span<const std::string> files);

}  // namespace vecton::checkpoint
