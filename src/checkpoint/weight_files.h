// Which files hold the weights of a folder: the first of model.safetensors, the shards of
// model.safetensors.index.json, pytorch_model.bin, the shards of pytorch_model.bin.index.json.
// Called by Weights, by the hub client (which files to fetch) and by models that look at their
// tensors before they are built; functions of their arguments, for any thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "checkpoint/safetensors.h"

namespace vecton::checkpoint {

// One format's names: the file of all weights, or the index that names shards with this ending.
struct WeightNames {
  std::string_view single, index, shard_ending;
};
inline constexpr WeightNames kSafetensorsNames{"model.safetensors", "model.safetensors.index.json",
                                               ".safetensors"};
inline constexpr WeightNames kTorchNames{"pytorch_model.bin", "pytorch_model.bin.index.json",
                                         ".bin"};

// All tensors of a folder: of a checkpoint or of a module such as Dense. Errors: no weights,
// weights in another format only (names what was found and how to convert), an index whose shards
// are missing, lie outside the folder or don't hold what it says.
Tensors read_checkpoint(const std::filesystem::path& folder);

// All tensors of <name>.safetensors in a folder, or of <name>.pt where that is all there is.
Tensors read_weights_beside(const std::filesystem::path& folder, const std::string& name);

}  // namespace vecton::checkpoint
