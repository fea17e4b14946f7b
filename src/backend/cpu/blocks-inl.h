// Cutting a loop into register blocks of a constant size, for kernel files (targets.h).
#include <cstdint>

// Once per target, as highway.h itself.
#if defined(VECTON_BACKEND_CPU_BLOCKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef VECTON_BACKEND_CPU_BLOCKS_INL_H_
#undef VECTON_BACKEND_CPU_BLOCKS_INL_H_
#else
#define VECTON_BACKEND_CPU_BLOCKS_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {

// How many accumulators of two vectors each fill the registers, beside what is multiplied.
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SCALAR
constexpr int kBlock = 6;
#else
constexpr int kBlock = 12;
#endif

// The next block where `left` is cut into as few and as equal blocks of at most `most` as can be.
constexpr int64_t next_block(int64_t left, int64_t most) {
  const int64_t blocks = (left + most - 1) / most;
  return (left + blocks - 1) / blocks;
}

// Runs f.operator()<n>() for a run-time n of [1, kMost].
template <int kMost, class F>
HWY_INLINE void with_constant(int64_t n, const F& f) {
  if constexpr (kMost > 1) {
    if (n < kMost) return with_constant<kMost - 1>(n, f);
  }
  f.template operator()<kMost>();
}

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // VECTON_BACKEND_CPU_BLOCKS_INL_H_
