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

// Rows that are fetched while others are multiplied, in equal shares, line after line: memory
// answers soonest where what is asked for lies together, so that all key heads' columns of a row
// follow one another.
class RowsAhead {
 public:
  RowsAhead(const float* const* begin, const float* const* end, int64_t bytes, int64_t shares)
      : row_(begin), end_(end), bytes_(bytes) {
    const int64_t lines = (end - begin) * ((bytes + kLine - 1) / kLine);
    share_ = (lines + shares - 1) / shares;
  }

  // Inlined, because a compiler takes a function that does nothing but fetch for one that does
  // nothing.
  HWY_INLINE void fetch_share() {
    for (int64_t left = share_; left > 0 && row_ != end_; --left) {
      const std::byte* at = reinterpret_cast<const std::byte*>(*row_) + at_;
      __builtin_prefetch(at, 0, 2);
      at_ += kLine;
      if (at_ < bytes_) continue;
      at_ = 0;
      ++row_;
    }
  }

 private:
  static constexpr int64_t kLine = 64;
  const float* const* row_;
  const float* const* end_;
  int64_t bytes_, share_, at_ = 0;
};

struct Float32 {
  using Stored = float;
  static constexpr tensor::DType kType = tensor::DType::kF32;

  static HWY_INLINE void widen_words(NarrowCodes words, VF (&numbers)[1]) {
    numbers[0] = float_of(words);
  }
};

// Rows of `Type`, which are read in words of 32 bits, one number to four; rows of other types are
// widened into the scratch first.
template <int kQueries, class Type>
class FewQueries {
 public:
  FewQueries(const AttentionTile& tile, float* scratch)
      : t_(tile),
        in_word_(tile.head_dim % (kLanes * kInWord<Type>) == 0 ? kInWord<Type> : 1),
        queries_(scratch),
        sums_(queries_ + tile.heads * kQueries * tile.head_dim),
        scores_(sums_ + tile.heads * kQueries * tile.head_dim),
        wide_(scores_ + tile.heads * kQueries * kScores),
        maxima_(wide_ + (kKeys + 1) * tile.head_dim),
        totals_(maxima_ + tile.heads * kQueries) {}

