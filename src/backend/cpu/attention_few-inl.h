// Attention of so few queries that most lanes of attention_kernels.cpp's tiles would repeat the
// last one: a token that is written, against the keys before it. Here a lane holds a key's score,
// and then a column of the result. Every number is the outcome of the same operations in the same
// order as there, so that its bits are the same. For kernel files (targets.h).
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "backend/cpu/attention_kernels.h"
#include "backend/cpu/attention_keys-inl.h"
#include "backend/cpu/blocks-inl.h"
#include "backend/cpu/narrow-inl.h"
#include "backend/cpu/transpose-inl.h"
#include "backend/cpu/vector_math-inl.h"

// Once per target, as highway.h itself.
#if defined(VECTON_BACKEND_CPU_ATTENTION_FEW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef VECTON_BACKEND_CPU_ATTENTION_FEW_INL_H_
#undef VECTON_BACKEND_CPU_ATTENTION_FEW_INL_H_
#else
#define VECTON_BACKEND_CPU_ATTENTION_FEW_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {

// Beyond them the lanes of a tile of many are used well enough.
constexpr int kFewQueries = static_cast<int>(kLanes / 4);

// All of them see the same keys, nothing but the scale is done to a product of a query and a key,
// and rows are whole vectors.
inline bool is_of_few(const AttentionTile& tile) {
  const bool same_keys = !tile.positions || tile.begin / tile.group == (tile.end - 1) / tile.group;
  return tile.end - tile.begin <= kFewQueries && same_keys && !tile.bias && tile.softcap <= 0 &&
         tile.head_dim % kLanes == 0;
}

template <int kQueries>
class FewQueries {
 public:
  FewQueries(const AttentionTile& tile, float* scratch)
      : t_(tile),
        queries_(scratch),
        sums_(queries_ + kQueries * tile.head_dim),
        scores_(sums_ + kQueries * tile.head_dim),
        wide_(scores_ + kQueries * kScores) {}

  void run() {
    load_queries();
    const int64_t position = t_.positions ? t_.positions[t_.begin / t_.group] : 0;
    const int64_t from = first_key(t_, position);
    to_ = last_key(t_, position);
    bool first = true;
    for (int64_t key = from; key < to_; first = false) {
      const int64_t end = std::min(key / kKeyTile * kKeyTile + kKeyTile, to_);
      add_keys(key, end, first);
      key = end;
    }
    store_sums(first);
  }

 private:
  static constexpr int64_t kKeys = 2 * kLanes;  // that are multiplied together
  static constexpr int64_t kScores = (kKeyTile + kKeys - 1) / kKeys * kKeys;
  static constexpr int64_t kLine = 64;
  using Rows = std::array<const std::byte*, kKeyTile + kKeys>;

  // As [column][query], times scale and log2 e: softmax takes powers of 2.
  void load_queries() {
    const float factor = t_.scale * kLog2E;
    for (int i = 0; i < kQueries; ++i) {
      const int64_t query = t_.begin + i;
      const float* q = t_.q + query / t_.group * t_.q_stride + query % t_.group * t_.head_dim;
      for (int64_t c = 0; c < t_.head_dim; ++c) queries_[c * kQueries + i] = q[c] * factor;
      maxima_[i] = std::numeric_limits<float>::lowest();
      totals_[i] = 0;
    }
  }

  // Where the rows of a tile's keys and values are, and those that follow, to be fetched ahead.
  void find_rows(int64_t begin, int64_t end) {
    const int64_t last = std::min(end + kKeys, to_);
    for_runs(t_, begin, last, [&](const KeyRun& run, int64_t from, int64_t to) {
      const int64_t size = tensor::size_of(run.dtype);
      const std::byte* k = run.k + ((from - run.begin) * run.k_stride + t_.kv_column) * size;
      const std::byte* v = run.v + ((from - run.begin) * run.v_stride + t_.kv_column) * size;
      for (int64_t key = from - begin; key < to - begin; ++key) {
        k_[key] = k;
        v_[key] = v;
        types_[key] = run.dtype;
        k += run.k_stride * size;
        v += run.v_stride * size;
      }
    });
    fetched_ = last - begin;
  }

