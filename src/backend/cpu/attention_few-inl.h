// Attention of so few queries that most lanes of attention_kernels.cpp's tiles would repeat the
// last one: a token that is written, against the keys before it. Here a lane holds a key's score,
// and then a column of the result. Every number is the outcome of the same operations in the same
// order as there, so that its bits are the same. For kernel files (targets.h).
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

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

// Rows that are fetched while others are multiplied, in equal shares, line after line: memory
// answers soonest where what is asked for lies together, so that all key heads' columns of a row
// follow one another.
class RowsAhead {
 public:
  RowsAhead(const std::byte* const* begin, const std::byte* const* end, int64_t bytes,
            int64_t shares)
      : row_(begin), end_(end), bytes_(bytes) {
    const int64_t lines = (end - begin) * ((bytes + kLine - 1) / kLine);
    share_ = (lines + shares - 1) / shares;
  }

  // Inlined, because a compiler takes a function that does nothing but fetch for one that does
  // nothing.
  HWY_INLINE void fetch_share() {
    for (int64_t left = share_; left > 0 && row_ != end_; --left) {
      __builtin_prefetch(*row_ + at_, 0, 2);
      at_ += kLine;
      if (at_ < bytes_) continue;
      at_ = 0;
      ++row_;
    }
  }

 private:
  static constexpr int64_t kLine = 64;
  const std::byte* const* row_;
  const std::byte* const* end_;
  int64_t bytes_, share_, at_ = 0;
};

struct Float32 {
  using Stored = float;
};

// A vector of numbers that lie so.
template <class Type>
HWY_INLINE VF load_wide(const typename Type::Stored* from) {
  if constexpr (std::is_same_v<Type, Float32>) {
    return hn::LoadU(F32(), from);
  } else {
    return load_widened<Type>(from);
  }
}

// Columns from `column` on of as many rows as there are lanes, a row to a lane: four words of each
// row, and what numbers they hold.
template <class Type>
class KeyColumns {
  static constexpr int kInWord = sizeof(float) / sizeof(typename Type::Stored);

 public:
  static constexpr int kColumns = 4 * kInWord;

  HWY_INLINE KeyColumns(const float* const* rows, int64_t column) {
    load_columns(rows, column / kInWord, words_);
  }
  HWY_INLINE VF column(int j) const {
    constexpr int kBits = 32 / kInWord;
    const VF word = words_[j / kInWord];
    if constexpr (kInWord == 1) {
      return word;
    } else {
      const int shift = j % kInWord * kBits;
      const NarrowCodes code = hn::ShiftRightSame(hn::BitCast(NarrowU32(), word), shift);
      return Type::widen(hn::And(code, codes((1u << kBits) - 1)));
    }
  }

 private:
  VF words_[4];
};

template <int kQueries>
class FewQueries {
 public:
  FewQueries(const AttentionTile& tile, float* scratch)
      : t_(tile),
        queries_(scratch),
        sums_(queries_ + tile.heads * kQueries * tile.head_dim),
        scores_(sums_ + tile.heads * kQueries * tile.head_dim),
        wide_(scores_ + tile.heads * kQueries * kScores),
        maxima_(wide_ + kKeys * tile.head_dim),
        totals_(maxima_ + tile.heads * kQueries) {}

  static int64_t scratch_floats(int64_t head_dim, int64_t heads) {
    return heads * kQueries * (2 * head_dim + kScores + 2) + kKeys * head_dim;
  }

  void run() {
    for (int64_t head = 0; head < t_.heads; ++head) load_queries(head);
    const int64_t position = t_.positions ? t_.positions[t_.begin / t_.group] : 0;
    const int64_t from = first_key(t_, position);
    to_ = last_key(t_, position);
    bool first = true;
    for (int64_t key = from; key < to_; first = false) {
      const int64_t end = std::min(key / kKeyTile * kKeyTile + kKeyTile, to_);
      add_keys(key, end, first);
      key = end;
    }
    for (int64_t head = 0; head < t_.heads; ++head) store_sums(head, first);
  }

