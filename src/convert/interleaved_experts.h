// Experts of GPT-OSS as MLX has them: gate and up apart, rows of outputs, "weight" and "bias".
// Used by name_tensors() and while a model is opened.
#pragma once

#include "base/json.h"
#include "convert/layout.h"

namespace vecton::convert {

// OpenAI's gate_up_proj, whose rows are gate and up in turn, and its bias become gate_proj and
// up_proj; down_proj gets MLX's name. Dense ones, whose rows are inputs, are transposed. Tensors of
// other models stay.
void split_interleaved_experts(const json::object& config, Tensors& tensors);

}  // namespace vecton::convert