  // The rows of `count` keys as float32, in place or widened into the scratch, where they stay
  // until the next call; the last one stands for those up to kKeys.
  void read_rows(const Rows& rows, int64_t key, int64_t count, const float* (&out)[kKeys]) {
    for (int64_t i = 0; i < count; ++i) {
      const std::byte* row = rows[key + i];
      if (types_[key + i] == tensor::DType::kF32) {
        out[i] = reinterpret_cast<const float*>(row);
        continue;
      }
      float* wide = wide_ + i * t_.head_dim;
      with_narrow(types_[key + i],
                  [&]<class Type>() HWY_ATTR { widen_as<Type>(row, t_.head_dim, wide); });
      out[i] = wide;
    }
    std::fill(out + count, out + kKeys, out[count - 1]);
  }

  // The rows from number `key` on, as many as are multiplied together.
  void fetch(const Rows& rows, int64_t key) const {
    const int64_t bytes = t_.head_dim * tensor::size_of(types_[0]);
    for (const int64_t end = std::min(key + kKeys, fetched_); key < end; ++key) {
      for (int64_t at = 0; at < bytes; at += kLine) __builtin_prefetch(rows[key] + at);
    }
  }

  void add_keys(int64_t begin, int64_t end, bool first) {
    find_rows(begin, end);
    const int64_t count = end - begin;
    const float* rows[kKeys];
    if (first) fetch(k_, 0);
    for (int64_t key = 0; key < count; key += kKeys) {
      const int64_t some = std::min(kKeys, count - key);
      key + kKeys < count ? fetch(k_, key + kKeys) : fetch(v_, 0);
      read_rows(k_, key, some, rows);
      add_scores(rows, some, scores_ + key);
    }
    float alphas[kQueries];
    take_powers(count, alphas);
    for (int64_t key = 0; key < count; key += kKeys) {
      const int64_t some = std::min(kKeys, count - key);
      key + kKeys < count ? fetch(v_, key + kKeys) : fetch(k_, count);
      read_rows(v_, key, some, rows);
      if (key == 0) {
        for (int i = 0; i < kQueries; ++i) scale_sums(i, first, alphas[i]);
      }
      add_values(rows, some, scores_ + key);
    }
  }

  // Scores of up to kKeys keys; beyond `count` none.
  HWY_NOINLINE void add_scores(const float* const (&rows)[kKeys], int64_t count, float* scores) {
    VF sums[kQueries][2];
    HWY_UNROLL(4)
    for (int i = 0; i < kQueries; ++i) sums[i][0] = sums[i][1] = hn::Zero(d_);
    const float* query = queries_;
    for (int64_t c = 0; c < t_.head_dim; c += 4) {
      VF keys[2][4];
      load_columns(rows, c, keys[0]);
      load_columns(rows + kLanes, c, keys[1]);
      HWY_UNROLL(4)
      for (int j = 0; j < 4; ++j, query += kQueries) {
        HWY_UNROLL(4)
        for (int i = 0; i < kQueries; ++i) {
          const VF q = hn::Set(d_, query[i]);
          sums[i][0] = hn::MulAdd(q, keys[0][j], sums[i][0]);
          sums[i][1] = hn::MulAdd(q, keys[1][j], sums[i][1]);
        }
      }
    }
    const VF none = hn::Set(d_, -std::numeric_limits<float>::infinity());
    HWY_UNROLL(4)
    for (int i = 0; i < kQueries; ++i) {
      HWY_UNROLL(2)
      for (int v = 0; v < 2; ++v) {
        const int64_t left = std::clamp<int64_t>(count - v * kLanes, 0, kLanes);
        const auto there = hn::FirstN(d_, static_cast<size_t>(left));
        hn::Store(hn::IfThenElse(there, sums[i][v], none), d_, scores + i * kScores + v * kLanes);
      }
    }
  }

  // Scores become powers; `alphas`: what the sums of earlier tiles are to be multiplied by.
  HWY_NOINLINE void take_powers(int64_t count, float (&alphas)[kQueries]) {
    const int64_t whole = round_up(count, kKeys);
    for (int i = 0; i < kQueries; ++i) {
      float* score = scores_ + i * kScores;
      VF maximum = hn::Set(d_, maxima_[i]);
      for (int64_t key = 0; key < whole; key += kLanes)
        maximum = hn::Max(maximum, hn::Load(d_, score + key));
      const float before = maxima_[i];
      maxima_[i] = hn::GetLane(hn::MaxOfLanes(d_, maximum));
      alphas[i] = before == maxima_[i] ? 1 : power_of(before - maxima_[i]);
      totals_[i] *= alphas[i];
      maximum = hn::Set(d_, maxima_[i]);
      for (int64_t key = 0; key < whole; key += kLanes) {
        hn::Store(exp2_nonpositive(hn::Sub(hn::Load(d_, score + key), maximum)), d_, score + key);
      }
    }
    for (int64_t key = 0; key < count; ++key) {
      for (int i = 0; i < kQueries; ++i) totals_[i] += scores_[i * kScores + key];
    }
  }

