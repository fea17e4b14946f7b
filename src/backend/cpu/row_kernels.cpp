#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/row_kernels.cpp"
#include "backend/cpu/targets.h"
// Targets first.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "backend/cpu/row_kernels.h"
#include "backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {

namespace {

constexpr F32 kFloats;
constexpr int64_t kLanes = HWY_LANES(float);

// The first n < kLanes floats of x, then 0; nothing past x[n] is read.
VF load_part(const float* x, int64_t n) {
  HWY_ALIGN float padded[kLanes] = {};
  std::copy_n(x, n, padded);
  return hn::Load(kFloats, padded);
}

void store_part(VF v, float* y, int64_t n) {
  HWY_ALIGN float padded[kLanes];
  hn::Store(v, kFloats, padded);
  std::copy_n(padded, n, y);
}

// The sum of term(x[i]) in an order that depends on n alone.
template <class F>
HWY_INLINE float sum(const float* x, int64_t n, const F& term) {
  VF sums[4];
  HWY_UNROLL(4)
  for (int j = 0; j < 4; ++j) sums[j] = hn::Zero(kFloats);
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    HWY_UNROLL(4)
    for (int j = 0; j < 4; ++j) {
      sums[j] = hn::Add(sums[j], term(hn::LoadU(kFloats, x + i + j * kLanes)));
    }
  }
  for (; i + kLanes <= n; i += kLanes) {
    sums[0] = hn::Add(sums[0], term(hn::LoadU(kFloats, x + i)));
  }
  if (i < n) {
    const auto inside = hn::FirstN(kFloats, static_cast<size_t>(n - i));
    sums[1] = hn::Add(sums[1], hn::IfThenElseZero(inside, term(load_part(x + i, n - i))));
  }
  return hn::GetLane(
      hn::SumOfLanes(kFloats, hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]))));
}

// (x - mean) * scale * weight + bias.
template <bool kBias>
HWY_INLINE void scale_and_shift(const float* x, int64_t n, float mean, float scale,
                                const float* weight, const float* bias, float* y) {
  const VF mean_v = hn::Set(kFloats, mean), scale_v = hn::Set(kFloats, scale);
  const auto apply = [=](VF x, VF w, VF b) HWY_ATTR {
    const VF unit = hn::Mul(hn::Sub(x, mean_v), scale_v);
    return kBias ? hn::MulAdd(unit, w, b) : hn::Mul(unit, w);
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const VF b = kBias ? hn::LoadU(kFloats, bias + i) : hn::Zero(kFloats);
    hn::StoreU(apply(hn::LoadU(kFloats, x + i), hn::LoadU(kFloats, weight + i), b), kFloats, y + i);
  }
  if (const int64_t rest = n - i; rest > 0) {
    const VF b = kBias ? load_part(bias + i, rest) : hn::Zero(kFloats);
    store_part(apply(load_part(x + i, rest), load_part(weight + i, rest), b), y + i, rest);
  }
}

// The variance is summed from differences to the mean, not from squares: no cancellation.
void layer_norm(const float* x, int64_t n, const float* weight, const float* bias, float eps,
                float* y) {
  const auto count = static_cast<float>(n);
  const float mean = sum(x, n, [](VF x) HWY_ATTR { return x; }) / count;
  const VF mean_v = hn::Set(kFloats, mean);
  const float squares = sum(x, n, [=](VF x) HWY_ATTR {
    const VF difference = hn::Sub(x, mean_v);
    return hn::Mul(difference, difference);
  });
  const float scale = 1 / std::sqrt(squares / count + eps);
  if (bias) return scale_and_shift<true>(x, n, mean, scale, weight, bias, y);
  scale_and_shift<false>(x, n, mean, scale, weight, bias, y);
}

void rms_norm(const float* x, int64_t n, const float* weight, const float* bias, float eps,
              float* y) {
  const float squares = sum(x, n, [](VF x) HWY_ATTR { return hn::Mul(x, x); });
  const float scale = 1 / std::sqrt(squares / static_cast<float>(n) + eps);
  if (bias) return scale_and_shift<true>(x, n, 0, scale, weight, bias, y);
  scale_and_shift<false>(x, n, 0, scale, weight, bias, y);
}

