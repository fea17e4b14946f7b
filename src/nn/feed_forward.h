// FeedForward: what a layer does to each row alone: an MLP, or a mixture of experts.
#pragma once

#include <variant>

#include "nn/mixture_of_experts.h"
#include "nn/mlp.h"

namespace vecton::nn {

using FeedForward = std::variant<Mlp, MixtureOfExperts>;

// Plus `residual` where there is one.
inline Tensor feed_forward(const FeedForward& layer, Ops& ops, const Tensor& x,
                           const Tensor* residual = nullptr) {
  return std::visit([&](const auto& kind) { return kind.forward(ops, x, residual); }, layer);
}

}  // namespace vecton::nn
