// config.json's names of activation functions (hidden_act).
#pragma once

#include <string>

#include "checkpoint/config.h"
#include "ops/ops.h"

namespace vecton::nn {

// The activation that config[key] names: "gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu",
// ... Anything else is refused by name (kUnsupported).
ops::Activation activation(const checkpoint::Config& config, std::string_view key,
                           std::string_view fallback);

}  // namespace vecton::nn
