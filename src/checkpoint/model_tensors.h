// What a model is loaded from: the tensors of its folder or GGUF file, as one matrix each where
// they are quantised, with what an adapter adds.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "checkpoint/adapter.h"
#include "checkpoint/quantised/quantisation.h"
#include "checkpoint/safetensors.h"

namespace vecton::checkpoint {

// `quantisation` null = dense, `adapter` null = none. Errors name the file and the tensor.
Tensors model_tensors(const std::filesystem::path& folder, const Quantisation* quantisation,
                      const Adapter* adapter);

}  // namespace vecton::checkpoint
