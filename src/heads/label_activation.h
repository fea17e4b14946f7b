// LabelActivation: how logits of labels become the numbers that are answered. A plain value.
#pragma once

#include <string>

#include "checkpoint/torch_activations.h"
#include "ops/ops.h"

namespace vecton::heads {

class LabelActivation {
 public:
  // kEach: a function of each logit by itself.
  enum Kind { kIdentity, kSigmoid, kSoftmax, kSoftmin, kLogSoftmax, kEach };

  LabelActivation(Kind kind = kIdentity) : kind_(kind) {}  // NOLINT: a kind is one
  explicit LabelActivation(checkpoint::RowFunction function);
  // A function that torch calls `name` ("Tanh").
  LabelActivation(ops::Activation each, std::string name);

  // "identity", "sigmoid", "softmax", "softmin", "logsoftmax", "tanh", ...
  const std::string& name() const { return name_; }

  // Of logits before any activation: (logit - mean) / sigma (Platt scaling).
  void set_calibration(double mean, double sigma);
  Tensor calibrate(Ops& ops, Tensor logits) const;

  // Rows of logits.
  Tensor apply(Ops& ops, Tensor logits) const;

 private:
  Kind kind_ = kIdentity;
  double mean_ = 0, sigma_ = 1;
  ops::Activation each_ = ops::Activation::kIdentity;
  std::string name_ = kind_name(kind_);
  static const char* kind_name(Kind kind);
};

}  // namespace vecton::heads