 private:
  static constexpr int64_t kKeys = 2 * kLanes;  // that are multiplied together
  static constexpr int64_t kScores = (kKeyTile + kKeys - 1) / kKeys * kKeys;
  using Rows = std::array<const std::byte*, kKeyTile + kKeys>;

  float* queries(int64_t head) const { return queries_ + head * kQueries * t_.head_dim; }
  float* sums(int64_t head) const { return sums_ + head * kQueries * t_.head_dim; }
  float* scores(int64_t head) const { return scores_ + head * kQueries * kScores; }
  float* maxima(int64_t head) const { return maxima_ + head * kQueries; }
  float* totals(int64_t head) const { return totals_ + head * kQueries; }

  // As [column][query], times scale and log2 e: softmax takes powers of 2.
  void load_queries(int64_t head) {
    const float factor = t_.scale * kLog2E;
    for (int i = 0; i < kQueries; ++i) {
      const int64_t query = t_.begin + i;
      const float* q = t_.q + query / t_.group * t_.q_stride +
                       (head * t_.group + query % t_.group) * t_.head_dim;
      for (int64_t c = 0; c < t_.head_dim; ++c) queries(head)[c * kQueries + i] = q[c] * factor;
      maxima(head)[i] = std::numeric_limits<float>::lowest();
      totals(head)[i] = 0;
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

  // Where a head's columns of the rows of `count` keys lie, as words; the last row stands for those
  // up to kKeys. Rows of one type are read as that, which is returned; of several, those that are
  // narrower than float32 are widened into the scratch, where they stay until the next call.
  tensor::DType find_columns(const Rows& rows, int64_t key, int64_t count, int64_t head,
                             const float* (&out)[kKeys]) {
    const tensor::DType* types = types_.data() + key;
    const bool alike = t_.head_dim % (16 / tensor::size_of(*types)) == 0 &&
                       std::all_of(types, types + count, [=](auto type) { return type == *types; });
    for (int64_t i = 0; i < count; ++i) {
      const std::byte* row = rows[key + i] + head * t_.head_dim * tensor::size_of(types[i]);
      out[i] = reinterpret_cast<const float*>(row);
      if (alike || types[i] == tensor::DType::kF32) continue;
      float* wide = wide_ + i * t_.head_dim;
      with_narrow(types[i], [&]<class Type>() HWY_ATTR { widen_as<Type>(row, t_.head_dim, wide); });
      out[i] = wide;
    }
    std::fill(out + count, out + kKeys, out[count - 1]);
    return alike ? *types : tensor::DType::kF32;
  }

  // The rows from number `key` on, as many as are multiplied together.
  RowsAhead ahead(const Rows& rows, int64_t key, int64_t shares) const {
    const int64_t begin = std::min(key, fetched_), end = std::min(key + kKeys, fetched_);
    return {rows.data() + begin, rows.data() + end,
            t_.heads * t_.head_dim * tensor::size_of(types_[0]), shares};
  }

  void add_keys(int64_t begin, int64_t end, bool first) {
    find_rows(begin, end);
    const int64_t count = end - begin;
    const float* rows[kKeys];
    if (first) ahead(k_, 0, 1).fetch_share();
    for (int64_t key = 0; key < count; key += kKeys) {
      const int64_t some = std::min(kKeys, count - key), shares = t_.heads * t_.head_dim / 4;
      RowsAhead next = key + kKeys < count ? ahead(k_, key + kKeys, shares) : ahead(v_, 0, shares);
      for (int64_t head = 0; head < t_.heads; ++head) {
        with_stored(find_columns(k_, key, some, head, rows), [&]<class Type>() HWY_ATTR {
          add_scores<Type>(queries(head), rows, some, scores(head) + key, next);
        });
      }
    }
    for (int64_t head = 0; head < t_.heads; ++head) take_powers(head, count, first);
    for (int64_t key = 0; key < count; key += kKeys) {
      const int64_t some = std::min(kKeys, count - key), shares = t_.heads * some;
      RowsAhead next =
          key + kKeys < count ? ahead(v_, key + kKeys, shares) : ahead(k_, count, shares);
      for (int64_t head = 0; head < t_.heads; ++head) {
        with_stored(find_columns(v_, key, some, head, rows), [&]<class Type>() HWY_ATTR {
          add_values<Type>(sums(head), rows, some, scores(head) + key, next);
        });
      }
    }
  }

  // f with the type of numbers as they lie in rows.
  template <class F>
  static HWY_INLINE void with_stored(tensor::DType dtype, const F& f) {
    if (dtype == tensor::DType::kF32) return f.template operator()<Float32>();
    with_narrow(dtype, f);
  }

  // Scores of up to kKeys keys; beyond `count` none.
  template <class Type>
  HWY_NOINLINE void add_scores(const float* query, const float* const (&rows)[kKeys], int64_t count,
                               float* scores, RowsAhead& ahead) {
    RowsAhead next = ahead;
    VF sums[kQueries][2];
    HWY_UNROLL(4)
    for (int i = 0; i < kQueries; ++i) sums[i][0] = sums[i][1] = hn::Zero(d_);
    for (int64_t c = 0; c < t_.head_dim; c += KeyColumns<Type>::kColumns) {
      const KeyColumns<Type> keys[2] = {{rows, c}, {rows + kLanes, c}};
      HWY_UNROLL(16)
      for (int j = 0; j < KeyColumns<Type>::kColumns; ++j, query += kQueries) {
        if (j % 4 == 0) next.fetch_share();
        const VF first = keys[0].column(j), second = keys[1].column(j);
        HWY_UNROLL(4)
        for (int i = 0; i < kQueries; ++i) {
          const VF q = hn::Set(d_, query[i]);
          sums[i][0] = hn::MulAdd(q, first, sums[i][0]);
          sums[i][1] = hn::MulAdd(q, second, sums[i][1]);
        }
      }
    }
    ahead = next;
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

  // Scores become powers, and the sums of earlier tiles are made relative to the new maximum.
  HWY_NOINLINE void take_powers(int64_t head, int64_t count, bool first) {
    const int64_t whole = round_up(count, kKeys);
    float *largest = maxima(head), *total = totals(head);
    for (int i = 0; i < kQueries; ++i) {
      float* score = scores(head) + i * kScores;
      VF maximum = hn::Set(d_, largest[i]);
      for (int64_t key = 0; key < whole; key += kLanes)
        maximum = hn::Max(maximum, hn::Load(d_, score + key));
      const float before = largest[i];
      largest[i] = hn::GetLane(hn::MaxOfLanes(d_, maximum));
      const float alpha = before == largest[i] ? 1 : power_of(before - largest[i]);
      total[i] *= alpha;
      scale_sums(sums(head) + i * t_.head_dim, first, alpha);
      maximum = hn::Set(d_, largest[i]);
      for (int64_t key = 0; key < whole; key += kLanes) {
        hn::Store(exp2_nonpositive(hn::Sub(hn::Load(d_, score + key), maximum)), d_, score + key);
      }
    }
    for (int64_t key = 0; key < count; ++key) {
      for (int i = 0; i < kQueries; ++i) total[i] += scores(head)[i * kScores + key];
    }
  }

  float power_of(float x) const { return hn::GetLane(exp2_nonpositive(hn::Set(d_, x))); }

  void scale_sums(float* sums, bool first, float alpha) {
    const VF times = hn::Set(d_, alpha);
    for (int64_t c = 0; c < t_.head_dim; c += kLanes)
      hn::Store(first ? hn::Zero(d_) : hn::Mul(hn::Load(d_, sums + c), times), d_, sums + c);
  }

  template <class Type>
  void add_values(float* sums, const float* const (&rows)[kKeys], int64_t count,
                  const float* powers, RowsAhead& ahead) {
    constexpr int kSums = HWY_LANES(float) > 8 ? 16 : 8;
    constexpr int kMost = std::min(8, kSums / kQueries);
    const int64_t vectors = t_.head_dim / kLanes;
    for (int64_t v = 0, some; v < vectors; v += some) {
      some = next_block(vectors - v, kMost);
      with_constant<kMost>(some, [&]<int kVectors>() HWY_ATTR {
        add_columns<Type, kVectors>(sums, rows, count, v * kLanes, powers, ahead);
      });
    }
  }

  // Values times powers, added to some columns.
  template <class Type, int kVectors>
  HWY_NOINLINE void add_columns(float* to, const float* const (&rows)[kKeys], int64_t count,
                                int64_t column, const float* powers, RowsAhead& ahead) {
    RowsAhead next = ahead;
    VF sums[kQueries][kVectors];
    HWY_UNROLL(4)
    for (int i = 0; i < kQueries; ++i) {
      HWY_UNROLL(8)
      for (int v = 0; v < kVectors; ++v)
        sums[i][v] = hn::Load(d_, to + i * t_.head_dim + column + v * kLanes);
    }
    for (int64_t key = 0; key < count; ++key) {
      next.fetch_share();
      const auto* x = reinterpret_cast<const typename Type::Stored*>(rows[key]) + column;
      VF p[kQueries];
      HWY_UNROLL(4)
      for (int i = 0; i < kQueries; ++i) p[i] = hn::Set(d_, powers[i * kScores + key]);
      HWY_UNROLL(8)
      for (int v = 0; v < kVectors; ++v) {
        const VF value = load_wide<Type>(x + v * kLanes);
        HWY_UNROLL(4)
        for (int i = 0; i < kQueries; ++i) sums[i][v] = hn::MulAdd(p[i], value, sums[i][v]);
      }
    }
    HWY_UNROLL(4)
    for (int i = 0; i < kQueries; ++i) {
      HWY_UNROLL(8)
      for (int v = 0; v < kVectors; ++v)
        hn::Store(sums[i][v], d_, to + i * t_.head_dim + column + v * kLanes);
    }
    ahead = next;
  }

  // Without a key to see the result is 0.
  void store_sums(int64_t head, bool empty) {
    for (int i = 0; i < kQueries; ++i) {
      const int64_t query = t_.begin + i, query_head = head * t_.group + query % t_.group;
      float* out = t_.out + query / t_.group * t_.out_stride + query_head * t_.head_dim;
      if (empty) {
        std::fill_n(out, t_.head_dim, 0.0f);
        continue;
      }
      float one = 1, total = totals(head)[i];
      if (t_.sinks) {
        const float sink = t_.sinks[query_head] * kLog2E, largest = maxima(head)[i];
        const float maximum = std::max(sink, largest);
        one = power_of(largest - maximum);
        total = hn::GetLane(hn::MulAdd(hn::Set(d_, total), hn::Set(d_, one),
                                       hn::Set(d_, power_of(sink - maximum))));
      }
      const VF factor = hn::Set(d_, one / total);
      const float* from = sums(head) + i * t_.head_dim;
      for (int64_t c = 0; c < t_.head_dim; c += kLanes)
        hn::StoreU(hn::MulAdd(hn::Load(d_, from + c), factor, hn::Zero(d_)), d_, out + c);
    }
  }

  const F32 d_{};
  const AttentionTile& t_;
  // By head.
  float *queries_, *sums_, *scores_, *wide_, *maxima_, *totals_;
  int64_t to_ = 0, fetched_ = 0;
  Rows k_, v_;
  std::array<tensor::DType, kKeyTile + kKeys> types_;
};

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // VECTON_BACKEND_CPU_ATTENTION_FEW_INL_H_
