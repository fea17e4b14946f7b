// The experts of a layer, in whichever way a checkpoint keeps them. Called by the families;
// functions of their arguments.
#pragma once

#include <cstdint>
#include <string_view>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/family.h"
#include "nn/mixture_of_experts.h"
#include "nn/mlp.h"

namespace vecton::models {

struct ExpertSizes {
  int64_t count = 0, width = 0, hidden = 0;
};

// What one expert's three layers are called.
struct ExpertNames {
  std::string_view gate = "gate_proj", up = "up_proj", down = "down_proj";
};

// Of the path of the mixture: experts.0.gate_proj.weight and so on (transformers 4), stacked
// experts.gate_up_proj [experts, 2 width, hidden] and experts.down_proj (transformers 5), or
// switch_mlp.gate_proj.weight [experts, width, hidden] and so on (MLX; of Gemma 4
// experts.switch_glu).
ops::Experts load_experts(const checkpoint::Weights& w, const ExpertSizes& sizes,
                          ops::Activation activation, const ExpertNames& names = {});

// Of two stacks, gate over up and down.
ops::Experts experts_of(const checkpoint::Weights& w, const tensor::Weight& gate_up,
                        const tensor::Weight& down, const ExpertSizes& sizes,
                        ops::Activation activation);

// Where those that block_sparse_moe() reads lie.
inline constexpr MlxExperts kNumberedMlxExperts{.gate = "w1", .up = "w3", .down = "w2"};

// The mixture of Mixtral's layers and those made like them: block_sparse_moe with gate, w1, w2, w3.
nn::MixtureOfExperts block_sparse_moe(const checkpoint::Weights& layer, const ExpertSizes& sizes,
                                      const ops::Router& routing, ops::Activation activation);

// An MLP beside them, of this width: gate_proj, up_proj, down_proj.
nn::Mlp dense_mlp(const checkpoint::Weights& w, int64_t width, int64_t hidden,
                  ops::Activation activation);

// How many experts there are, as either key says: num_experts or num_local_experts.
int64_t count_experts(const checkpoint::Config& config);
// num_experts_per_tok, at most so many.
int64_t experts_per_token(const checkpoint::Config& config, int64_t count);

}  // namespace vecton::models
