#include "heads/label_activation.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace vecton::heads {

const char* LabelActivation::kind_name(Kind kind) {
  switch (kind) {
    case kIdentity:
      return "identity";
    case kSigmoid:
      return "sigmoid";
    case kSoftmax:
      return "softmax";
    case kSoftmin:
      return "softmin";
    case kLogSoftmax:
      return "logsoftmax";
    case kEach:
      return "";
  }
  return "";
}

static LabelActivation::Kind kind_of(checkpoint::RowFunction function) {
  switch (function) {
    case checkpoint::RowFunction::kSoftmax:
      return LabelActivation::kSoftmax;
    case checkpoint::RowFunction::kSoftmin:
      return LabelActivation::kSoftmin;
    case checkpoint::RowFunction::kLogSoftmax:
      return LabelActivation::kLogSoftmax;
  }
  return LabelActivation::kIdentity;
}

LabelActivation::LabelActivation(checkpoint::RowFunction function)
    : LabelActivation(kind_of(function)) {}

LabelActivation::LabelActivation(ops::Activation each, std::string name)
    : kind_(each == ops::Activation::kIdentity  ? kIdentity
            : each == ops::Activation::kSigmoid ? kSigmoid
                                                : kEach),
      each_(each),
      name_(std::move(name)) {
  std::ranges::transform(name_, name_.begin(), [](unsigned char c) { return std::tolower(c); });
}

void LabelActivation::set_calibration(double mean, double sigma) {
  mean_ = mean;
  sigma_ = sigma;
}

Tensor LabelActivation::calibrate(Ops& ops, Tensor logits) const {
  if (mean_ == 0 && sigma_ == 1) return logits;
  return ops.standardize(std::move(logits), mean_, sigma_);
}

Tensor LabelActivation::apply(Ops& ops, Tensor logits) const {
  switch (kind_) {
    case kIdentity:
      return logits;
    case kSigmoid:
      return ops.sigmoid(std::move(logits));
    case kSoftmax:
      return ops.softmax(std::move(logits));
    case kSoftmin:
      return ops.softmax(ops.scale(std::move(logits), -1));
    case kLogSoftmax:
      return ops.log_softmax(std::move(logits));
    case kEach:
      return ops.activate_exactly(std::move(logits), each_);
  }
  return logits;
}

}  // namespace vecton::heads
