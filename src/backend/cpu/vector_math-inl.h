// exp, tanh and the activations on one vector of floats, for kernel files (targets.h).
//
// Every lane is computed from its own value alone, so that a masked or padded tail gives the bits
// of the body. NaN gives NaN. Polynomials are minimax fits made for this file; the error bounds
// named here are checked in vector_math_test.cpp on every instruction set.
#include "ops/types.h"

// Once per target, as highway.h itself.
#if defined(VECTON_BACKEND_CPU_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef VECTON_BACKEND_CPU_VECTOR_MATH_INL_H_
#undef VECTON_BACKEND_CPU_VECTOR_MATH_INL_H_
#else
#define VECTON_BACKEND_CPU_VECTOR_MATH_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using F32 = hn::ScalableTag<float>;
using VF = hn::Vec<F32>;

// The larger of x and lo, the smaller of x and hi; x where it is NaN: x86 gives the second operand
// where either is NaN, other machines give the number.
HWY_INLINE VF at_least(VF x, VF lo) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
  return hn::Max(lo, x);
#else
  return hn::IfThenElse(hn::Lt(x, lo), lo, x);
#endif
}

HWY_INLINE VF at_most(VF x, VF hi) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
  return hn::Min(hi, x);
#else
  return hn::IfThenElse(hn::Gt(x, hi), hi, x);
#endif
}

// NaN anywhere is the result.
HWY_INLINE VF larger(VF a, VF b) {
  return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(b)), b, a);
}

// c0 + x (c1 + x (...)).
template <class... C>
HWY_INLINE VF polynomial(VF x, float c0, C... rest) {
  if constexpr (sizeof...(rest) == 0) {
    return hn::Set(F32(), c0);
  } else {
    return hn::MulAdd(polynomial(x, rest...), x, hn::Set(F32(), c0));
  }
}

// 2^x for x <= 0, within 3 ulp; 0 or less than 2^-125 where that is less than 2^-126.
HWY_INLINE VF exp2_nonpositive(VF x) {
#if HWY_TARGET == HWY_AVX3
  // x = floor + r; vscalef takes the floor itself.
  const VF r{_mm512_reduce_ps(x.raw, 1 | _MM_FROUND_NO_EXC)};
  const VF p = polynomial(r, 0.9999999251f, 0.6931530732f, 0.2401536171f, 5.582631799e-2f,
                          8.989340163e-3f, 1.877576645e-3f);
  return VF{_mm512_scalef_ps(p.raw, x.raw)};
#else
  const F32 d;
  // The sum's lowest bits are round(x) + 127: the exponent of 2^round(x).
  const VF magic = hn::Set(d, 0x1.8p23f + 127), bounded = at_least(x, hn::Set(d, -126.0f));
  const VF shifted = hn::Add(bounded, magic), r = hn::Sub(bounded, hn::Sub(shifted, magic));
  const VF p = polynomial(r, 1.000000072f, 0.6931469671f, 0.2402211972f, 5.550713274e-2f,
                          9.675541333e-3f, 1.327647178e-3f);
  const hn::RebindToSigned<F32> di;
  return hn::Mul(p, hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
#endif
}

// e^x within 2 ulp; infinity above 88.72, 0 below -86.64.
HWY_INLINE VF exp(VF x) {
  const F32 d;
  const hn::RebindToSigned<F32> di;
  const VF n = hn::Round(hn::Min(hn::Max(hn::Mul(x, hn::Set(d, 1.44269504f)), hn::Set(d, -125.0f)),
                                 hn::Set(d, 128.0f)));
  // ln 2 in two parts; the first has few enough bits for n times it to be exact.
  VF r = hn::NegMulAdd(n, hn::Set(d, 0x1.62e4p-1f), x);
  r = hn::NegMulAdd(n, hn::Set(d, 0x1.7f7d1cp-20f), r);
  const VF p = polynomial(r, 1.0f, 1.0f, 0.4999999208f, 0.1666642007f, 4.166822620e-2f,
                          8.374824055e-3f, 1.383683530e-3f);
  // 2 * 2^(n - 1): n - 1 = 127 is still a normal exponent.
  const VF scale =
      hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 126))));
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -86.64339f)), hn::Mul(hn::Add(p, p), scale));
}

HWY_INLINE VF relu(VF x) {
  const VF zero = hn::Zero(F32());
  return hn::IfThenZeroElse(hn::Lt(x, zero), x);
}

// 1 / (1 + e^-x) within 4 ulp.
HWY_INLINE VF sigmoid(VF x) {
  const VF one = hn::Set(F32(), 1.0f);
  return hn::Div(one, hn::Add(one, exp(hn::Neg(x))));
}