  static int64_t scratch_floats(int64_t head_dim, int64_t heads) {
    return heads * kQueries * (2 * head_dim + kScores + 2) + (kKeys + 1) * head_dim;
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
  template <class T>
  static constexpr int64_t kInWord = sizeof(float) / sizeof(typename T::Stored);
  static constexpr int64_t kLineWords = 16;
  static constexpr int kVectors = 2;  // of keys: as many sums at once as hide a sum's latency
  static constexpr int64_t kKeys = kVectors * kLanes;       // that are multiplied together
  static constexpr int64_t kScores = kKeyTile + kKeys + 8;  // whole vectors
  using Rows = std::array<const float*, kKeyTile + 2 * kKeys>;

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

  // Where the rows of a tile's keys and values are, and those that follow, to be fetched ahead and
  // to fill vectors of keys.
  void find_rows(int64_t begin, int64_t end) {
    const int64_t last = std::min(end + kKeys, to_);
    for_runs(t_, begin, last, [&](const KeyRun& run, int64_t from, int64_t to) {
      const int64_t size = tensor::size_of(run.dtype);
      const std::byte* k = run.k + ((from - run.begin) * run.k_stride + t_.kv_column) * size;
      const std::byte* v = run.v + ((from - run.begin) * run.v_stride + t_.kv_column) * size;
      for (int64_t key = from - begin; key < to - begin; ++key) {
        k_[key] = reinterpret_cast<const float*>(k);
        v_[key] = reinterpret_cast<const float*>(v);
        types_[key] = run.dtype;
        k += run.k_stride * size;
        v += run.v_stride * size;
      }
    });
    fetched_ = last - begin;
    std::fill_n(k_.begin() + fetched_, kKeys, k_[fetched_ - 1]);
  }

  bool is_read_in_place(int64_t key) const {
    return types_[key] == Type::kType && in_word_ == kInWord<Type>;
  }

  // Up to kKeys keys from `key` on that are read alike.
  int64_t alike(int64_t key, int64_t end) const {
    const bool in_place = is_read_in_place(key);
    const int64_t most = std::min(end, key + kKeys);
    int64_t to = key + 1;
    while (to < most && is_read_in_place(to) == in_place) ++to;
    return to - key;
  }

  // A head's columns of the rows of `count` keys, widened; a row more where vectors of keys need
  // one. In groups of in_word_ vectors where `like_words`, in the order in which widened words give
  // them.
  void widen(const Rows& rows, int64_t key, int64_t count, int64_t head, bool like_words,
             const float* (&out)[kKeys]) {
    float* natural = wide_ + kKeys * t_.head_dim;
    for (int64_t i = 0; i < count; ++i) {
      const tensor::DType type = types_[key + i];
      const std::byte* row = reinterpret_cast<const std::byte*>(rows[key + i]) +
                             head * t_.head_dim * tensor::size_of(type);
      float* wide = wide_ + i * t_.head_dim;
      float* to = like_words ? natural : wide;
      if (type == tensor::DType::kF32) {
        std::copy_n(reinterpret_cast<const float*>(row), t_.head_dim, to);
      } else {
        with_narrow(type, [&]<class T>() HWY_ATTR { widen_as<T>(row, t_.head_dim, to); });
      }
      if (like_words) for_columns([&](int64_t c, int64_t at) { wide[at] = natural[c]; });
      out[i] = wide;
    }
    std::fill(out + count, out + kKeys, out[count - 1]);
  }

  // f(column, where it lies among those that widened words give).
  template <class F>
  HWY_INLINE void for_columns(const F& f) const {
    const int64_t group = in_word_ * kLanes;
    for (int64_t c = 0; c < t_.head_dim; c += group) {
      for (int64_t j = 0; j < in_word_; ++j) {
        for (int64_t lane = 0; lane < kLanes; ++lane)
          f(c + lane * in_word_ + j, c + j * kLanes + lane);
      }
    }
  }

  // The rows from number `key` on, as many as are multiplied together.
  RowsAhead ahead(const Rows& rows, int64_t key, int64_t shares) const {
    const int64_t begin = std::min(key, fetched_), end = std::min(key + kKeys, fetched_);
    return {rows.data() + begin, rows.data() + end,
            t_.heads * t_.head_dim * tensor::size_of(Type::kType), shares};
  }

  void add_keys(int64_t begin, int64_t end, bool first) {
    find_rows(begin, end);
    const int64_t count = end - begin;
    if (first) ahead(k_, 0, 1).fetch_share();
    for (int64_t key = 0, some; key < count; key += some) {
      some = alike(key, count);
      const int64_t vectors = (some + kLanes - 1) / kLanes;
      const int64_t shares = t_.heads * vectors * t_.head_dim / (in_word_ * kColumnsAtOnce);
      RowsAhead next = key + some < count ? ahead(k_, key + some, shares) : ahead(v_, 0, shares);
      for (int64_t head = 0; head < t_.heads; ++head) add_scores(key, some, vectors, head, next);
    }
    for (int64_t head = 0; head < t_.heads; ++head) take_powers(head, count, first);
    for (int64_t key = 0, some; key < count; key += some) {
      some = alike(key, count);
      const int64_t shares = t_.heads * some;
      RowsAhead next =
          key + some < count ? ahead(v_, key + some, shares) : ahead(k_, count, shares);
      for (int64_t head = 0; head < t_.heads; ++head) add_values(key, some, head, next);
    }
  }

  // Scores of `count` keys from `key` on; those that fill the last vector of keys are not used.
  void add_scores(int64_t key, int64_t count, int64_t vectors, int64_t head, RowsAhead& ahead) {
    float* to = scores(head) + key;
    with_constant<kVectors>(vectors, [&]<int kSome>() HWY_ATTR {
      if (is_read_in_place(key)) {
        multiply_keys<Type, kSome>(queries(head), k_.data() + key,
                                   head * t_.head_dim / kInWord<Type>, to, ahead);
      } else {
        const float* rows[kKeys];
        widen(k_, key, count, head, false, rows);
        multiply_keys<Float32, kSome>(queries(head), rows, 0, to, ahead);
      }
    });
  }

  // Of kSome vectors of keys, from word `word` of their rows on.
  template <class T, int kSome>
  HWY_NOINLINE void multiply_keys(const float* query, const float* const* rows, int64_t word,
                                  float* scores, RowsAhead& ahead) {
    constexpr int64_t kNumbers = kInWord<T>;
    RowsAhead next = ahead;
    VF sums[kQueries][kSome];
    HWY_UNROLL(4)
    for (int i = 0; i < kQueries; ++i) {
      HWY_UNROLL(4)
      for (int v = 0; v < kSome; ++v) sums[i][v] = hn::Zero(d_);
    }
    const auto add_words = [&]<int kWords>(int64_t at, const float* q, int v) HWY_ATTR {
      // Hidden, so that the compiler does not load all addresses ahead, to keep them on the stack.
      const float* const* some = rows + v * kLanes;
      asm("" : "+r"(some));
      next.fetch_share();
      VF words[kWords];
      load_columns(some, at, words);
      HWY_UNROLL(8)
      for (int w = 0; w < kWords; ++w) {
        VF keys[kNumbers];
        T::widen_words(bits_of(words[w]), keys);
        HWY_UNROLL(4)
        for (int j = 0; j < kNumbers; ++j) {
          const float* numbers = q + (w * kNumbers + j) * kQueries;
          HWY_UNROLL(4)
          for (int i = 0; i < kQueries; ++i)
            sums[i][v] = hn::MulAdd(hn::Set(d_, numbers[i]), keys[j], sums[i][v]);
        }
      }
    };
    // A line of all rows after another, so that it is read while a cache has it.
    constexpr int64_t kFloats = kNumbers * kQueries;
    const int64_t end = word + t_.head_dim / kNumbers;
    for (int64_t line; word < end; word += line, query += line * kFloats) {
      line = std::min(kLineWords, end - word);
      HWY_UNROLL(4)
      for (int v = 0; v < kSome; ++v) {
        int64_t at = 0;
        for (; at + kColumnsAtOnce <= line; at += kColumnsAtOnce)
          add_words.template operator()<kColumnsAtOnce>(word + at, query + at * kFloats, v);
        for (; at < line; at += 4)
          add_words.template operator()<4>(word + at, query + at * kFloats, v);
      }
    }
    ahead = next;
    HWY_UNROLL(4)
    for (int i = 0; i < kQueries; ++i) {
      HWY_UNROLL(4)
      for (int v = 0; v < kSome; ++v) hn::StoreU(sums[i][v], d_, scores + i * kScores + v * kLanes);
    }
  }

  // Scores become powers, and the sums of earlier tiles are made relative to the new maximum.
  HWY_NOINLINE void take_powers(int64_t head, int64_t count, bool first) {
    const VF none = hn::Set(d_, -std::numeric_limits<float>::infinity());
    float *largest = maxima(head), *total = totals(head);
    for (int i = 0; i < kQueries; ++i) {
      float* score = scores(head) + i * kScores;
      hn::StoreU(none, d_, score + count);
      VF maximum = hn::Set(d_, largest[i]);
      for (int64_t key = 0; key < count; key += kLanes)
        maximum = hn::Max(maximum, hn::LoadU(d_, score + key));
      const float before = largest[i];
      largest[i] = hn::GetLane(hn::MaxOfLanes(d_, maximum));
      const float alpha = before == largest[i] ? 1 : power_of(before - largest[i]);
      total[i] *= alpha;
      scale_sums(sums(head) + i * t_.head_dim, first, alpha);
      maximum = hn::Set(d_, largest[i]);
      for (int64_t key = 0; key < count; key += kLanes) {
        hn::StoreU(exp2_nonpositive(hn::Sub(hn::LoadU(d_, score + key), maximum)), d_, score + key);
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

  void add_values(int64_t key, int64_t count, int64_t head, RowsAhead& ahead) {
    const float* powers = scores(head) + key;
    if (is_read_in_place(key)) {
      multiply_values<Type>(sums(head), v_.data() + key, count, head * t_.head_dim / kInWord<Type>,
                            powers, ahead);
    } else {
      const float* rows[kKeys];
      widen(v_, key, count, head, in_word_ > 1, rows);
      multiply_values<Float32>(sums(head), rows, count, 0, powers, ahead);
    }
  }

  template <class T>
  HWY_INLINE void multiply_values(float* sums, const float* const* rows, int64_t count,
                                  int64_t word, const float* powers, RowsAhead& ahead) {
    constexpr int kSums = HWY_LANES(float) > 8 ? 16 : 8;
    constexpr int kMost = std::clamp<int>(kSums / kQueries / kInWord<T>, 1, 8 / kInWord<T>);
    const int64_t vectors = t_.head_dim / kInWord<T> / kLanes;
    for (int64_t v = 0, some; v < vectors; v += some) {
      some = next_block(vectors - v, kMost);
      with_constant<kMost>(some, [&]<int kWords>() HWY_ATTR {
        add_columns<T, kWords>(sums + v * kInWord<T> * kLanes, rows, count, word + v * kLanes,
                               powers, v == 0, ahead);
      });
    }
  }

  // Values times powers, added to what kWords vectors of words hold.
  template <class T, int kWords>
  HWY_NOINLINE void add_columns(float* to, const float* const* rows, int64_t count, int64_t word,
                                const float* powers, bool fetch, RowsAhead& ahead) {
    constexpr int64_t kNumbers = kInWord<T>;
    RowsAhead next = ahead;
    VF sums[kQueries][kWords * kNumbers];
    HWY_UNROLL(4)
    for (int i = 0; i < kQueries; ++i) {
      HWY_UNROLL(8)
      for (int v = 0; v < kWords * kNumbers; ++v)
        sums[i][v] = hn::Load(d_, to + i * t_.head_dim + v * kLanes);
    }
    for (int64_t key = 0; key < count; ++key) {
      if (fetch) next.fetch_share();
      const float* x = rows[key] + word;
      VF p[kQueries];
      HWY_UNROLL(4)
      for (int i = 0; i < kQueries; ++i) p[i] = hn::Set(d_, powers[i * kScores + key]);
      HWY_UNROLL(8)
      for (int v = 0; v < kWords; ++v) {
        VF values[kNumbers];
        T::widen_words(bits_of(hn::LoadU(d_, x + v * kLanes)), values);
        HWY_UNROLL(4)
        for (int j = 0; j < kNumbers; ++j) {
          HWY_UNROLL(4)
          for (int i = 0; i < kQueries; ++i) {
            VF& sum = sums[i][v * kNumbers + j];
            sum = hn::MulAdd(p[i], values[j], sum);
          }
        }
      }
    }
    HWY_UNROLL(4)
    for (int i = 0; i < kQueries; ++i) {
      HWY_UNROLL(8)
      for (int v = 0; v < kWords * kNumbers; ++v)
        hn::Store(sums[i][v], d_, to + i * t_.head_dim + v * kLanes);
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
      float* from = sums(head) + i * t_.head_dim;
      for (int64_t c = 0; c < t_.head_dim; c += kLanes)
        hn::Store(hn::MulAdd(hn::Load(d_, from + c), factor, hn::Zero(d_)), d_, from + c);
      for_columns([&](int64_t c, int64_t at) { out[c] = from[at]; });
    }
  }

  const F32 d_{};
  const AttentionTile& t_;
  const int64_t in_word_;  // 1: no row is read in place, unless Type is float32
  // By head.
  float *queries_, *sums_, *scores_, *wide_, *maxima_, *totals_;
  int64_t to_ = 0, fetched_ = 0;
  Rows k_, v_;
  std::array<tensor::DType, kKeyTile + kKeys> types_;
};

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // VECTON_BACKEND_CPU_ATTENTION_FEW_INL_H_
