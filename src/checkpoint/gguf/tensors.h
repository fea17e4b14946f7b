// The tensors of a GGUF file as those of a checkpoint of the same architecture: its names, its
// order of rows, its meaning of norms. Called by model_tensors().
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "checkpoint/safetensors.h"
#include "gguf/file.h"

namespace vecton::checkpoint {

// Errors name the file and the tensor. A tensor that the architecture has no place for keeps its
// name, so that the model says that nobody took it.
Tensors gguf_tensors(const gguf::File& file);

// The layer `name` ("dense_2") of a module of its own: linear.weight and, where there is one,
// linear.bias.
Tensors gguf_layer(const gguf::File& file, std::string_view name);

}  // namespace vecton::checkpoint
