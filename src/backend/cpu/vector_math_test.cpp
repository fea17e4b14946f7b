#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/vector_math_test.cpp"
#include "backend/cpu/targets.h"
// Targets first.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backend/cpu/vector_math-inl.h"

// The functions of vector_math-inl.h over arrays, as each instruction set has them.
#ifndef VECTON_VECTOR_MATH_TEST_TABLE
#define VECTON_VECTOR_MATH_TEST_TABLE
namespace vecton::cpu {
using Apply = void (*)(const float* x, int n, float* y);  // n: a multiple of 16
struct VectorMath {
  Apply exp2_nonpositive, exp, sigmoid, silu, tanh, gelu, gelu_tanh, relu, log1p_relu;
};
}  // namespace vecton::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {

#define VECTON_APPLY(name)                                      \
  void apply_##name(const float* x, int n, float* y) {          \
    const F32 d;                                                \
    for (int i = 0; i < n; i += static_cast<int>(hn::Lanes(d))) \
      hn::StoreU(name(hn::LoadU(d, x + i)), d, y + i);          \
  }
VECTON_APPLY(exp2_nonpositive)
VECTON_APPLY(exp)
VECTON_APPLY(sigmoid)
VECTON_APPLY(silu)
VECTON_APPLY(tanh)
VECTON_APPLY(gelu)
VECTON_APPLY(gelu_tanh)
VECTON_APPLY(relu)
VECTON_APPLY(log1p_relu)
#undef VECTON_APPLY