  float power_of(float x) const { return hn::GetLane(exp2_nonpositive(hn::Set(d_, x))); }

  void scale_sums(int query, bool first, float alpha) {
    float* sums = sums_ + query * t_.head_dim;
    const VF times = hn::Set(d_, alpha);
    for (int64_t c = 0; c < t_.head_dim; c += kLanes)
      hn::Store(first ? hn::Zero(d_) : hn::Mul(hn::Load(d_, sums + c), times), d_, sums + c);
  }

  void add_values(const float* const (&rows)[kKeys], int64_t count, const float* powers) {
    constexpr int kSums = HWY_LANES(float) > 8 ? 16 : 8;
    constexpr int kMost = std::min(8, kSums / kQueries);
    const int64_t vectors = t_.head_dim / kLanes;
    for (int64_t v = 0, some; v < vectors; v += some) {
      some = next_block(vectors - v, kMost);
      with_constant<kMost>(some, [&]<int kVectors>() HWY_ATTR {
        add_columns<kVectors>(rows, count, v * kLanes, powers);
      });
    }
  }

  // Values times powers, added to some columns.
  template <int kVectors>
  HWY_NOINLINE void add_columns(const float* const (&rows)[kKeys], int64_t count, int64_t column,
                                const float* powers) {
    VF sums[kQueries][kVectors];
    HWY_UNROLL(4)
    for (int i = 0; i < kQueries; ++i) {
      HWY_UNROLL(8)
      for (int v = 0; v < kVectors; ++v)
        sums[i][v] = hn::Load(d_, sums_ + i * t_.head_dim + column + v * kLanes);
    }
    for (int64_t key = 0; key < count; ++key) {
      const float* x = rows[key] + column;
      VF p[kQueries];
      HWY_UNROLL(4)
      for (int i = 0; i < kQueries; ++i) p[i] = hn::Set(d_, powers[i * kScores + key]);
      HWY_UNROLL(8)
      for (int v = 0; v < kVectors; ++v) {
        const VF value = hn::LoadU(d_, x + v * kLanes);
        HWY_UNROLL(4)
        for (int i = 0; i < kQueries; ++i) sums[i][v] = hn::MulAdd(p[i], value, sums[i][v]);
      }
    }
    HWY_UNROLL(4)
    for (int i = 0; i < kQueries; ++i) {
      HWY_UNROLL(8)
      for (int v = 0; v < kVectors; ++v)
        hn::Store(sums[i][v], d_, sums_ + i * t_.head_dim + column + v * kLanes);
    }
  }

  // Without a key to see the result is 0.
  void store_sums(bool empty) {
    for (int i = 0; i < kQueries; ++i) {
      const int64_t query = t_.begin + i, head = query % t_.group;
      float* out = t_.out + query / t_.group * t_.out_stride + head * t_.head_dim;
      if (empty) {
        std::fill_n(out, t_.head_dim, 0.0f);
        continue;
      }
      float one = 1;
      if (t_.sinks) {
        const float sink = t_.sinks[head] * kLog2E, maximum = std::max(sink, maxima_[i]);
        one = power_of(maxima_[i] - maximum);
        totals_[i] = hn::GetLane(hn::MulAdd(hn::Set(d_, totals_[i]), hn::Set(d_, one),
                                            hn::Set(d_, power_of(sink - maximum))));
      }
      const VF factor = hn::Set(d_, one / totals_[i]);
      const float* sums = sums_ + i * t_.head_dim;
      for (int64_t c = 0; c < t_.head_dim; c += kLanes)
        hn::StoreU(hn::MulAdd(hn::Load(d_, sums + c), factor, hn::Zero(d_)), d_, out + c);
    }
  }

  const F32 d_{};
  const AttentionTile& t_;
  float *queries_, *sums_, *scores_, *wide_;
  int64_t to_ = 0, fetched_ = 0;
  Rows k_, v_;
  std::array<tensor::DType, kKeyTile + kKeys> types_;
  float maxima_[kQueries], totals_[kQueries];
};

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // VECTON_BACKEND_CPU_ATTENTION_FEW_INL_H_