void rotate(const float* x, int64_t half, const float* cos, const float* sin, float* y) {
  const auto first = [](VF a, VF b, VF c, VF s)
                         HWY_ATTR { return hn::MulSub(a, c, hn::Mul(b, s)); };
  const auto second = [](VF a, VF b, VF c, VF s)
                          HWY_ATTR { return hn::MulAdd(b, c, hn::Mul(a, s)); };
  int64_t i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    const VF a = hn::LoadU(kFloats, x + i), b = hn::LoadU(kFloats, x + half + i);
    const VF c = hn::LoadU(kFloats, cos + i), s = hn::LoadU(kFloats, sin + i);
    hn::StoreU(first(a, b, c, s), kFloats, y + i);
    hn::StoreU(second(a, b, c, s), kFloats, y + half + i);
  }
  if (const int64_t rest = half - i; rest > 0) {
    const VF a = load_part(x + i, rest), b = load_part(x + half + i, rest);
    const VF c = load_part(cos + i, rest), s = load_part(sin + i, rest);
    store_part(first(a, b, c, s), y + i, rest);
    store_part(second(a, b, c, s), y + half + i, rest);
  }
}

// Sums of pooling and of lengths are kept in double: they are few, and a text may be long.
using F64 = hn::ScalableTag<double>;
using HalfF32 = hn::Rebind<float, F64>;
constexpr F64 kDoubles;
constexpr int64_t kDoubleLanes = hn::MaxLanes(kDoubles);

void pool_max(const float* x, int64_t stride, int64_t count, int64_t n, float* y) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    VF largest = hn::LoadU(kFloats, x + i);
    for (int64_t row = 1; row < count; ++row) {
      largest = larger(largest, hn::LoadU(kFloats, x + row * stride + i));
    }
    hn::StoreU(largest, kFloats, y + i);
  }
  if (const int64_t rest = n - i; rest > 0) {
    VF largest = load_part(x + i, rest);
    for (int64_t row = 1; row < count; ++row) {
      largest = larger(largest, load_part(x + row * stride + i, rest));
    }
    store_part(largest, y + i, rest);
  }
}

// Four vectors of columns at a time; the last columns one by one, with the same arithmetic.
void pool_sum(const float* x, int64_t stride, int64_t count, int64_t n, const int32_t* weights,
              double divisor, float* y) {
  const HalfF32 half;
  const auto weight = [=](int64_t row) { return weights ? weights[row] + 1.0 : 1.0; };
  int64_t i = 0;
  for (; i + 4 * kDoubleLanes <= n; i += 4 * kDoubleLanes) {
    hn::Vec<F64> sums[4];
    HWY_UNROLL(4)
    for (int j = 0; j < 4; ++j) sums[j] = hn::Zero(kDoubles);
    for (int64_t row = 0; row < count; ++row) {
      const auto w = hn::Set(kDoubles, weight(row));
      const float* from = x + row * stride + i;
      HWY_UNROLL(4)
      for (int j = 0; j < 4; ++j) {
        const auto value = hn::PromoteTo(kDoubles, hn::LoadU(half, from + j * kDoubleLanes));
        sums[j] = hn::MulAdd(value, w, sums[j]);
      }
    }
    HWY_UNROLL(4)
    for (int j = 0; j < 4; ++j) {
      const auto result = hn::Div(sums[j], hn::Set(kDoubles, divisor));
      hn::StoreU(hn::DemoteTo(half, result), half, y + i + j * kDoubleLanes);
    }
  }
  for (; i < n; ++i) {
    double total = 0;
    for (int64_t row = 0; row < count; ++row) total += weight(row) * x[row * stride + i];
    y[i] = static_cast<float>(total / divisor);
  }
}

void pool(const float* x, int64_t stride, int64_t count, int64_t n, ops::Pooling how,
          const int32_t* positions, float* y) {
  const auto rows = static_cast<double>(count);
  switch (how) {
    case ops::Pooling::kCls:
      std::copy_n(x, n, y);
      return;
    case ops::Pooling::kLast:
      std::copy_n(x + (count - 1) * stride, n, y);
      return;
    case ops::Pooling::kMax:
      return pool_max(x, stride, count, n, y);
    case ops::Pooling::kMean:
      return pool_sum(x, stride, count, n, nullptr, rows, y);
    case ops::Pooling::kMeanSqrtLen:
      return pool_sum(x, stride, count, n, nullptr, std::sqrt(rows), y);
    case ops::Pooling::kWeightedMean: {
      double weights = 0;
      for (int64_t row = 0; row < count; ++row) weights += positions[row] + 1.0;
      return pool_sum(x, stride, count, n, positions, weights, y);
    }
  }
}

