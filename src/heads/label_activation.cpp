#include "heads/label_activation.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "ops/activation.h"

namespace vecton {

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

LabelActivation::LabelActivation(Activation each, std::string name)
    : kind_(each == Activation::kIdentity  ? kIdentity
            : each == Activation::kSigmoid ? kSigmoid
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
  std::vector<float> values(static_cast<size_t>(logits.rows() * logits.columns()));
  ops.download(logits, values);
  calibrate(values);
  return ops.upload(values, logits.rows(), logits.columns());
}

void LabelActivation::calibrate(std::span<float> row) const {
  if (mean_ == 0 && sigma_ == 1) return;
  for (float& logit : row) logit = static_cast<float>((logit - mean_) / sigma_);
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
    default:
      break;
  }
  // No operation gives these in double.
  std::vector<float> values(static_cast<size_t>(logits.rows() * logits.columns()));
  ops.download(logits, values);
  const auto columns = static_cast<size_t>(logits.columns());
  for (size_t i = 0; i < values.size(); i += columns) apply(std::span(values).subspan(i, columns));
  return ops.upload(values, logits.rows(), logits.columns());
}

void LabelActivation::apply(std::span<float> row) const {
  const auto each = [&](const auto& f) {
    for (float& x : row) x = static_cast<float>(f(double{x}));
  };
  switch (kind_) {
    case kIdentity:
      return;
    case kSigmoid:
      return each([](double x) { return activation_value(Activation::kSigmoid, x); });
    case kEach:
      return each([this](double x) { return activation_value(each_, x); });
    case kSoftmin:
      each([](double x) { return -x; });
      break;
    default:
      break;
  }
  if (row.empty()) return;
  const double largest = *std::ranges::max_element(row);
  double total = 0;
  for (const float x : row) total += std::exp(x - largest);
  const double log_total = std::log(total);
  if (kind_ == kLogSoftmax) return each([&](double x) { return x - largest - log_total; });
  each([&](double x) { return std::exp(x - largest) / total; });
}

}  // namespace vecton