const VectorMath kVectorMath = {
    apply_exp2_nonpositive, apply_exp,  apply_sigmoid,   apply_silu, apply_tanh, apply_gelu,
    apply_gelu_tanh,        apply_relu, apply_log1p_relu};

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace vecton::cpu {
namespace {

const VectorMath& vector_math(Isa isa) { VECTON_PICK_ISA(isa, kVectorMath); }

constexpr float kInfinity = std::numeric_limits<float>::infinity();

float apply(Apply function, float x) {
  const std::vector<float> in(16, x);
  std::vector<float> out(16);
  function(in.data(), 16, out.data());
  return out[0];
}

// The distance from y to the true value, in units of the last place of that (of the smallest normal
// number at least).
double ulps(float y, double truth) {
  if (y == static_cast<float>(truth)) return 0;
  const double least = std::numeric_limits<float>::min();
  const int exponent = std::ilogb(std::max(std::abs(truth), least));
  return std::abs(y - truth) / std::ldexp(1.0, exponent - 23);
}

// Every `step`-th float of [low, high], by bit pattern, in both signs where both lie inside.
std::vector<float> grid(float low, float high, uint32_t step = 997) {
  std::vector<float> x;
  for (uint32_t bits = 0; bits < 0x7f800000u; bits += step) {
    const float positive = std::bit_cast<float>(bits);
    if (low <= positive && positive <= high) x.push_back(positive);
    if (low <= -positive && -positive <= high) x.push_back(-positive);
  }
  x.resize((x.size() + 15) / 16 * 16, std::clamp(1.0f, low, high));
  return x;
}

struct Worst {
  double error = 0;
  float at = 0;
};

template <typename Error>
Worst worst(Apply function, const std::vector<float>& x, const Error& error) {
  std::vector<float> y(x.size());
  function(x.data(), static_cast<int>(x.size()), y.data());
  Worst found;
  for (size_t i = 0; i < x.size(); ++i) {
    const double e = error(x[i], y[i]);
    if (!(e <= found.error)) found = {e, x[i]};
  }
  return found;
}

class VectorMathTest : public testing::TestWithParam<Isa> {
 protected:
  const VectorMath& math_ = vector_math(GetParam());

  // Within `limit` units in the last place of `truth` on [low, high].
  void expect_ulps(Apply function, float low, float high, double limit, double (*truth)(double)) {
    const Worst w =
        worst(function, grid(low, high), [&](float x, float y) { return ulps(y, truth(x)); });
    EXPECT_LE(w.error, limit) << "at " << w.at;
    RecordProperty("ulps", std::to_string(w.error));
  }

  // Within `limit` (1 + |x|) of `truth` on [low, high].
  void expect_near(Apply function, float low, float high, double limit, double (*truth)(double)) {
    const Worst w = worst(function, grid(low, high), [&](float x, float y) {
      return std::abs(y - truth(x)) / (1 + std::abs(static_cast<double>(x)));
    });
    EXPECT_LE(w.error, limit) << "at " << w.at;
    RecordProperty("error", std::to_string(w.error));
  }
};

double true_sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double true_gelu(double x) { return x / 2 * std::erfc(-x / std::numbers::sqrt2); }
double true_gelu_tanh(double x) {
  return x * true_sigmoid(2 * std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x));
}

TEST_P(VectorMathTest, Exp2OfNonpositive) {
  expect_ulps(math_.exp2_nonpositive, -125, 0, 3, [](double x) { return std::exp2(x); });
  for (float x : grid(-std::numeric_limits<float>::max(), -125, 99991)) {
    const float y = apply(math_.exp2_nonpositive, x);
    ASSERT_TRUE(y >= 0 && y <= 0x1p-124f) << x << " " << y;
  }
  EXPECT_LE(apply(math_.exp2_nonpositive, -kInfinity), 0x1p-124f);
}

TEST_P(VectorMathTest, Exp) {
  expect_ulps(math_.exp, -86.6f, 88.722f, 2, [](double x) { return std::exp(x); });
  EXPECT_EQ(apply(math_.exp, 0), 1);
  EXPECT_EQ(apply(math_.exp, 88.73f), kInfinity);
  EXPECT_EQ(apply(math_.exp, kInfinity), kInfinity);
  for (float x : {-86.7f, -104.0f, -1e30f, -kInfinity}) EXPECT_EQ(apply(math_.exp, x), 0);
}

TEST_P(VectorMathTest, Sigmoid) {
  expect_ulps(math_.sigmoid, -86, 100, 4, true_sigmoid);
  EXPECT_EQ(apply(math_.sigmoid, kInfinity), 1);
  EXPECT_EQ(apply(math_.sigmoid, -kInfinity), 0);
}

TEST_P(VectorMathTest, Silu) {
  expect_ulps(math_.silu, -80, 1e30f, 4, [](double x) { return x * true_sigmoid(x); });
}

TEST_P(VectorMathTest, Tanh) {
  expect_ulps(math_.tanh, -1e30f, 1e30f, 4, [](double x) { return std::tanh(x); });
  EXPECT_EQ(apply(math_.tanh, kInfinity), 1);
  EXPECT_EQ(apply(math_.tanh, -kInfinity), -1);
}

TEST_P(VectorMathTest, Gelu) {
  expect_near(math_.gelu, -1e30f, 1e30f, 1e-7, true_gelu);
  expect_ulps(math_.gelu, -0.5, 1e30f, 6, true_gelu);
}

TEST_P(VectorMathTest, GeluTanh) {
  expect_near(math_.gelu_tanh, -1e30f, 1e30f, 1e-6, true_gelu_tanh);
}

TEST_P(VectorMathTest, Relu) {
  expect_ulps(math_.relu, -1e30f, 1e30f, 0, [](double x) { return std::max(x, 0.0); });
}

TEST_P(VectorMathTest, Log1pRelu) {
  for (const float high : {1e-30f, 1e-5f, 0.5f, 3.0f, 1e3f, 1e30f, 3.4e38f})
    expect_ulps(math_.log1p_relu, 0, high, 2, [](double x) { return std::log1p(x); });
  expect_ulps(math_.log1p_relu, -1e30f, 0, 0, [](double) { return 0.0; });
  EXPECT_EQ(apply(math_.log1p_relu, kInfinity), kInfinity);
}

TEST_P(VectorMathTest, NanGivesNan) {
  for (uint32_t bits : {0x7fc00000u, 0x7fc00001u, 0xffc00000u, 0x7fffffffu, 0xffedcba9u}) {
    const float nan = std::bit_cast<float>(bits);
    for (Apply function : {math_.exp2_nonpositive, math_.exp, math_.sigmoid, math_.silu, math_.tanh,
                           math_.gelu, math_.gelu_tanh, math_.relu, math_.log1p_relu}) {
      EXPECT_TRUE(std::isnan(apply(function, nan))) << bits;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, VectorMathTest, testing::ValuesIn(supported_isas()),
                         [](const auto& info) { return std::string(to_string(info.param)); });

}  // namespace
}  // namespace vecton::cpu

#endif  // HWY_ONCE
