// Tensors as MLX cuts them: what a family's checkpoints keep in one tensor and MLX in several, and
// what its numbers have in them already. Used by name_tensors() and while a model is opened.
#pragma once

#include "base/json.h"
#include "convert/layout.h"

namespace vecton::convert {

// By the rules of the model's family (MlxRules): stacked experts are split into gate, up and down,
// kv_b_proj into embed_q and unembed_out, and norms have their 1. Tensors that are in this form
// already stay.
void to_mlx_form(const json::object& config, Tensors& tensors);

}  // namespace vecton::convert
