// Operations element by element.
#include <cmath>
#include <numbers>

#include "backend/mlx/mlx_ops.h"

namespace vecton::backend {

using Turn = MlxDevice::Turn;

namespace {

mx::array number(double value) { return mx::array(static_cast<float>(value)); }

// 2^n of whole numbers from -126 to 127, by their bits.
mx::array power_of_two(const mx::array& n) {
  return mx::view(mx::left_shift(mx::add(n, mx::array(127)), mx::array(23)), mx::float32);
}

mx::array softplus(const mx::array& x) {
  const mx::array above = mx::where(mx::greater(x, number(0)), x, mx::multiply(x, number(0)));
  return mx::add(above, mx::log1p(exp_of(mx::negative(mx::abs(x)))));
}

// x - tanh(x) = x c / (1 + c), c = x^2 / (3 + x^2 / (5 + ...)): Lambert's continued fraction of
// tanh, by which nothing cancels.
mx::array tanhshrink_near_zero(const mx::array& x) {
  const mx::array square = mx::multiply(x, x);
  mx::array below = number(19);
  for (int odd = 17; odd >= 3; odd -= 2) below = mx::add(number(odd), mx::divide(square, below));
  const mx::array c = mx::divide(square, below);
  return mx::multiply(x, mx::divide(c, mx::add(number(1), c)));
}

// x where it is not below 0, which a NaN is not.
mx::array not_below_zero(const mx::array& x, const mx::array& else_this) {
  return mx::where(mx::less(x, number(0)), else_this, x);
}

mx::array within(const mx::array& x, double low, double high) {
  return mx::where(mx::less(x, number(low)), number(low),
                   mx::where(mx::greater(x, number(high)), number(high), x));
}

}  // namespace

// exp(x) = 2^n exp(r), r = x - n ln 2 within half of ln 2. Both parts of ln 2 have so few bits that
// n times the first is exact; what is below float32's least number comes by a second factor.
mx::array exp_of(const mx::array& x) {
  if (mx::default_device() == mx::Device::gpu) return mx::exp(x);
  constexpr double kHigh = 355.0 / 512, kLow = kHigh - std::numbers::ln2;
  const mx::array y = within(x, -150, 150);
  const mx::array n = mx::round(mx::multiply(y, number(1 / std::numbers::ln2)));
  const mx::array r =
      mx::add(mx::subtract(y, mx::multiply(n, number(kHigh))), mx::multiply(n, number(kLow)));
  const mx::array whole = mx::astype(n, mx::int32), half = mx::right_shift(whole, mx::array(1));
  return mx::multiply(mx::multiply(mx::exp(r), power_of_two(half)),
                      power_of_two(mx::subtract(whole, half)));
}

// The formulas of ops/activation.h.
mx::array activated(const mx::array& x, ops::Activation act) {
  using ops::Activation;
  constexpr double kSeluScale = 1.0507009873554804934193349852946;
  constexpr double kSeluAlpha = 1.6732632423543772848170429916717;
  const auto times = [&](double factor) { return mx::multiply(x, number(factor)); };
  switch (act) {
    case Activation::kIdentity:
      return x;
    case Activation::kGelu:
      return mx::multiply(times(0.5), mx::add(number(1), mx::erf(times(1 / std::numbers::sqrt2))));
    case Activation::kGeluTanh: {
      const mx::array cube = mx::multiply(mx::multiply(x, x), times(0.044715));
      const mx::array inner =
          mx::multiply(mx::add(x, cube), number(std::sqrt(2 / std::numbers::pi)));
      return mx::multiply(times(0.5), mx::add(number(1), mx::tanh(inner)));
    }
    case Activation::kRelu:
      return not_below_zero(x, number(0));
    case Activation::kSilu:
      return mx::divide(x, mx::add(number(1), exp_of(mx::negative(x))));
    case Activation::kTanh:
      return mx::tanh(x);
    case Activation::kSigmoid:
      return mx::divide(number(1), mx::add(number(1), exp_of(mx::negative(x))));
    case Activation::kLog1pRelu:
      return mx::log1p(not_below_zero(x, number(0)));
    case Activation::kLeakyRelu:
      return not_below_zero(x, times(0.01));
    case Activation::kPRelu:
      return not_below_zero(x, times(0.25));
    case Activation::kRRelu:
      return not_below_zero(x, times((1.0 / 8 + 1.0 / 3) / 2));
    case Activation::kElu:
      return not_below_zero(x, mx::expm1(x));
    case Activation::kSelu:
      return mx::multiply(number(kSeluScale),
                          not_below_zero(x, mx::multiply(number(kSeluAlpha), mx::expm1(x))));
    case Activation::kSoftplus:
      return mx::where(mx::greater(x, number(20)), x, softplus(x));
    case Activation::kMish:
      return mx::multiply(x, mx::tanh(softplus(x)));
    case Activation::kHardtanh:
      return within(x, -1, 1);
    case Activation::kHardSigmoid:
      return within(mx::divide(mx::add(x, number(3)), number(6)), 0, 1);
    case Activation::kHardSwish: {
      const mx::array bend = mx::divide(mx::multiply(x, mx::add(x, number(3))), number(6));
      return mx::where(mx::less(x, number(-3)), number(0),
                       mx::where(mx::greater(x, number(3)), x, bend));
    }
    case Activation::kSoftsign:
      return mx::divide(x, mx::add(number(1), mx::abs(x)));
    case Activation::kRelu6:
      return within(x, 0, 6);
    case Activation::kTanhshrink:
      return mx::where(mx::less(mx::abs(x), number(2)), tanhshrink_near_zero(x),
                       mx::subtract(x, mx::tanh(x)));
    case Activation::kLogSigmoid:
      return mx::negative(softplus(mx::negative(x)));
    case Activation::kSoftshrink:
      return mx::where(mx::greater(x, number(0.5)), mx::subtract(x, number(0.5)),
                       mx::where(mx::less(x, number(-0.5)), mx::add(x, number(0.5)), times(0)));
    case Activation::kHardshrink:
      return mx::where(
          mx::logical_and(mx::greater_equal(x, number(-0.5)), mx::less_equal(x, number(0.5))),
          number(0), x);
  }
  return x;
}

Tensor MlxOps::add(Tensor a, const Tensor& b) {
  const Turn turn(*device_);
  return tensor_of(mx::add(array_of(a), array_of(b)));
}

Tensor MlxOps::multiply(Tensor a, const Tensor& b) {
  const Turn turn(*device_);
  return tensor_of(mx::multiply(array_of(a), array_of(b)));
}

Tensor MlxOps::scale(Tensor x, float factor) {
  const Turn turn(*device_);
  return tensor_of(mx::multiply(array_of(x), mx::array(factor)));
}

Tensor MlxOps::activate(Tensor x, ops::Activation act) {
  const Turn turn(*device_);
  return tensor_of(activated(array_of(x), act));
}

mx::array gated(const mx::array& gate_up, ops::Activation act) {
  const int rows = gate_up.shape(0), columns = gate_up.shape(1), half = columns / 2;
  return mx::multiply(activated(mx::slice(gate_up, {0, 0}, {rows, half}), act),
                      mx::slice(gate_up, {0, half}, {rows, columns}));
}

mx::array clamped_gate(const mx::array& gate, const mx::array& up, float alpha, float limit) {
  const mx::array g = mx::where(mx::greater(gate, number(limit)), number(limit), gate),
                  u = within(up, -double{limit}, limit);
  const mx::array below = mx::add(number(1), exp_of(mx::multiply(number(-double{alpha}), g)));
  return mx::divide(mx::multiply(mx::add(u, number(1)), g), below);
}

Tensor MlxOps::clamped_swiglu(const Tensor& gate, const Tensor& up, float alpha, float limit) {
  const Turn turn(*device_);
  return tensor_of(clamped_gate(array_of(gate), array_of(up), alpha, limit));
}

}  // namespace vecton::backend
