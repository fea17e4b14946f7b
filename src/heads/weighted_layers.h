// WeightedLayers: token rows that are the weighted mean of the layers' states, as
// sentence-transformers' WeightedLayerPooling has it. Immutable after load, thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/modules.h"
#include "ops/ops.h"

namespace vecton::heads {

class WeightedLayers {
 public:
  // Of a model of `layers` layers. kCorrupt where the module is for another number of them.
  WeightedLayers(const checkpoint::WeightedLayerPooling& module, int64_t layers, Ops& ops);

  // `states`: before each layer and after the last, [rows, hidden] each.
  Tensor mean(Ops& ops, std::vector<Tensor> states) const;

 private:
  int64_t start_ = 0;
  std::vector<float> weights_;  // of the states from start_ on; their sum is 1
};

}  // namespace vecton::heads
