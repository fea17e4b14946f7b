// Rows of a matrix to vectors of its columns, one row per lane, and back; for kernel files
// (targets.h).
#include <cstdint>

#include "backend/cpu/vector_math-inl.h"

// Once per target, as highway.h itself.
#if defined(VECTON_BACKEND_CPU_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef VECTON_BACKEND_CPU_TRANSPOSE_INL_H_
#undef VECTON_BACKEND_CPU_TRANSPOSE_INL_H_
#else
#define VECTON_BACKEND_CPU_TRANSPOSE_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {

// In each group of four lanes, four vectors of one row each become four of one column each.
HWY_INLINE void transpose4(VF& a, VF& b, VF& c, VF& d) {
#if HWY_TARGET != HWY_SCALAR
  const F32 f;
  const hn::Repartition<double, F32> f64;
  const auto ab0 = hn::BitCast(f64, hn::InterleaveLower(f, a, b));
  const auto ab1 = hn::BitCast(f64, hn::InterleaveUpper(f, a, b));
  const auto cd0 = hn::BitCast(f64, hn::InterleaveLower(f, c, d));
  const auto cd1 = hn::BitCast(f64, hn::InterleaveUpper(f, c, d));
  a = hn::BitCast(f, hn::InterleaveLower(f64, ab0, cd0));
  b = hn::BitCast(f, hn::InterleaveUpper(f64, ab0, cd0));
  c = hn::BitCast(f, hn::InterleaveLower(f64, ab1, cd1));
  d = hn::BitCast(f, hn::InterleaveUpper(f64, ab1, cd1));
#endif
}

#if HWY_TARGET != HWY_SCALAR
// Four floats of every fourth row, from rows[0] on.
template <int64_t kN>
HWY_INLINE auto load_quads(const float* const* rows, int64_t column) {
  const hn::FixedTag<float, kN> d;
  if constexpr (kN == 4) {
    return hn::LoadU(d, rows[0] + column);
  } else {
    return hn::Combine(d, load_quads<kN / 2>(rows + kN / 2, column),
                       load_quads<kN / 2>(rows, column));
  }
}

template <int64_t kN, class V>
HWY_INLINE void store_quads(V x, float* const* rows, int64_t column) {
  const hn::FixedTag<float, kN> d;
  if constexpr (kN == 4) {
    hn::StoreU(x, d, rows[0] + column);
  } else {
    const hn::Half<decltype(d)> half;
    store_quads<kN / 2>(hn::LowerHalf(half, x), rows, column);
    store_quads<kN / 2>(hn::UpperHalf(half, x), rows + kN / 2, column);
  }
}
#endif

// Four columns, each of as many rows as a vector has lanes.
HWY_INLINE void load_columns(const float* const* rows, int64_t column, VF (&x)[4]) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < 4; ++i) x[i] = hn::Set(F32(), rows[0][column + i]);
#else
  HWY_UNROLL(4)
  for (int i = 0; i < 4; ++i) x[i] = load_quads<HWY_LANES(float)>(rows + i, column);
  transpose4(x[0], x[1], x[2], x[3]);
#endif
}

// The same of eight columns, with fewer loads.
#if HWY_TARGET == HWY_AVX3
HWY_INLINE void load_columns(const float* const* rows, int64_t column, VF (&x)[8]) {
  const hn::FixedTag<float, 8> half;
  HWY_UNROLL(8)
  for (int i = 0; i < 8; ++i) {
    const float* const* from = rows + i / 4 * 8 + i % 4;
    x[i] = hn::Combine(F32(), hn::LoadU(half, from[4] + column), hn::LoadU(half, from[0] + column));
  }
  transpose4(x[0], x[1], x[2], x[3]);
  transpose4(x[4], x[5], x[6], x[7]);
  // Now x[j] has the columns j and 4 + j of the rows 0 .. 3, then of 4 .. 7, and x[4 + j] those of
  // the later rows.
  HWY_UNROLL(4)
  for (int j = 0; j < 4; ++j) {
    const __m512 a = x[j].raw, b = x[4 + j].raw;
    x[j] = VF{_mm512_shuffle_f32x4(a, b, 0x88)};
    x[4 + j] = VF{_mm512_shuffle_f32x4(a, b, 0xdd)};
  }
}
constexpr int kColumnsAtOnce = 8;
#else
constexpr int kColumnsAtOnce = 4;
#endif

HWY_INLINE void store_columns(VF (&x)[4], float* const* rows, int64_t column) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < 4; ++i) rows[0][column + i] = hn::GetLane(x[i]);
#else
  transpose4(x[0], x[1], x[2], x[3]);
  HWY_UNROLL(4)
  for (int i = 0; i < 4; ++i) store_quads<HWY_LANES(float)>(x[i], rows + i, column);
#endif
}

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // VECTON_BACKEND_CPU_TRANSPOSE_INL_H_
