// See resample_kernels.h. A vector holds the sums of neighbouring levels; the scalar target runs
// the same statements with one lane.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "media/resample_kernels.cpp"
#include "backend/cpu/targets.h"
// Targets first.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "media/resample_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace vecton::media::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using I32 = hn::ScalableTag<int32_t>;
using U8 = hn::Rebind<uint8_t, I32>;
using VI = hn::Vec<I32>;
constexpr I32 kSums;
constexpr U8 kLevels;
constexpr int64_t kLanes = HWY_LANES(int32_t);
constexpr int32_t kHalf = 1 << (kPrecision - 1);

// kVectors vectors of levels that lie beside each other.
template <int kVectors>
void weigh_vectors(const uint8_t* from, int64_t stride, const int32_t* weights, int64_t count,
                   uint8_t* to) {
  VI sums[kVectors];
  for (int n = 0; n < kVectors; ++n) sums[n] = hn::Set(kSums, kHalf);
  for (int64_t i = 0; i < count; ++i, from += stride) {
    const VI weight = hn::Set(kSums, weights[i]);
    for (int n = 0; n < kVectors; ++n) {
      const VI level = hn::PromoteTo(kSums, hn::LoadU(kLevels, from + n * kLanes));
      sums[n] = hn::Add(sums[n], hn::Mul(level, weight));
    }
  }
  for (int n = 0; n < kVectors; ++n)
    hn::StoreU(hn::DemoteTo(kLevels, hn::ShiftRight<kPrecision>(sums[n])), kLevels,
               to + n * kLanes);
}

void weigh(const uint8_t* from, int64_t stride, const int32_t* weights, int64_t count,
           int64_t values, uint8_t* to) {
  int64_t v = 0;
  for (; v + 6 * kLanes <= values; v += 6 * kLanes)
    weigh_vectors<6>(from + v, stride, weights, count, to + v);
  for (; v + kLanes <= values; v += kLanes)
    weigh_vectors<1>(from + v, stride, weights, count, to + v);
  for (; v < values; ++v) {
    int32_t sum = kHalf;
    for (int64_t i = 0; i < count; ++i) sum += from[i * stride + v] * weights[i];
    to[v] = static_cast<uint8_t>(std::clamp(sum >> kPrecision, 0, 255));
  }
}

#if HWY_TARGET != HWY_SCALAR
using B16 = hn::Full128<uint8_t>;
constexpr B16 kBlock;
using VB = hn::Vec<B16>;

// The first half of the rows interleaved with the second: of each level's place, the bits of its
// row and then those of its column, the first goes to the end.
void interleave(const VB (&in)[kStrip], VB (&out)[kStrip]) {
  for (size_t i = 0; i < kStrip / 2; ++i) {
    out[2 * i] = hn::InterleaveLower(kBlock, in[i], in[i + kStrip / 2]);
    out[2 * i + 1] = hn::InterleaveUpper(kBlock, in[i], in[i + kStrip / 2]);
  }
}

// A square of kStrip x kStrip: after four times the row's bits stand where the column's were.
void transpose(const uint8_t* from, int64_t from_stride, uint8_t* to, int64_t to_stride) {
  VB a[kStrip], b[kStrip];
  for (size_t i = 0; i < kStrip; ++i)
    a[i] = hn::LoadU(kBlock, from + static_cast<int64_t>(i) * from_stride);
  for (int step = 0; step < 2; ++step) {
    interleave(a, b);
    interleave(b, a);
  }
  for (size_t i = 0; i < kStrip; ++i)
    hn::StoreU(a[i], kBlock, to + static_cast<int64_t>(i) * to_stride);
}
#endif

void to_strip(const uint8_t* rows, int64_t stride, int64_t values, uint8_t* strip) {
  int64_t v = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; v + kStrip <= values; v += kStrip) transpose(rows + v, stride, strip + v * kStrip, kStrip);
#endif
  for (; v < values; ++v) {
    for (int64_t row = 0; row < kStrip; ++row) strip[v * kStrip + row] = rows[row * stride + v];
  }
}

void from_strip(const uint8_t* strip, int64_t values, uint8_t* rows, int64_t stride) {
  int64_t v = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; v + kStrip <= values; v += kStrip) transpose(strip + v * kStrip, kStrip, rows + v, stride);
#endif
  for (; v < values; ++v) {
    for (int64_t row = 0; row < kStrip; ++row) rows[row * stride + v] = strip[v * kStrip + row];
  }
}

}  // namespace

const ResampleKernels kResampleKernels = {weigh, to_strip, from_strip};

}  // namespace vecton::media::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecton::media {

const ResampleKernels& resample_kernels(cpu::Isa isa) { VECTON_PICK_ISA(isa, kResampleKernels); }

}  // namespace vecton::media
#endif
