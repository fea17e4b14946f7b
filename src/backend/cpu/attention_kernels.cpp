// Attention with one query per lane: a lane holds what belongs to its query alone, scores are
// written [key][lane] and the result is summed [column][lane], so that softmax needs no sum across
// lanes, and no lane's bits can depend on its neighbours. Keys and values are read in place and
// broadcast. Keys are walked in tiles of kKeyTile from key 0 with a running maximum (Milakov and
// Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/attention_kernels.cpp"
#include "backend/cpu/targets.h"
// Targets first.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "backend/cpu/attention_kernels.h"
#include "backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {
namespace {

constexpr int64_t kLanes = HWY_LANES(float);
constexpr int64_t kTileQueries = 2 * kLanes;
constexpr int64_t kKeyTile = 120;
// Keys (of a score block) and columns (of a value block) that fill the registers beside two query
// vectors.
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SCALAR
constexpr int kKeyBlock = 6, kColumnBlock = 6;
#else
constexpr int kKeyBlock = 12, kColumnBlock = 8;
#endif

constexpr int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// Runs f.operator()<n>() for a run-time n of [1, kMost].
template <int kMost, class F>
HWY_INLINE void with_constant(int64_t n, const F& f) {
  if constexpr (kMost > 1) {
    if (n < kMost) return with_constant<kMost - 1>(n, f);
  }
  f.template operator()<kMost>();
}

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

// One tile, kVectors vectors of queries. Matrices of the scratch are [column or key][lane].
template <int kVectors>
class Tile {
 public:
  static constexpr int64_t kWidth = kVectors * kLanes;

  Tile(const AttentionTile& tile, float* scratch)
      : t_(tile),
        queries_(scratch),
        sums_(queries_ + round_up(tile.head_dim, 4) * kWidth),
        scores_(sums_ + round_up(tile.head_dim, 4) * kWidth) {}

  void run() {
    load_queries();
    find_positions();
    for (int64_t key = 0; key < seen_; key += kKeyTile) {
      add_keys(key, std::min(key + kKeyTile, seen_));
    }
    store_sums();
  }

 private:
  // Where lane i's query begins in q or out.
  int64_t at(int64_t lane, int64_t stride) const {
    const int64_t i = t_.begin + lane;
    return i / t_.group * stride + i % t_.group * t_.head_dim;
  }

  // Four columns, from c on, of a lane, to or from the form that transpose() takes and gives.
  static void put(float* matrix, int64_t c, int64_t lane, const float (&x)[4]) {
    if constexpr (kLanes >= 4) {
      std::memcpy(matrix + c * kWidth + lane % 4 * kWidth + lane / 4 * 4, x, sizeof x);
    } else {
      for (int64_t i = 0; i < 4; ++i) matrix[(c + i) * kWidth + lane] = x[i];
    }
  }
  static void get(const float* matrix, int64_t c, int64_t lane, float (&x)[4]) {
    if constexpr (kLanes >= 4) {
      std::memcpy(x, matrix + c * kWidth + lane % 4 * kWidth + lane / 4 * 4, sizeof x);
    } else {
      for (int64_t i = 0; i < 4; ++i) x[i] = matrix[(c + i) * kWidth + lane];
    }
  }

  // Multiplies every lane by its factor and turns [column][lane] into lanes of four columns or
  // back. Adding 0 makes -0 a +0: keys that a query does not see add 0 to its sums where its tile
  // has later queries, and must not tell.
  void transpose(float* matrix, const VF (&factors)[kVectors]) const {
    const VF zero = hn::Zero(d_);
    for (int64_t c = 0; c < t_.head_dim; c += 4) {
      for (int v = 0; v < kVectors; ++v) {
        float* at = matrix + c * kWidth + v * kLanes;
        VF x[4];
        HWY_UNROLL(4)
        for (int i = 0; i < 4; ++i) {
          x[i] = hn::MulAdd(hn::Load(d_, at + i * kWidth), factors[v], zero);
        }
        transpose4(x[0], x[1], x[2], x[3]);
        HWY_UNROLL(4)
        for (int i = 0; i < 4; ++i) hn::Store(x[i], d_, at + i * kWidth);
      }
    }
  }

  // q times scale and log2 e, so that softmax takes powers of 2. Lanes without a query are 0.
  void load_queries() {
    const int64_t count = t_.end - t_.begin;
    for (int64_t lane = 0; lane < kWidth; ++lane) {
      const float* row = t_.q + at(lane, t_.q_stride);
      for (int64_t c = 0; c < t_.head_dim; c += 4) {
        float x[4] = {};
        if (lane < count)
          std::memcpy(x, row + c, sizeof(float) * std::min<int64_t>(4, t_.head_dim - c));
        put(queries_, c, lane, x);
      }
    }
    VF factors[kVectors];
    std::fill_n(factors, kVectors, hn::Set(d_, t_.scale * 1.44269504f));
    transpose(queries_, factors);
  }

