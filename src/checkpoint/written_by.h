// Which version of sentence-transformers wrote a folder.
#pragma once

#include <filesystem>

namespace vecton::checkpoint {

struct Version {
  int major = 0, minor = 0;
};

// Whether config_sentence_transformers.json names this version or a later one. What names none is
// older than the key.
bool written_since(const std::filesystem::path& folder, Version version);

// Whether mlx-embeddings or mlx-lm converted the checkpoint.
bool written_by_mlx(const std::filesystem::path& folder);

}  // namespace vecton::checkpoint
