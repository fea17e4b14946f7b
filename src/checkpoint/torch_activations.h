// torch.nn's names of activations, as sentence-transformers' files have them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ops/ops.h"

namespace vecton::checkpoint {

// What stands after the last dot: "torch.nn.modules.activation.Tanh" is a Tanh.
std::string_view class_name(std::string_view path);

// The function of one number that "torch.nn...X" is; nothing where it is none, or not torch's.
std::optional<ops::Activation> torch_activation(std::string_view path);

// Those of a whole row.
enum class RowFunction { kSoftmax, kSoftmin, kLogSoftmax };
std::optional<RowFunction> torch_row_function(std::string_view path);

// "CELU, ELU, GELU, ...": the functions of one number.
std::string torch_activation_names();

}  // namespace vecton::checkpoint
