// MixtureOfExperts: a router sends every row to a few of many MLPs, whose results are added with
// the router's weights. Shazeer et al. 2017, arXiv:1701.06538; with an MLP that all rows go through
// beside them: DeepSeekMoE, arXiv:2401.06066.
#pragma once

#include <optional>

#include "nn/mlp.h"

namespace vecton::nn {

struct MixtureOfExperts {
  ops::LinearWeight router;  // [experts, hidden]
  ops::Router routing;
  ops::Experts experts;
  ops::Vector bias;  // [hidden], of all experts together; may be absent
  std::optional<Mlp> shared;
  std::optional<ops::LinearWeight> shared_gate;  // [1, hidden]: shared(x) * sigmoid(shared_gate x)

  // Plus `residual` where there is one.
  Tensor forward(Ops& ops, const Tensor& x, const Tensor* residual = nullptr) const;
  // The experts alone, for rows that the router judges by others than those they read.
  Tensor routed(Ops& ops, const Tensor& judged, const Tensor& x) const;
};

}  // namespace vecton::nn
