#include "heads/dense_stack.h"

#include <string>
#include <utility>

#include "checkpoint/weights.h"
#include "vecton/error.h"

namespace vecton {

DenseStack::DenseStack(std::span<const DenseModule> modules, int64_t in_features, Ops& ops) {
  for (const DenseModule& module : modules) {
    const int64_t in = module.in_features, out = module.out_features;
    if (in != in_features) {
      throw Error(ErrorCode::kCorrupt, module.folder.string() + ": in_features is " +
                                           std::to_string(in) + ", what comes before it gives " +
                                           std::to_string(in_features));
    }
    const Weights weights = Weights::open(module.folder, ops);
    const auto bias = module.bias ? Weights::Bias::kRequired : Weights::Bias::kNone;
    Layer layer{.linear = (weights / "linear").linear(out, in, bias),
                .activation = module.activation,
                .residual = module.residual};
    if (module.residual && in != out)
      layer.residual_linear = (weights / "residual").linear(out, in, Weights::Bias::kNone);
    weights.check_taken();
    weight_bytes_ += weights.prepared_bytes();
    layers_.push_back(std::move(layer));
    in_features = out;
  }
}

Tensor DenseStack::forward(Ops& ops, Tensor x) const {
  for (const Layer& layer : layers_) {
    if (!layer.residual) {
      x = ops.linear(x, layer.linear, layer.activation);
      continue;
    }
    const Tensor along = layer.residual_linear.w ? ops.linear(x, layer.residual_linear) : x;
    x = ops.linear(x, layer.linear, layer.activation, &along);
  }
  return x;
}

}  // namespace vecton
