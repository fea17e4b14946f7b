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

constexpr F32 kFloats;
constexpr int64_t kLanes = HWY_LANES(float);

// The first min(n, kLanes) floats of x, then 0; nothing past x[n] is read.
HWY_INLINE VF load(const float* x, int64_t n) {
  if (n >= kLanes) return hn::LoadU(kFloats, x);
  HWY_ALIGN float padded[kLanes] = {};
  std::copy_n(x, n, padded);
  return hn::Load(kFloats, padded);
}

HWY_INLINE void store(VF v, float* y, int64_t n) {
  if (n >= kLanes) return hn::StoreU(v, kFloats, y);
  HWY_ALIGN float padded[kLanes];
  hn::Store(v, kFloats, padded);
  std::copy_n(padded, n, y);
}

// The sum of all lanes of value(i), i = 0, kLanes, ... below n, in an order that depends on n
// alone.
template <class F>
HWY_INLINE float sum(int64_t n, const F& value) {
  VF sums[4];
  std::fill_n(sums, 4, hn::Zero(kFloats));
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int j = 0; j < 4; ++j) sums[j] = hn::Add(sums[j], value(i + j * kLanes));
  }
  for (; i < n; i += kLanes) sums[0] = hn::Add(sums[0], value(i));
  return hn::GetLane(
      hn::SumOfLanes(kFloats, hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]))));
}

HWY_INLINE void scale_and_shift(const float* x, int64_t n, float mean, float scale,
                                const float* weight, const float* bias, float* y) {
  const VF mean_v = hn::Set(kFloats, mean), scale_v = hn::Set(kFloats, scale);
  for (int64_t i = 0; i < n; i += kLanes) {
    const VF unit = hn::Mul(hn::Sub(load(x + i, n - i), mean_v), scale_v);
    const VF shift = bias ? load(bias + i, n - i) : hn::Zero(kFloats);
    store(hn::MulAdd(unit, load(weight + i, n - i), shift), y + i, n - i);
  }
}

// The variance is summed from differences to the mean, not from squares: no cancellation.
void layer_norm(const float* x, int64_t n, const float* weight, const float* bias, float eps,
                float* y) {
  const auto count = static_cast<float>(n);
  const float mean = sum(n, [=](int64_t i) HWY_ATTR { return load(x + i, n - i); }) / count;
  const VF mean_v = hn::Set(kFloats, mean);
  const float squares = sum(n, [=](int64_t i) HWY_ATTR {
    VF difference = hn::Sub(load(x + i, n - i), mean_v);
    if (n - i < kLanes) {
      difference = hn::IfThenElseZero(hn::FirstN(kFloats, static_cast<size_t>(n - i)), difference);
    }
    return hn::Mul(difference, difference);
  });
  scale_and_shift(x, n, mean, 1 / std::sqrt(squares / count + eps), weight, bias, y);
}

void rms_norm(const float* x, int64_t n, const float* weight, const float* bias, float eps,
              float* y) {
  const float squares = sum(n, [=](int64_t i) HWY_ATTR {
    const VF value = load(x + i, n - i);
    return hn::Mul(value, value);
  });
  scale_and_shift(x, n, 0, 1 / std::sqrt(squares / static_cast<float>(n) + eps), weight, bias, y);
}

void rotate(const float* x, int64_t half, const float* cos, const float* sin, float* y) {
  for (int64_t i = 0; i < half; i += kLanes) {
    const int64_t n = half - i;
    const VF a = load(x + i, n), b = load(x + half + i, n);
    const VF c = load(cos + i, n), s = load(sin + i, n);
    store(hn::MulSub(a, c, hn::Mul(b, s)), y + i, n);
    store(hn::MulAdd(b, c, hn::Mul(a, s)), y + half + i, n);
  }
}

// Sums of pooling and of lengths are kept in double: they are few, and a text may be long.
using F64 = hn::ScalableTag<double>;
using HalfF32 = hn::Rebind<float, F64>;
constexpr F64 kDoubles;
constexpr int64_t kDoubleLanes = hn::MaxLanes(kDoubles);

void pool_max(const float* x, int64_t stride, int64_t count, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += kLanes) {
    VF largest = load(x + i, n - i);
    for (int64_t row = 1; row < count; ++row) {
      const VF value = load(x + row * stride + i, n - i);
      largest = hn::IfThenElse(hn::Or(hn::Lt(largest, value), hn::IsNaN(value)), value, largest);
    }
    store(largest, y + i, n - i);
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
    std::fill_n(sums, 4, hn::Zero(kDoubles));
    for (int64_t row = 0; row < count; ++row) {
      const auto w = hn::Set(kDoubles, weight(row));
      const float* from = x + row * stride + i;
      for (int j = 0; j < 4; ++j) {
        const auto value = hn::PromoteTo(kDoubles, hn::LoadU(half, from + j * kDoubleLanes));
        sums[j] = hn::MulAdd(value, w, sums[j]);
      }
    }
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

void pool(const float* x, int64_t stride, int64_t count, int64_t n, Pooling how,
          const int32_t* positions, float* y) {
  const auto rows = static_cast<double>(count);
  switch (how) {
    case Pooling::kCls:
      std::copy_n(x, n, y);
      return;
    case Pooling::kLast:
      std::copy_n(x + (count - 1) * stride, n, y);
      return;
    case Pooling::kMax:
      return pool_max(x, stride, count, n, y);
    case Pooling::kMean:
      return pool_sum(x, stride, count, n, nullptr, rows, y);
    case Pooling::kMeanSqrtLen:
      return pool_sum(x, stride, count, n, nullptr, std::sqrt(rows), y);
    case Pooling::kWeightedMean: {
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

const RowKernels kRowKernels = {layer_norm, rms_norm, rotate, pool, l2_normalize};

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecton::cpu {

const RowKernels& row_kernels(Isa isa) { VECTON_PICK_ISA(isa, kRowKernels); }

}  // namespace vecton::cpu
#endif
