// DenseStack: the Dense modules of a sentence-transformers folder, in order. Immutable after load,
// thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "checkpoint/sentence_transformers.h"
#include "ops/ops.h"

namespace vecton {

class DenseStack {
 public:
  // Reads the modules' weights with `ops`. Errors name the module whose sizes don't follow on what
  // comes before it, `in_features` columns at first.
  DenseStack(std::span<const DenseModule> modules, int64_t in_features, Ops& ops);

  Tensor forward(Ops& ops, Tensor x) const;

  int64_t weight_bytes() const { return weight_bytes_; }

 private:
  struct Layer {
    LinearWeight linear;
    Activation activation;
    bool residual;  // y += residual_linear(x), or x itself where the sizes are equal
    LinearWeight residual_linear;
  };
  std::vector<Layer> layers_;
  int64_t weight_bytes_ = 0;
};

}  // namespace vecton
