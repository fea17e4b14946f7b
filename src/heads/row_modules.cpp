#include "heads/row_modules.h"

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "checkpoint/weights.h"
#include "heads/label_activation.h"
#include "vecton/error.h"

namespace vecton::heads {

namespace {

void check_columns(const std::filesystem::path& folder, const char* key, int64_t expected,
                   int64_t columns) {
  if (expected == columns) return;
  throw Error(ErrorCode::kCorrupt, folder.string() + ": " + key + " is " +
                                       std::to_string(expected) + ", what comes before it gives " +
                                       std::to_string(columns));
}

class DenseStep final : public RowStep {
 public:
  DenseStep(const checkpoint::DenseModule& module, const checkpoint::Weights& weights)
      : activation_(module.activation), residual_(module.residual) {
    if (module.row_function) of_row_ = LabelActivation(*module.row_function);
    const int64_t in = module.in_features, out = module.out_features;
    const auto bias =
        module.bias ? checkpoint::Weights::Bias::kRequired : checkpoint::Weights::Bias::kNone;
    linear_ = (weights / "linear").linear(out, in, bias);
    if (residual_ && in != out)
      residual_linear_ = (weights / "residual").linear(out, in, checkpoint::Weights::Bias::kNone);
    // PReLU is the one activation with a parameter.
    if (activation_ == ops::Activation::kPRelu)
      slope_ = (weights / "activation_function").values("weight", 1).front();
  }

  Tensor forward(Ops& ops, Tensor x) const override {
    const bool fused = !of_row_ && activation_ != ops::Activation::kPRelu;
    if (fused && !residual_) return ops.linear(x, linear_, activation_);
    if (!fused) {
      Tensor y = ops.linear(x, linear_);
      y = of_row_ ? of_row_->apply(ops, std::move(y)) : parametric_relu(ops, y);
      return residual_ ? ops.add(std::move(y), along(ops, x)) : y;
    }
    const Tensor added = along(ops, x);
    return ops.linear(x, linear_, activation_, &added);
  }

 private:
  Tensor along(Ops& ops, const Tensor& x) const {
    return residual_linear_.w ? ops.linear(x, residual_linear_) : x;
  }
  // relu(y) - slope relu(-y): one of the two is 0.
  Tensor parametric_relu(Ops& ops, const Tensor& y) const {
    const Tensor below = ops.activate(ops.scale(y, -1), ops::Activation::kRelu);
    return ops.add(ops.activate(y, ops::Activation::kRelu), ops.scale(below, -slope_));
  }

  ops::LinearWeight linear_;
  ops::Activation activation_;
  std::optional<LabelActivation> of_row_;  // instead
  bool residual_;  // y += residual_linear(x), or x itself where the sizes are equal
  ops::LinearWeight residual_linear_;
  float slope_ = 0;
};

class LayerNormStep final : public RowStep {
 public:
  // torch's default eps.
  LayerNormStep(const checkpoint::LayerNormModule& module, const checkpoint::Weights& weights)
      : norm_((weights / "norm").layer_norm(module.dimension, 1e-5)) {}
  Tensor forward(Ops& ops, Tensor x) const override { return ops.norm(std::move(x), norm_); }

 private:
  ops::NormWeight norm_;
};

class NormalizeStep final : public RowStep {
 public:
  Tensor forward(Ops& ops, Tensor x) const override { return ops.l2_normalize(std::move(x)); }
};

}  // namespace

int64_t columns_after(std::span<const checkpoint::RowModule> modules, int64_t columns) {
  for (const checkpoint::RowModule& module : modules) {
    if (const auto* dense = std::get_if<checkpoint::DenseModule>(&module))
      columns = dense->out_features;
  }
  return columns;
}

RowModules::RowModules(std::span<const checkpoint::RowModule> modules, int64_t columns, Ops& ops)
    : columns_(columns_after(modules, columns)) {
  const auto add = [&]<class Step>(const auto& module, std::type_identity<Step>) {
    const checkpoint::Weights weights = checkpoint::Weights::open(module.folder, ops);
    steps_.push_back(std::make_unique<Step>(module, weights));
    weights.check_taken();
    weight_bytes_ += weights.prepared_bytes();
  };
  for (const checkpoint::RowModule& module : modules) {
    if (const auto* dense = std::get_if<checkpoint::DenseModule>(&module)) {
      check_columns(dense->folder, "in_features", dense->in_features, columns);
      add(*dense, std::type_identity<DenseStep>());
      columns = dense->out_features;
    } else if (const auto* norm = std::get_if<checkpoint::LayerNormModule>(&module)) {
      check_columns(norm->folder, "dimension", norm->dimension, columns);
      add(*norm, std::type_identity<LayerNormStep>());
    } else {
      steps_.push_back(std::make_unique<NormalizeStep>());
    }
  }
}

Tensor RowModules::forward(Ops& ops, Tensor x) const {
  for (const auto& step : steps_) x = step->forward(ops, std::move(x));
  return x;
}

}  // namespace vecton::heads
