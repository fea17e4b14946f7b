// Whose conventions a new checkpoint follows, and the names that its tensors have there.
// Used by convert.cpp, from one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "checkpoint/safetensors.h"
#include "models/family.h"

namespace vecton::convert {

using checkpoint::Tensors;

enum class Layout { kMlxEmbeddings, kMlxLm };

std::string to_string(Layout layout);

// Of the model's family; of a family that is not known, those of all.
models::MlxRules mlx_rules(const json::object& config);

// Whether MLX has a layer of several matrices of this name: of experts, of heads.
bool holds_matrices(const models::MlxRules& rules, std::string_view name);

// Whether the numbers of a tensor stay of the type that they are stored in, whatever all others
// become.
bool keeps_type(Layout layout, const models::MlxRules& rules, std::string_view name);

// "auto" decides by the model: mlx-lm for generative models that mlx-embeddings has no code for or
// whose lm_head it would drop, and where there is a recipe, which only mlx-lm knows.
Layout choose_layout(const std::string& name, const json::object& config, const Tensors& tensors,
                     bool recipe);

// A tensor of the new checkpoint, before it is quantised.
struct NewTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<checkpoint::StoredTensor> sources;  // one, or several that are stacked
  bool of_matrices = false;  // [count, rows, columns] where MLX has a layer of several matrices

  int64_t numbers() const;
  int64_t stored_bytes() const;  // of the sources
  bool is_float() const;
  // "layers.0.mlp.up_proj" where MLX has a layer that it can quantise, else "".
  std::string module() const;
};

// In the order of their names, numbers as numbers. What is left out is said in `notes`.
std::vector<NewTensor> name_tensors(Layout layout, const json::object& config, Tensors tensors,
                                    std::vector<std::string>& notes);

// How many numbers MLX counts: those of layers, none that lie beside layers (attention sinks).
int64_t parameters_of(const std::vector<NewTensor>& tensors);

}  // namespace vecton::convert
