// See kernels.h. A vector holds numbers of one group; the scalar target runs the same statements
// with one lane, and what Highway only emulates there is done by base/half.h.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quantise/kernels.cpp"
#include "backend/cpu/targets.h"
// Targets first.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <cstring>

#include "base/half.h"
#include "quantise/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace vecton::quantise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using F32 = hn::ScalableTag<float>;
using U32 = hn::RebindToUnsigned<F32>;
using I32 = hn::RebindToSigned<F32>;
using U16 = hn::Rebind<uint16_t, F32>;
using F16 = hn::Rebind<hwy::float16_t, F32>;
using U8 = hn::Rebind<uint8_t, F32>;
using VF = hn::Vec<F32>;
using VU = hn::Vec<U32>;
constexpr F32 kFloats;
constexpr U32 kWords;
constexpr I32 kIntegers;
constexpr U16 kHalves;
constexpr U8 kBytes;
constexpr int64_t kLanes = HWY_LANES(float);

float to_float(tensor::DType from, const unsigned char* stored) {
  if (from == tensor::DType::kF32) {
    float value;
    std::memcpy(&value, stored, sizeof value);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, stored, sizeof bits);
  return from == tensor::DType::kF16 ? base::f16_to_float(bits) : base::bf16_to_float(bits);
}

void widen(tensor::DType from, const void* stored, int64_t n, float* out) {
  const auto* at = static_cast<const unsigned char*>(stored);
  const int64_t width = size_of(from);
  int64_t i = 0;
  if (from == tensor::DType::kF32) {
    std::memcpy(out, stored, static_cast<size_t>(n) * sizeof(float));
    return;
  }
#if HWY_TARGET != HWY_SCALAR
  for (; i + kLanes <= n; i += kLanes) {
    const auto bits = hn::LoadU(kHalves, reinterpret_cast<const uint16_t*>(at + i * width));
    if (from == tensor::DType::kF16) {
      hn::StoreU(hn::PromoteTo(kFloats, hn::BitCast(F16(), bits)), kFloats, out + i);
    } else {
      const VU words = hn::ShiftLeft<16>(hn::PromoteTo(kWords, bits));
      hn::StoreU(hn::BitCast(kFloats, words), kFloats, out + i);
    }
  }
#endif
  for (; i < n; ++i) out[i] = to_float(from, at + i * width);
}

// Whether magnitude bits, of type `to`, say infinity where the number was finite.
bool narrow_one(tensor::DType to, float value, uint16_t* out) {
  *out = to == tensor::DType::kF16 ? base::float_to_f16(value) : base::float_to_bf16(value);
  const unsigned infinity = to == tensor::DType::kF16 ? 0x7c00u : 0x7f80u;
  return (*out & 0x7fffu) != infinity || !std::isfinite(value);
}

bool narrow(tensor::DType to, const float* values, int64_t n, void* stored) {
  if (to == tensor::DType::kF32) {
    std::memcpy(stored, values, static_cast<size_t>(n) * sizeof(float));
    return true;
  }
  auto* out = static_cast<unsigned char*>(stored);
  bool fits = true;
  int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  // Numbers of at most this magnitude round to finite ones; the others go one by one.
  const VF safe = hn::Set(kFloats, to == tensor::DType::kF16 ? 65504.0f : 3.38e38f);
  for (; i + kLanes <= n; i += kLanes) {
    const VF v = hn::LoadU(kFloats, values + i);
    auto* at = reinterpret_cast<uint16_t*>(out + i * 2);
    if (!hn::AllTrue(kFloats, hn::Le(hn::Abs(v), safe))) {
      for (int64_t j = 0; j < kLanes; ++j) {
        uint16_t bits;
        fits &= narrow_one(to, values[i + j], &bits);
        std::memcpy(at + j, &bits, sizeof bits);
      }
    } else if (to == tensor::DType::kF16) {
      hn::StoreU(hn::BitCast(kHalves, hn::DemoteTo(F16(), v)), kHalves, at);
    } else {
      const VU bits = hn::BitCast(kWords, v);
      const VU odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(kWords, 1u));
      const VU rounded = hn::Add(bits, hn::Add(odd, hn::Set(kWords, 0x7fffu)));
      hn::StoreU(hn::TruncateTo(kHalves, hn::ShiftRight<16>(rounded)), kHalves, at);
    }
  }
#endif
  for (; i < n; ++i) {
    uint16_t bits;
    fits &= narrow_one(to, values[i], &bits);
    std::memcpy(out + i * 2, &bits, sizeof bits);
  }
  return fits;
}

bool all_finite(const float* values, int64_t n) {
  const VU infinity = hn::Set(kWords, 0x7f800000u);
  VU worst = hn::Zero(kWords);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const VU bits = hn::BitCast(kWords, hn::LoadU(kFloats, values + i));
    worst = hn::Max(worst, hn::And(bits, infinity));
  }
  bool finite = hn::AllTrue(kWords, hn::Lt(worst, infinity));
  for (; i < n; ++i) finite &= std::isfinite(values[i]);
  return finite;
}

void store_codes(VF whole, uint8_t* codes) {
  const auto integers = hn::ConvertTo(kIntegers, whole);
  hn::StoreU(hn::DemoteTo(kBytes, integers), kBytes, codes);
}

