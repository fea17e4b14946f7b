// The activations of ops.h as functions of one number: what a backend without a kernel of its own
// for one computes, and what single scores go through. Stateless.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "ops/types.h"

namespace vecton::ops {

// Whether families have it between their layers: linear() and gated_linear() of a backend compute
// it in passing. The others stand after a linear layer of a head, where activate() is enough.
constexpr bool is_common(Activation act) { return act <= Activation::kLog1pRelu; }

inline double activation_value(Activation act, double x) {
  const auto softplus = [](double v) {
    return std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v)));
  };
  constexpr double kSeluScale = 1.0507009873554804934193349852946;
  constexpr double kSeluAlpha = 1.6732632423543772848170429916717;
  switch (act) {
    case Activation::kIdentity:
      return x;
    case Activation::kGelu:
      return x / 2 * std::erfc(-x / std::numbers::sqrt2);
    case Activation::kGeluTanh:
      return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::kRelu:
      return x < 0 ? 0 : x;
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kLog1pRelu:
      return x < 0 ? 0 : std::log1p(x);
    case Activation::kLeakyRelu:
      return x < 0 ? 0.01 * x : x;
    case Activation::kPRelu:
      return x < 0 ? 0.25 * x : x;
    case Activation::kRRelu:
      return x < 0 ? (1.0 / 8 + 1.0 / 3) / 2 * x : x;
    case Activation::kElu:
      return x < 0 ? std::expm1(x) : x;
    case Activation::kSelu:
      return kSeluScale * (x < 0 ? kSeluAlpha * std::expm1(x) : x);
    case Activation::kSoftplus:
      return x > 20 ? x : softplus(x);
    case Activation::kMish:
      return x * std::tanh(softplus(x));
    case Activation::kHardtanh:
      return x < -1 ? -1 : x > 1 ? 1 : x;
    case Activation::kHardSigmoid:
      return x < -3 ? 0 : x > 3 ? 1 : x / 6 + 0.5;
    case Activation::kHardSwish:
      return x < -3 ? 0 : x > 3 ? x : x * (x + 3) / 6;
    case Activation::kSoftsign:
      return x / (1 + std::abs(x));
    case Activation::kRelu6:
      return x < 0 ? 0 : x > 6 ? 6 : x;
    case Activation::kTanhshrink:
      // Near 0 the difference loses what its series keeps.
      return std::abs(x) < 1e-3 ? x * x * x * (1.0 / 3 - 2.0 / 15 * x * x) : x - std::tanh(x);
    case Activation::kLogSigmoid:
      return -softplus(-x);
    case Activation::kSoftshrink:
      return x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : x == x ? 0 : x;
    case Activation::kHardshrink:
      return x >= -0.5 && x <= 0.5 ? 0 : x;
  }
  return x;
}

}  // namespace vecton::ops
