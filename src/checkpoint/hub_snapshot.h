// What Vecton needs of a model repository: configuration, tokenizer files and weights in one format
// (safetensors before torch files), at the top and in the module folders that modules.json names.
// Used by the hub client.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/gguf/model_file.h"

namespace vecton::hub {

// Files without which the model cannot be opened and that `snapshot` lacks; empty = the snapshot is
// complete. `dense_path`: the folder of one more Dense layer, or empty.
std::vector<std::string> missing_files(const std::filesystem::path& snapshot,
                                       const std::string& dense_path);

// The GGUF file that is meant of `files`, which a repository or a snapshot has; none where the
// model is a folder. Errors are those of choose_gguf().
std::optional<std::string> gguf_of(const checkpoint::GgufReference& model,
                                   const std::vector<std::string>& files);

// The names of a snapshot's files.
std::vector<std::string> files_of(const std::filesystem::path& snapshot);

// Of a repository's files those that say which others are needed: modules.json, the files of
// Routers and the indices of sharded weights, of torch files only where their folder has no
// safetensors.
std::vector<std::string> planning_files(const std::vector<std::string>& repository);

// Of a repository's files all that Vecton wants, weights last. The planning files lie in `snapshot`
// already. Errors: kUnsupported when the repository has no weights that are read where they are
// needed, kInvalidArgument when it has no Dense layer at `dense_path`.
std::vector<std::string> wanted_files(const std::filesystem::path& snapshot,
                                      const std::vector<std::string>& repository,
                                      const std::string& dense_path);

}  // namespace vecton::hub