void affine(const float* values, int64_t groups, int64_t group, int bits, uint8_t* codes,
            float* scales, float* offsets) {
  const float steps = static_cast<float>((1 << bits) - 1);
  const VF zero = hn::Zero(kFloats), most = hn::Set(kFloats, steps);
  for (int64_t g = 0; g < groups; ++g, values += group, codes += group) {
    VF low = hn::LoadU(kFloats, values), high = low;
    for (int64_t i = kLanes; i < group; i += kLanes) {
      const VF v = hn::LoadU(kFloats, values + i);
      low = hn::Min(low, v);
      high = hn::Max(high, v);
    }
    const float lowest = hn::GetLane(hn::MinOfLanes(kFloats, low)),
                highest = hn::GetLane(hn::MaxOfLanes(kFloats, high));
    const bool from_lowest = std::fabs(lowest) > std::fabs(highest);
    float scale = (highest - lowest) / steps;
    if (!(scale > 1e-7f)) scale = 1e-7f;
    if (!from_lowest) scale = -scale;
    const float edge = from_lowest ? lowest : highest;
    const float edge_code = std::nearbyint(edge / scale);
    float offset = 0;
    if (edge_code != 0) {
      scale = edge / edge_code;
      offset = edge;
    }
    scales[g] = scale;
    offsets[g] = offset;
    const VF divisor = hn::Set(kFloats, scale), start = hn::Set(kFloats, offset);
    for (int64_t i = 0; i < group; i += kLanes) {
      const VF v = hn::LoadU(kFloats, values + i);
      const VF code = hn::Round(hn::Div(hn::Sub(v, start), divisor));
      store_codes(hn::Min(hn::Max(code, zero), most), codes + i);
    }
  }
}

void largest(const float* values, int64_t groups, int64_t group, float* out) {
  for (int64_t g = 0; g < groups; ++g, values += group) {
    VF most = hn::Zero(kFloats);
    for (int64_t i = 0; i < group; i += kLanes)
      most = hn::Max(most, hn::Abs(hn::LoadU(kFloats, values + i)));
    out[g] = hn::GetLane(hn::MaxOfLanes(kFloats, most));
  }
}

struct ToE2M1 {
  // One more for each boundary between codes that the magnitude is beyond.
  VU operator()(VF v) const {
    const VF magnitude = hn::Abs(v);
    VU code = hn::Zero(kWords);
    for (const float boundary : {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5.0f}) {
      const auto beyond = hn::Gt(magnitude, hn::Set(kFloats, boundary));
      code = hn::Sub(code, hn::BitCast(kWords, hn::VecFromMask(kFloats, beyond)));
    }
    const auto negative = hn::Lt(v, hn::Set(kFloats, -0.25f));
    return hn::Or(code, hn::And(hn::BitCast(kWords, hn::VecFromMask(kFloats, negative)),
                                hn::Set(kWords, 8u)));
  }
};

struct ToE4M3 {
  VU operator()(VF v) const {
    const VU bits = hn::BitCast(kWords, v);
    const VU sign = hn::And(hn::ShiftRight<24>(bits), hn::Set(kWords, 0x80u));
    const VF magnitude = hn::Min(hn::Abs(v), hn::Set(kFloats, 448.0f));
    // Below 2^-6 the codes are multiples of 2^-9.
    const VU small = hn::BitCast(
        kWords, hn::ConvertTo(kIntegers, hn::Round(hn::Mul(magnitude, hn::Set(kFloats, 512.0f)))));
    const VU m = hn::BitCast(kWords, magnitude);
    const VU odd = hn::And(hn::ShiftRight<20>(m), hn::Set(kWords, 1u));
    const VU rounded = hn::Add(m, hn::Add(odd, hn::Set(kWords, 0x7ffffu)));
    const VU large = hn::Sub(hn::ShiftRight<20>(rounded), hn::Set(kWords, 120u << 3));
    const auto is_small = hn::Lt(magnitude, hn::Set(kFloats, 0x1p-6f));
    return hn::Or(sign, hn::IfThenElse(hn::RebindMask(kWords, is_small), small, large));
  }
};

template <typename ToCode>
void nearest(const float* values, int64_t groups, int64_t group, const float* scales,
             uint8_t* codes, ToCode to_code) {
  for (int64_t g = 0; g < groups; ++g, values += group, codes += group) {
    if (scales[g] == 0) {
      std::memset(codes, 0, static_cast<size_t>(group));
      continue;
    }
    const VF scale = hn::Set(kFloats, scales[g]);
    for (int64_t i = 0; i < group; i += kLanes) {
      const VF quotient = hn::Div(hn::LoadU(kFloats, values + i), scale);
      const VU code = to_code(quotient);
      hn::StoreU(hn::DemoteTo(kBytes, hn::BitCast(kIntegers, code)), kBytes, codes + i);
    }
  }
}

void e2m1(const float* values, int64_t groups, int64_t group, const float* scales, uint8_t* codes) {
  nearest(values, groups, group, scales, codes, ToE2M1());
}

void e4m3(const float* values, int64_t groups, int64_t group, const float* scales, uint8_t* codes) {
  nearest(values, groups, group, scales, codes, ToE4M3());
}

}  // namespace

const Kernels kKernels = {widen, narrow, all_finite, affine, largest, e2m1, e4m3};

}  // namespace vecton::quantise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecton::quantise {

const Kernels& kernels(cpu::Isa isa) { VECTON_PICK_ISA(isa, kKernels); }

}  // namespace vecton::quantise
#endif
