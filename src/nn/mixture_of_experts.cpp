#include "nn/mixture_of_experts.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace vecton::nn {

Tensor MixtureOfExperts::routed(Ops& ops, const Tensor& judged, const Tensor& x) const {
  return ops.experts(x, ops.route(ops.linear(judged, router), routing), experts);
}

Tensor MixtureOfExperts::forward(Ops& ops, const Tensor& x, const Tensor* residual) const {
  Tensor y = routed(ops, x, x);
  if (!bias.empty()) {
    const std::vector<int32_t> same(static_cast<size_t>(x.rows()), 0);
    y = ops.add(std::move(y), ops.gather_rows(bias, ops.upload_indices(same)));
  }
  if (shared) {
    Tensor always = shared->forward(ops, x);
    if (shared_gate)
      always = ops.weighted_rows(always, ops.linear(x, *shared_gate, ops::Activation::kSigmoid));
    y = ops.add(std::move(y), always);
  }
  return residual ? ops.add(std::move(y), *residual) : y;
}

}  // namespace vecton::nn