void l2_normalize(const float* x, int64_t n, float* y) {
  const HalfF32 half;
  auto squares = hn::Zero(kDoubles);
  int64_t i = 0;
  for (; i + kDoubleLanes <= n; i += kDoubleLanes) {
    const auto value = hn::PromoteTo(kDoubles, hn::LoadU(half, x + i));
    squares = hn::MulAdd(value, value, squares);
  }
  double total = hn::GetLane(hn::SumOfLanes(kDoubles, squares));
  for (; i < n; ++i) total += static_cast<double>(x[i]) * x[i];
  const double length = std::max(std::sqrt(total), 1e-12);
  for (i = 0; i < n; ++i) y[i] = static_cast<float>(x[i] / length);
}

// y[i] = f(x[i], ...), a vector at a time; the last ones with the same arithmetic.
template <class F, class... X>
HWY_INLINE void map(int64_t n, float* y, const F& f, const X*... x) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    hn::StoreU(f(hn::LoadU(kFloats, x + i)...), kFloats, y + i);
  }
  if (const int64_t rest = n - i; rest > 0) store_part(f(load_part(x + i, rest)...), y + i, rest);
}

void add(const float* a, const float* b, int64_t n, float* y) {
  map(
      n, y, [](VF a, VF b) HWY_ATTR { return hn::Add(a, b); }, a, b);
}

void multiply(const float* a, const float* b, int64_t n, float* y) {
  map(
      n, y, [](VF a, VF b) HWY_ATTR { return hn::Mul(a, b); }, a, b);
}

void scale(const float* x, float factor, int64_t n, float* y) {
  map(
      n, y, [=](VF x) HWY_ATTR { return hn::Mul(x, hn::Set(kFloats, factor)); }, x);
}

template <ops::Activation kAct>
void activate_row(const float* x, int64_t n, float* y) {
  map(
      n, y, [](VF x) HWY_ATTR { return activate<kAct>(x); }, x);
}

void activate_rows(const float* x, ops::Activation act, int64_t n, float* y) {
  switch (act) {
    case ops::Activation::kIdentity:
      return activate_row<ops::Activation::kIdentity>(x, n, y);
    case ops::Activation::kGelu:
      return activate_row<ops::Activation::kGelu>(x, n, y);
    case ops::Activation::kGeluTanh:
      return activate_row<ops::Activation::kGeluTanh>(x, n, y);
    case ops::Activation::kRelu:
      return activate_row<ops::Activation::kRelu>(x, n, y);
    case ops::Activation::kSilu:
      return activate_row<ops::Activation::kSilu>(x, n, y);
    case ops::Activation::kTanh:
      return activate_row<ops::Activation::kTanh>(x, n, y);
    case ops::Activation::kSigmoid:
      return activate_row<ops::Activation::kSigmoid>(x, n, y);
    case ops::Activation::kLog1pRelu:
      return activate_row<ops::Activation::kLog1pRelu>(x, n, y);
    default:  // never asked for: is_common()
      return activate_row<ops::Activation::kIdentity>(x, n, y);
  }
}

void short_conv(const float* x, int64_t x_stride, const float* weight, int64_t weight_stride,
                int64_t width, const float* bias, int64_t n, float* y) {
  x -= (width - 1) * x_stride;
  const auto columns = [=](int64_t column, const auto& load) HWY_ATTR {
    VF sum = bias ? load(bias + column) : hn::Zero(kFloats);
    for (int64_t i = 0; i < width; ++i) {
      sum = hn::MulAdd(load(weight + i * weight_stride + column), load(x + i * x_stride + column),
                       sum);
    }
    return sum;
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const auto load = [](const float* from) HWY_ATTR { return hn::LoadU(kFloats, from); };
    hn::StoreU(columns(i, load), kFloats, y + i);
  }
  if (const int64_t rest = n - i; rest > 0) {
    const auto load = [=](const float* from) HWY_ATTR { return load_part(from, rest); };
    store_part(columns(i, load), y + i, rest);
  }
}

}  // namespace

const RowKernels kRowKernels = {layer_norm, rms_norm, rotate, pool,          l2_normalize,
                                add,        multiply, scale,  activate_rows, short_conv};

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecton::cpu {

const RowKernels& row_kernels(Isa isa) { VECTON_PICK_ISA(isa, kRowKernels); }

}  // namespace vecton::cpu
#endif
