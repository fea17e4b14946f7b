// What tiles of many and of few queries have in common: how keys are walked; for kernel files
// (targets.h).
#include <algorithm>
#include <cstdint>

#include "backend/cpu/attention_kernels.h"

// Once per target, as highway.h itself.
#if defined(VECTON_BACKEND_CPU_ATTENTION_KEYS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef VECTON_BACKEND_CPU_ATTENTION_KEYS_INL_H_
#undef VECTON_BACKEND_CPU_ATTENTION_KEYS_INL_H_
#else
#define VECTON_BACKEND_CPU_ATTENTION_KEYS_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {

// Keys between two maxima: tiles begin at its multiples.
constexpr int64_t kKeyTile = 120;
constexpr float kLog2E = 1.44269504f;
constexpr int64_t kFar = 1 << 30;  // the window where there is none

constexpr int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

inline int64_t reach_of(const AttentionTile& tile) {
  return tile.window > 0 ? std::min(tile.window, kFar) : kFar;
}

// A query at this position sees the keys first_key .. last_key, none where that is empty.
inline int64_t first_key(const AttentionTile& tile, int64_t position) {
  return std::max<int64_t>(0, position + 1 - reach_of(tile));
}
inline int64_t last_key(const AttentionTile& tile, int64_t position) {
  return std::min(tile.keys, position + (tile.causal ? 1 : reach_of(tile)));
}

// Calls f(run, begin, end) for the runs that the keys [begin, end) are cut into.
template <class F>
HWY_INLINE void for_runs(const AttentionTile& tile, int64_t begin, int64_t end, const F& f) {
  const KeyRun* run = tile.runs;
  if (run->end <= begin) {
    run = std::upper_bound(run, run + tile.run_count, begin,
                           [](int64_t key, const KeyRun& r) { return key < r.end; });
  }
  for (; begin < end; ++run) {
    const int64_t stop = std::min(end, run->end);
    f(*run, begin, stop);
    begin = stop;
  }
}

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // VECTON_BACKEND_CPU_ATTENTION_KEYS_INL_H_
