#include "heads/weighted_layers.h"

#include <numeric>
#include <string>
#include <utility>

#include "checkpoint/weights.h"
#include "vecton/error.h"

namespace vecton::heads {

WeightedLayers::WeightedLayers(const checkpoint::WeightedLayerPooling& module, int64_t layers,
                               Ops& ops)
    : start_(module.layer_start) {
  if (module.num_hidden_layers != layers) {
    throw Error(ErrorCode::kCorrupt, (module.folder / "config.json").string() +
                                         ": \"num_hidden_layers\": the transformer has " +
                                         std::to_string(layers) + ", found " +
                                         std::to_string(module.num_hidden_layers));
  }
  const checkpoint::Weights weights = checkpoint::Weights::open(module.folder, ops);
  weights_ = weights.values("layer_weights", layers + 1 - start_);
  weights.check_taken();
  const double total = std::accumulate(weights_.begin(), weights_.end(), 0.0);
  for (float& weight : weights_) weight = static_cast<float>(weight / total);
}

Tensor WeightedLayers::mean(Ops& ops, std::vector<Tensor> states) const {
  Tensor sum;
  for (size_t i = 0; i < weights_.size(); ++i) {
    Tensor part = ops.scale(std::move(states[static_cast<size_t>(start_) + i]), weights_[i]);
    sum = i == 0 ? std::move(part) : ops.add(std::move(sum), part);
  }
  return sum;
}

}  // namespace vecton::heads
