// Which files hold the weights of a folder: model.safetensors, or the shards that
// model.safetensors.index.json names.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "checkpoint/safetensors.h"

namespace vecton {

// All tensors of a checkpoint folder. Errors: no weights, weights in another format only (names
// what was found and how to convert), an index whose shards are missing, lie outside the folder or
// don't hold what it says.
std::map<std::string, StoredTensor> read_checkpoint(const std::filesystem::path& folder);

// All tensors of one file; a missing one is explained like a folder without weights.
std::map<std::string, StoredTensor> read_weight_file(const std::filesystem::path& file);

// All tensors of <name>.safetensors in a folder, or of <name>.pt where that is all there is.
std::map<std::string, StoredTensor> read_weights_beside(const std::filesystem::path& folder,
                                                        const std::string& name);

}  // namespace vecton
