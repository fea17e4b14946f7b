// Gated delta nets of GGUF files in the order that checkpoints have them in. Called by open_gguf(),
// from one thread.
#pragma once

#include "base/json.h"
#include "convert/layout.h"

namespace vecton::convert {

// Of Qwen3-Next, whose files keep queries, keys and values of a layer in one tensor and its gates
// in another: those of each key head together. Of Qwen3.5, whose files go through the key heads for
// each of their values in turn: the values of each key head side by side. Of other models nothing.
// Errors name the tensor.
void group_delta_nets(json::object& config, Tensors& tensors);

}  // namespace vecton::convert