// x / (1 + e^-x) within 4 ulp.
HWY_INLINE VF silu(VF x) { return hn::Div(x, hn::Add(hn::Set(F32(), 1.0f), exp(hn::Neg(x)))); }

// Within 4 ulp.
HWY_INLINE VF tanh(VF x) {
  const F32 d;
  const VF a = hn::Abs(x), one = hn::Set(d, 1.0f), two = hn::Set(d, 2.0f), square = hn::Mul(a, a);
  const VF p = polynomial(square, -0.3333327832f, 0.1333132896f, -5.372923005e-2f, 2.060200777e-2f,
                          -5.660789060e-3f);
  const VF small = hn::MulAdd(hn::Mul(p, square), a, a);
  const VF large = hn::Sub(one, hn::Div(two, hn::Add(exp(hn::Add(a, a)), one)));
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, hn::Set(d, 0.625f)), small, large), x);
}

// x Phi(x), the normal distribution function: x/2 (1 + erf(x / sqrt 2)), within 1e-7 (1 + |x|).
// Phi(-a) = 2^-q(a) with q a polynomial; the result is relu(x) - a Phi(-a), a = |x|, so that small
// results of large negative x keep their accuracy.
HWY_INLINE VF gelu(VF x) {
  const VF a = at_most(hn::Abs(x), hn::Set(F32(), 8.0f));
  const VF minus_q = polynomial(a, -0.9999999444f, -1.151107504f, -0.4591896926f, -5.255343544e-2f,
                                7.149049495e-3f, -2.048624717e-4f, -1.571008320e-4f,
                                3.306749125e-5f, -2.293357343e-6f);
  return hn::NegMulAdd(a, exp2_nonpositive(minus_q), relu(x));
}

// x/2 (1 + tanh(u)) = x / (1 + e^-2u), u = sqrt(2/pi) (x + 0.044715 x^3), within 1e-6 (1 + |x|).
HWY_INLINE VF gelu_tanh(VF x) {
  const VF minus_2u = hn::Mul(
      x, hn::MulAdd(hn::Mul(x, x), hn::Set(F32(), -0.0713548163f), hn::Set(F32(), -1.59576912f)));
  return hn::Div(x, hn::Add(hn::Set(F32(), 1.0f), exp(minus_2u)));
}

// ln(1 + max(x, 0)) within 2 ulp. 1 + x = 2^k (1 + f) with f within sqrt(1/2) - 1 .. sqrt(2) - 1;
// what 1 + x was rounded by goes into f.
HWY_INLINE VF log1p_relu(VF x) {
  const F32 d;
  const hn::RebindToSigned<F32> di;
  x = relu(x);
  const VF one = hn::Set(d, 1.0f), u = hn::Add(one, x);
  const VF rounded =
      hn::IfThenElse(hn::Lt(x, one), hn::Sub(x, hn::Sub(u, one)), hn::Sub(one, hn::Sub(u, x)));
  const auto bits = hn::BitCast(di, u);
  const auto k = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, 0x3f3504f3)));
  const VF m = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(k)));
  // 2^-k; far below what matters where it is not a normal number.
  const auto exponent = hn::Sub(hn::Set(di, 127), hn::Min(k, hn::Set(di, 126)));
  const VF scale = hn::BitCast(d, hn::ShiftLeft<23>(exponent));
  const VF f = hn::MulAdd(rounded, scale, hn::Sub(m, one)), n = hn::ConvertTo(d, k);
  const VF p = polynomial(f, -0.5f, 0.3333333171f, -0.2500082104f, 0.2000122687f, -0.166233573f,
                          0.1420175823f, -0.1316018306f, 0.1276157564f, -7.634493018e-2f);
  VF y = hn::MulAdd(hn::Mul(f, f), p, f);
  // ln 2 in two parts, as in exp.
  y = hn::MulAdd(n, hn::Set(d, 0x1.7f7d1cp-20f), y);
  y = hn::MulAdd(n, hn::Set(d, 0x1.62e4p-1f), y);
  return hn::IfThenElse(hn::Lt(x, hn::Inf(d)), y, x);
}

template <ops::Activation kActivation>
HWY_INLINE VF activate(VF x) {
  switch (kActivation) {
    case ops::Activation::kIdentity:
      return x;
    case ops::Activation::kGelu:
      return gelu(x);
    case ops::Activation::kGeluTanh:
      return gelu_tanh(x);
    case ops::Activation::kRelu:
      return relu(x);
    case ops::Activation::kSilu:
      return silu(x);
    case ops::Activation::kTanh:
      return tanh(x);
    case ops::Activation::kSigmoid:
      return sigmoid(x);
    case ops::Activation::kLog1pRelu:
      return log1p_relu(x);
    default:  // no kernel: is_common() says no
      return x;
  }
}

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // VECTON_BACKEND_CPU_VECTOR_MATH_INL_H_
