// What is added to the scores of a tile of queries (AttentionBias in ops.h); for
// attention_kernels.cpp.
#include <algorithm>
#include <cstdint>

#include "backend/cpu/attention_kernels.h"
#include "backend/cpu/transpose-inl.h"
#include "backend/cpu/vector_math-inl.h"

// Once per target, as highway.h itself.
#if defined(VECTON_BACKEND_CPU_ATTENTION_BIAS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef VECTON_BACKEND_CPU_ATTENTION_BIAS_INL_H_
#undef VECTON_BACKEND_CPU_ATTENTION_BIAS_INL_H_
#else
#define VECTON_BACKEND_CPU_ATTENTION_BIAS_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {

constexpr int64_t kLanes = HWY_LANES(float);

// A few keys at a time, so that what is gathered for them stays in the first-level cache. Numbers
// of one query for keys that follow one another, or of one key for queries that do, mostly lie
// within a vector: where the buckets ascend by one or not at all from distance to distance.
template <int kVectors>
class TileBias {
 public:
  static constexpr int64_t kWidth = kVectors * kLanes;
  static constexpr int64_t kKeys = 16;
  static constexpr int64_t kScratch = 2 * kKeys * kWidth;  // floats

  TileBias(const AttentionTile& tile, float* scratch)
      : t_(tile), b_(*tile.bias), found_(scratch), rows_(scratch + kKeys * kWidth) {
    const int64_t count = t_.end - t_.begin;
    for (int64_t lane = 0; lane < kWidth; ++lane) {
      const int64_t query = t_.begin + std::min(lane, count - 1), head = query % t_.group;
      lane_rows_[lane] = rows_ + std::min(lane, count - 1) * kKeys;
      positions_[lane] = t_.positions[query / t_.group];
      by_head_[lane] = static_cast<int32_t>(head * b_.head_stride + positions_[lane]);
      by_key_[lane] = static_cast<int32_t>(head * b_.buckets);
    }
    consecutive_ = t_.group == 1 && positions_[count - 1] - positions_[0] == count - 1;
  }

  // Finds the biases of the keys [begin, end), at most kKeys.
  HWY_NOINLINE void find(int64_t begin, int64_t end) {
    begin_ = begin;
    if (b_.by_query) {
      gather_by_query(begin, end);
      for (int v = 0; v < kVectors; ++v) {
        for (int64_t i = 0; i < end - begin; i += 4) {
          VF x[4];
          load_columns(lane_rows_ + v * kLanes, i, x);
          HWY_UNROLL(4)
          for (int j = 0; j < 4; ++j) hn::Store(x[j], d_, found_ + (i + j) * kWidth + v * kLanes);
        }
      }
    }
    for (int64_t i = 0; b_.by_key && i < end - begin; ++i) {
      for (int v = 0; v < kVectors; ++v) add_by_key(v, begin + i, found_ + i * kWidth + v * kLanes);
    }
  }

  // The bias of key begin + i.
  HWY_INLINE VF at(int v, int64_t i) const {
    const VF by_token = hn::Load(d_, found_ + i * kWidth + v * kLanes);
    if (!b_.by_head) return by_token;
    const VF head = by_head(v, begin_ + i);
    return b_.by_query || b_.by_key ? hn::Add(by_token, head) : head;
  }

 private:
  using I32 = hn::RebindToSigned<F32>;

  // rows_[query][key].
  HWY_INLINE void gather_by_query(int64_t begin, int64_t end) {
    for (int64_t query = t_.begin; query < t_.end; ++query) {
      const int64_t row = query / t_.group;
      const float* from = b_.by_query + row * b_.query_stride + query % t_.group * b_.buckets;
      const int64_t farthest = t_.positions[row] - (begin + kKeys - 1);
      float* to = rows_ + (query - t_.begin) * kKeys;
      if (b_.unit_steps[farthest] >= kKeys) {
        for (int64_t i = 0; i < kKeys; i += kLanes) {
          const VF x = load_gently(from, farthest + kKeys - i - kLanes);
          hn::Store(hn::Reverse(d_, x), d_, to + i);
        }
      } else {
        const int32_t* bucket = b_.bucket + t_.positions[row] - begin;
        for (int64_t i = 0; i < end - begin; ++i) to[i] = from[bucket[-i]];
      }
    }
  }

  // from[bucket[distance]] and those of the next distances, where their steps are 0 or 1.
  HWY_INLINE VF load_gently(const float* from, int64_t distance) const {
    const I32 di;
    const int32_t* bucket = b_.bucket + distance;
    const auto lanes = hn::Sub(hn::LoadU(di, bucket), hn::Set(di, *bucket));
    return hn::TableLookupLanes(hn::LoadU(d_, from + *bucket), hn::IndicesFromVec(d_, lanes));
  }

  HWY_INLINE void add_by_key(int v, int64_t key, float* to) const {
    const float* from = b_.by_key + key * b_.key_stride;
    const int32_t nearest = positions_[v * kLanes] - static_cast<int32_t>(key);
    VF x;
    if (consecutive_ && b_.unit_steps[nearest] >= kLanes) {
      x = load_gently(from, nearest);
    } else {
      HWY_ALIGN float lanes[kLanes];
      const int32_t *position = positions_ + v * kLanes, *column = by_key_ + v * kLanes;
      for (int64_t i = 0; i < kLanes; ++i)
        lanes[i] = from[column[i] + b_.bucket[position[i] - key]];
      x = hn::Load(d_, lanes);
    }
    hn::Store(b_.by_query ? hn::Add(hn::Load(d_, to), x) : x, d_, to);
  }

  HWY_INLINE VF by_head(int v, int64_t key) const {
    if (consecutive_) return hn::LoadU(d_, b_.by_head + positions_[v * kLanes] - key);
    const I32 di;
    return hn::GatherIndex(d_, b_.by_head - key, hn::Load(di, by_head_ + v * kLanes));
  }

  const F32 d_{};
  const AttentionTile& t_;
  const AttentionTileBias& b_;
  float *found_, *rows_;  // [key][lane], [lane][key]
  int64_t begin_ = 0;
  bool consecutive_;  // lane i's position is lane 0's + i
  const float* lane_rows_[kWidth];
  HWY_ALIGN int32_t positions_[kWidth], by_head_[kWidth], by_key_[kWidth];
};

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // VECTON_BACKEND_CPU_ATTENTION_BIAS_INL_H_