  // How many keys each lane, the least and the most of them see.
  void find_positions() {
    HWY_ALIGN int32_t seen[kWidth] = {};
    seen_ = t_.keys;
    seen_by_all_ = t_.keys;
    if (t_.positions) {
      seen_ = 0;
      for (int64_t lane = 0; lane < t_.end - t_.begin; ++lane) {
        const int64_t keys = t_.positions[(t_.begin + lane) / t_.group] + int64_t{1};
        seen[lane] = static_cast<int32_t>(std::min(keys, t_.keys));
        seen_ = std::max<int64_t>(seen_, seen[lane]);
        seen_by_all_ = std::min<int64_t>(seen_by_all_, seen[lane]);
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      lane_seen_[v] = hn::Load(di_, seen + v * kLanes);
      maxima_[v] = hn::Set(d_, std::numeric_limits<float>::lowest());
      totals_[v] = hn::Zero(d_);
    }
  }

  hn::Mask<F32> sees(int v, int64_t key) const {
    return hn::RebindMask(d_, hn::Gt(lane_seen_[v], hn::Set(di_, static_cast<int32_t>(key))));
  }

  // One tile of keys: scores and their maxima, powers and their sums, values.
  HWY_INLINE void add_keys(int64_t begin, int64_t end) {
    VF alphas[kVectors];
    std::copy_n(maxima_, kVectors, alphas);
    for (int64_t key = begin; key < end; key += kKeyBlock) {
      with_constant<kKeyBlock>(std::min<int64_t>(kKeyBlock, end - key), [&]<int kKeys>() HWY_ATTR {
        add_scores<kKeys>(key, scores_ + (key - begin) * kWidth);
      });
    }
    for (int v = 0; v < kVectors; ++v) {
      // A maximum that stays must leave the bits as they are.
      const VF power = exp2_nonpositive(hn::Sub(alphas[v], maxima_[v]));
      alphas[v] = hn::IfThenElse(hn::Eq(alphas[v], maxima_[v]), hn::Set(d_, 1.0f), power);
      totals_[v] = hn::Mul(totals_[v], alphas[v]);
    }
    take_powers(begin, end);
    for (int64_t c = 0; c < t_.head_dim; c += kColumnBlock) {
      with_constant<kColumnBlock>(std::min<int64_t>(kColumnBlock, t_.head_dim - c),
                                  [&]<int kColumns>()
                                      HWY_ATTR { add_values<kColumns>(begin, end, c, alphas); });
    }
  }

  // The products of one block of keys with all queries.
  template <int kKeys>
  HWY_INLINE void add_scores(int64_t key, float* scores) {
    VF sums[kKeys][kVectors];
    HWY_UNROLL(16)
    for (int j = 0; j < kKeys; ++j) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) sums[j][v] = hn::Zero(d_);
    }
    // Every third key has a pointer of its own; the two after it are reached by the stride.
    constexpr int kPointers = (kKeys + 2) / 3;
    const int64_t stride = t_.k_stride;
    const float* k[kPointers];
    HWY_UNROLL(8)
    for (int i = 0; i < kPointers; ++i) k[i] = t_.k + (key + 3 * i) * stride;
    const float* queries = queries_;
    const auto step = [&](int u) HWY_ATTR {
      VF q[kVectors];
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) q[v] = hn::Load(d_, queries + u * kWidth + v * kLanes);
      HWY_UNROLL(16)
      for (int j = 0; j < kKeys; ++j) {
        const VF x = hn::Set(d_, k[j / 3][j % 3 * stride + u]);
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) sums[j][v] = hn::MulAdd(q[v], x, sums[j][v]);
      }
    };
    int64_t columns = t_.head_dim;
    for (; columns >= 4; columns -= 4) {
      step(0);
      step(1);
      step(2);
      step(3);
      queries += 4 * kWidth;
      HWY_UNROLL(8)
      for (int i = 0; i < kPointers; ++i) k[i] += 4;
    }
    for (int u = 0; u < columns; ++u) step(u);

    if (key + kKeys > seen_by_all_) {
      const VF hidden = hn::Set(d_, -std::numeric_limits<float>::infinity());
      HWY_UNROLL(16)
      for (int j = 0; j < kKeys; ++j) {
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) {
          sums[j][v] = hn::IfThenElse(sees(v, key + j), sums[j][v], hidden);
        }
      }
    }
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) {
      VF maximum = maxima_[v];
      HWY_UNROLL(16)
      for (int j = 0; j < kKeys; ++j) {
        maximum = hn::Max(maximum, sums[j][v]);
        hn::Store(sums[j][v], d_, scores + j * kWidth + v * kLanes);
      }
      maxima_[v] = maximum;
    }
  }

  // Scores become powers.
  HWY_INLINE void take_powers(int64_t begin, int64_t end) {
    const int64_t plain = std::clamp(seen_by_all_, begin, end);
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) {
      const VF maximum = maxima_[v];
      VF total = totals_[v];
      float* score = scores_ + v * kLanes;
      int64_t key = begin;
      for (; key < plain; ++key, score += kWidth) {
        const VF power = exp2_nonpositive(hn::Sub(hn::Load(d_, score), maximum));
        total = hn::Add(total, power);
        hn::Store(power, d_, score);
      }
      for (; key < end; ++key, score += kWidth) {
        const VF power = hn::IfThenElseZero(
            sees(v, key), exp2_nonpositive(hn::Sub(hn::Load(d_, score), maximum)));
        total = hn::Add(total, power);
        hn::Store(power, d_, score);
      }
      totals_[v] = total;
    }
  }

  // Values times powers, added to one block of columns.
  template <int kColumns>
  HWY_INLINE void add_values(int64_t begin, int64_t end, int64_t column,
                             const VF (&alphas)[kVectors]) {
    float* to = sums_ + column * kWidth;
    VF sums[kColumns][kVectors];
    HWY_UNROLL(16)
    for (int j = 0; j < kColumns; ++j) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        sums[j][v] = begin == 0 ? hn::Zero(d_)
                                : hn::Mul(hn::Load(d_, to + j * kWidth + v * kLanes), alphas[v]);
      }
    }
    const int64_t stride = t_.v_stride;
    const float* x = t_.v + begin * stride + column;
    const float* power = scores_;
    for (int64_t key = begin; key < end; ++key, x += stride, power += kWidth) {
      VF p[kVectors];
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) p[v] = hn::Load(d_, power + v * kLanes);
      HWY_UNROLL(16)
      for (int j = 0; j < kColumns; ++j) {
        const VF value = hn::Set(d_, x[j]);
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) sums[j][v] = hn::MulAdd(p[v], value, sums[j][v]);
      }
    }
    HWY_UNROLL(16)
    for (int j = 0; j < kColumns; ++j) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) hn::Store(sums[j][v], d_, to + j * kWidth + v * kLanes);
    }
  }

  // Without a key to see the result is 0.
  void store_sums() {
    VF factors[kVectors];
    for (int v = 0; v < kVectors; ++v) factors[v] = hn::Div(hn::Set(d_, 1.0f), totals_[v]);
    if (seen_ == 0) {
      std::fill_n(sums_, round_up(t_.head_dim, 4) * kWidth, 0.0f);
      std::fill_n(factors, kVectors, hn::Zero(d_));
    }
    transpose(sums_, factors);
    for (int64_t lane = 0; lane < t_.end - t_.begin; ++lane) {
      float* row = t_.out + at(lane, t_.out_stride);
      for (int64_t c = 0; c < t_.head_dim; c += 4) {
        float x[4];
        get(sums_, c, lane, x);
        std::memcpy(row + c, x, sizeof(float) * std::min<int64_t>(4, t_.head_dim - c));
      }
    }
  }

  const F32 d_{};
  const hn::RebindToSigned<F32> di_{};
  const AttentionTile& t_;
  float *queries_, *sums_, *scores_;
  int64_t seen_ = 0, seen_by_all_ = 0;
  hn::Vec<hn::RebindToSigned<F32>> lane_seen_[kVectors];
  VF maxima_[kVectors], totals_[kVectors];
};

int64_t scratch_floats(int64_t head_dim) {
  return (2 * round_up(head_dim, 4) + kKeyTile) * kTileQueries;
}

void attend(const AttentionTile& tile, float* scratch) {
  if (tile.end - tile.begin > kLanes) {
    Tile<2>(tile, scratch).run();
  } else {
    Tile<1>(tile, scratch).run();
  }
}

}  // namespace

const AttentionKernels kAttentionKernels = {kTileQueries, scratch_floats, attend};

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecton::cpu {

const AttentionKernels& attention_kernels(Isa isa) { VECTON_PICK_ISA(isa, kAttentionKernels); }

}  // namespace vecton::cpu
#endif
