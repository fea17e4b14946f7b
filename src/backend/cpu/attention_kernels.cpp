// Attention with one query per lane (of few queries: attention_few-inl.h): a lane holds what
// belongs to its query alone, scores are written [key][lane] and the result is summed
// [column][lane], so that softmax needs no sum across lanes, and no lane's bits can depend on its
// neighbours. Keys and values are read in place and broadcast. Keys are walked in tiles with a
// running maximum (Milakov and Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022,
// arXiv:2205.14135). Tiles begin at multiples of kKeyTile, whatever a window or the pages of a
// cache begin at, and a key that a lane does not see leaves the lane's bits as they are: so they
// depend on the lane's query and its keys alone. Rows that are narrower than float32 are widened
// for a tile at a time: exactly, so that the arithmetic is that of rows of float32 which hold the
// same numbers.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/attention_kernels.cpp"
#include "backend/cpu/targets.h"
// Targets first.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <span>

#include "backend/cpu/attention_bias-inl.h"
#include "backend/cpu/attention_few-inl.h"
#include "backend/cpu/attention_kernels.h"
#include "backend/cpu/attention_keys-inl.h"
#include "backend/cpu/blocks-inl.h"
#include "backend/cpu/narrow-inl.h"
#include "backend/cpu/transpose-inl.h"
#include "backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {
namespace {

constexpr int64_t kTileQueries = 2 * kLanes;

// One tile, kVectors vectors of queries. Matrices of the scratch are [column or key][lane]. Lanes
// that are left over compute the last query again.
template <int kVectors>
class Tile {
 public:
  static constexpr int64_t kWidth = kVectors * kLanes;

  Tile(const AttentionTile& tile, float* scratch)
      : t_(tile),
        modified_(tile.softcap > 0 || tile.bias),
        reach_(reach_of(tile)),
        queries_(scratch),
        sums_(queries_ + round_up(tile.head_dim, 4) * kWidth),
        scores_(sums_ + round_up(tile.head_dim, 4) * kWidth),
        biases_(scores_ + kKeyTile * kWidth),
        spare_(biases_ + TileBias<kVectors>::kScratch),
        wide_(spare_ + round_up(tile.head_dim, std::max<int64_t>(4, kLanes))) {}

  void run() {
    find_lanes();
    load_queries();
    if (t_.bias) bias_.emplace(t_, biases_);
    bool first = true;
    for (int64_t key = any_from_; key < any_to_;) {
      const int64_t end = std::min(key / kKeyTile * kKeyTile + kKeyTile, any_to_);
      if (t_.window == 0 || some_see(key, end)) {
        add_keys(key, end, first);
        first = false;
      }
      key = end;
    }
    store_sums(first);
  }

 private:
  using I32 = hn::RebindToSigned<F32>;
  using VI = hn::Vec<I32>;

  // Each lane's rows, and which keys it, some and all of the lanes see. Positions ascend from row
  // to row.
  void find_lanes() {
    const int64_t count = t_.end - t_.begin;
    int64_t row = t_.begin / t_.group, head = t_.begin % t_.group;
    HWY_ALIGN int32_t positions[kWidth] = {};
    for (int64_t lane = 0; lane < kWidth; ++lane) {
      q_rows_[lane] = t_.q + row * t_.q_stride + head * t_.head_dim;
      out_rows_[lane] = lane < count ? t_.out + row * t_.out_stride + head * t_.head_dim : spare_;
      if (t_.positions) positions[lane] = t_.positions[row];
      if (t_.sinks) sinks_[lane] = t_.sinks[head] * kLog2E;
      if (lane + 1 < count && ++head == t_.group) {
        head = 0;
        ++row;
      }
    }
    any_from_ = first_key(t_, positions[0]);
    all_from_ = first_key(t_, positions[count - 1]);
    any_to_ = last_key(t_, positions[count - 1]);
    all_to_ = last_key(t_, positions[0]);
    const VI reach = hn::Set(di_, static_cast<int32_t>(reach_));
    const VI ahead = hn::Set(di_, t_.causal ? 1 : static_cast<int32_t>(reach_));
    for (int v = 0; v < kVectors; ++v) {
      const VI position = hn::Load(di_, positions + v * kLanes);
      lane_after_[v] = hn::Max(hn::Sub(position, reach), hn::Set(di_, -1));
      lane_to_[v] = hn::Min(hn::Add(position, ahead), hn::Set(di_, static_cast<int32_t>(t_.keys)));
      maxima_[v] = hn::Set(d_, std::numeric_limits<float>::lowest());
      totals_[v] = hn::Zero(d_);
    }
  }

  bool some_see(int64_t begin, int64_t end) const {
    for (int v = 0; v < kVectors; ++v) {
      const VI after = hn::Max(lane_after_[v], hn::Set(di_, static_cast<int32_t>(begin - 1)));
      const VI to = hn::Min(lane_to_[v], hn::Set(di_, static_cast<int32_t>(end)));
      if (!hn::AllFalse(di_, hn::Gt(hn::Sub(to, after), hn::Set(di_, 1)))) return true;
    }
    return false;
  }

  hn::Mask<F32> sees(int v, int64_t key) const {
    const VI at = hn::Set(di_, static_cast<int32_t>(key));
    return hn::RebindMask(d_, hn::And(hn::Gt(at, lane_after_[v]), hn::Gt(lane_to_[v], at)));
  }

  bool all_see(int64_t begin, int64_t end) const { return begin >= all_from_ && end <= all_to_; }

  // q times scale and log2 e, so that softmax takes powers of 2; q times scale / cap where tanh
  // comes before. Up to three columns past the end are read and not used.
  void load_queries() {
    const VF factor = hn::Set(d_, t_.softcap > 0 ? t_.scale / t_.softcap : t_.scale * kLog2E);
    for (int64_t c = 0; c < t_.head_dim; c += 4) {
      for (int v = 0; v < kVectors; ++v) {
        VF x[4];
        load_columns(q_rows_ + v * kLanes, c, x);
        HWY_UNROLL(4)
        for (int i = 0; i < 4; ++i) {
          hn::Store(hn::Mul(x[i], factor), d_, queries_ + (c + i) * kWidth + v * kLanes);
        }
      }
    }
  }

  // Rows of float32 of one key head: of keys, or of values.
  struct HeadRows {
    const float* first;
    int64_t stride;  // floats from row to row
  };

  // The rows of the keys [begin, end) of a run, in place or widened into the scratch, where they
  // stay until the next call.
  HWY_INLINE HeadRows rows_of(const KeyRun& run, const std::byte* of, int64_t stride, int64_t begin,
                              int64_t end) const {
    const std::byte* from =
        of + ((begin - run.begin) * stride + t_.kv_column) * tensor::size_of(run.dtype);
    if (run.dtype == tensor::DType::kF32) return {reinterpret_cast<const float*>(from), stride};
    widen_rows(run.dtype, from, stride, end - begin);
    return {wide_, round_up(t_.head_dim, kLanes)};
  }

  HWY_NOINLINE void widen_rows(tensor::DType type, const std::byte* from, int64_t stride,
                               int64_t rows) const {
    const int64_t step = round_up(t_.head_dim, kLanes);
    with_narrow(type, [&]<class Type>() HWY_ATTR {
      const int64_t bytes = stride * static_cast<int64_t>(sizeof(typename Type::Stored));
      for (int64_t i = 0; i < rows; ++i)
        widen_as<Type>(from + i * bytes, t_.head_dim, wide_ + i * step);
    });
  }

  // One tile of keys: scores and their maxima, powers and their sums, values.
  HWY_INLINE void add_keys(int64_t begin, int64_t end, bool first) {
    VF alphas[kVectors];
    std::copy_n(maxima_, kVectors, alphas);
    for_runs(t_, begin, end, [&](const KeyRun& run, int64_t from, int64_t to) HWY_ATTR {
      const HeadRows rows = rows_of(run, run.k, run.k_stride, from, to);
      for (int64_t key = from, count; key < to; key += count) {
        count = next_block(to - key, kBlock);
        with_constant<kBlock>(count, [&]<int kKeys>() HWY_ATTR {
          add_scores<kKeys>(rows.first + (key - from) * rows.stride, rows.stride, key,
                            scores_ + (key - begin) * kWidth);
        });
      }
    });
    if (modified_) modify_scores(begin, end);
    for (int v = 0; v < kVectors; ++v) {
      // A maximum that stays must leave the bits as they are.
      const VF power = exp2_nonpositive(hn::Sub(alphas[v], maxima_[v]));
      alphas[v] = hn::IfThenElse(hn::Eq(alphas[v], maxima_[v]), hn::Set(d_, 1.0f), power);
      totals_[v] = hn::Mul(totals_[v], alphas[v]);
    }
    take_powers(begin, end);
    for_runs(t_, begin, end, [&](const KeyRun& run, int64_t from, int64_t to) HWY_ATTR {
      const Start start = from > begin ? kContinue : first ? kZero : kScale;
      const float* powers = scores_ + (from - begin) * kWidth;
      const HeadRows rows = rows_of(run, run.v, run.v_stride, from, to);
      for (int64_t c = 0, count; c < t_.head_dim; c += count) {
        count = next_block(t_.head_dim - c, kBlock);
        with_constant<kBlock>(count, [&]<int kColumns>() HWY_ATTR {
          add_values<kColumns>(rows, to - from, c, powers, start, alphas);
        });
      }
    });
  }

  // The products of one block of keys, from the row of `key` on, with all queries.
  template <int kKeys>
  HWY_NOINLINE void add_scores(const float* row, int64_t stride, int64_t key, float* scores) {
    VF sums[kKeys][kVectors];
    HWY_UNROLL(16)
    for (int j = 0; j < kKeys; ++j) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) sums[j][v] = hn::Zero(d_);
    }
    // Every third key has a pointer of its own; the two after it are reached by the stride.
    constexpr int kPointers = (kKeys + 2) / 3;
    const float* k[kPointers];
    HWY_UNROLL(8)
    for (int i = 0; i < kPointers; ++i) k[i] = row + 3 * i * stride;
    const float* queries = queries_;
    for (int64_t c = 0; c < t_.head_dim; ++c, queries += kWidth) {
      VF q[kVectors];
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) q[v] = hn::Load(d_, queries + v * kLanes);
      HWY_UNROLL(16)
      for (int j = 0; j < kKeys; ++j) {
        const VF x = hn::Set(d_, k[j / 3][j % 3 * stride]);
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) sums[j][v] = hn::MulAdd(q[v], x, sums[j][v]);
      }
      HWY_UNROLL(8)
      for (int i = 0; i < kPointers; ++i) ++k[i];
    }
    if (modified_) {
      HWY_UNROLL(16)
      for (int j = 0; j < kKeys; ++j) {
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) {
          hn::Store(sums[j][v], d_, scores + j * kWidth + v * kLanes);
        }
      }
      return;
    }
    if (!all_see(key, key + kKeys)) {
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

  // What stands between the products and the softmax: the cap, what is added, the maxima.
  HWY_NOINLINE void modify_scores(int64_t begin, int64_t end) {
    const VF hidden = hn::Set(d_, -std::numeric_limits<float>::infinity());
    const VF cap = hn::Set(d_, t_.softcap * kLog2E);
    for (int64_t chunk = begin; chunk < end; chunk += TileBias<kVectors>::kKeys) {
      const int64_t chunk_end = std::min(end, chunk + TileBias<kVectors>::kKeys);
      if (bias_) bias_->find(chunk, chunk_end);
      for (int v = 0; v < kVectors; ++v) {
        VF maximum = maxima_[v];
        float* score = scores_ + (chunk - begin) * kWidth + v * kLanes;
        for (int64_t key = chunk; key < chunk_end; ++key, score += kWidth) {
          VF x = hn::Load(d_, score);
          if (t_.softcap > 0) x = hn::Mul(tanh(x), cap);
          if (bias_) x = hn::MulAdd(bias_->at(v, key - chunk), hn::Set(d_, kLog2E), x);
          if (!all_see(key, key + 1)) x = hn::IfThenElse(sees(v, key), x, hidden);
          maximum = hn::Max(maximum, x);
          hn::Store(x, d_, score);
        }
        maxima_[v] = maximum;
      }
    }
  }

  // Scores become powers.
  HWY_INLINE void take_powers(int64_t begin, int64_t end) {
    const int64_t plain = std::clamp(all_from_, begin, end);
    const int64_t plain_end = std::clamp(all_to_, plain, end);
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) {
      float* score = scores_ + v * kLanes;
      VF total = add_powers<true>(v, begin, plain, score, totals_[v]);
      score += (plain - begin) * kWidth;
      total = add_powers<false>(v, plain, plain_end, score, total);
      score += (plain_end - plain) * kWidth;
      totals_[v] = add_powers<true>(v, plain_end, end, score, total);
    }
  }

  template <bool kMasked>
  HWY_INLINE VF add_powers(int v, int64_t begin, int64_t end, float* score, VF total) const {
    const VF maximum = maxima_[v];
    for (int64_t key = begin; key < end; ++key, score += kWidth) {
      VF power = exp2_nonpositive(hn::Sub(hn::Load(d_, score), maximum));
      if (kMasked) power = hn::IfThenElseZero(sees(v, key), power);
      total = hn::Add(total, power);
      hn::Store(power, d_, score);
    }
    return total;
  }

  // What a block of values is added to: nothing, the sums of earlier tiles times alpha, or the sums
  // of an earlier run of the same tile.
  enum Start { kZero, kScale, kContinue };

  // Values times powers, added to one block of columns.
  template <int kColumns>
  HWY_NOINLINE void add_values(const HeadRows& rows, int64_t count, int64_t column,
                               const float* power, Start start, const VF (&alphas)[kVectors]) {
    float* to = sums_ + column * kWidth;
    VF sums[kColumns][kVectors];
    HWY_UNROLL(16)
    for (int j = 0; j < kColumns; ++j) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) {
        const float* from = to + j * kWidth + v * kLanes;
        sums[j][v] = start == kZero    ? hn::Zero(d_)
                     : start == kScale ? hn::Mul(hn::Load(d_, from), alphas[v])
                                       : hn::Load(d_, from);
      }
    }
    const int64_t stride = rows.stride;
    const float* x = rows.first + column;
    for (int64_t i = 0; i < count; ++i, x += stride, power += kWidth) {
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

  // Without a key to see the result is 0. Adding 0 makes -0 a +0: keys that a query does not see
  // add 0 to its sums where its tile has later queries, and must not tell.
  void store_sums(bool empty) {
    const int64_t columns = t_.head_dim, whole = columns / 4 * 4;
    if (empty) std::fill_n(sums_, round_up(columns, 4) * kWidth, 0.0f);
    for (int v = 0; v < kVectors; ++v) {
      const auto some =
          hn::RebindMask(d_, hn::Gt(hn::Sub(lane_to_[v], lane_after_[v]), hn::Set(di_, 1)));
      VF one = hn::Set(d_, 1.0f);
      if (t_.sinks) add_sinks(v, one);
      const VF factor = hn::IfThenElseZero(some, hn::Div(one, totals_[v]));
      float* const* rows = out_rows_ + v * kLanes;
      for (int64_t c = 0; c < whole; c += 4) {
        VF x[4];
        load_sums(c, v, factor, x);
        store_columns(x, rows, c);
      }
      if (whole == columns) continue;
      float last[kLanes][4];
      float* last_rows[kLanes];
      for (int64_t lane = 0; lane < kLanes; ++lane) last_rows[lane] = last[lane];
      VF x[4];
      load_sums(whole, v, factor, x);
      store_columns(x, last_rows, 0);
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        std::copy_n(last[lane], columns - whole, rows[lane] + whole);
      }
    }
  }

  // The sinks' part of the totals, which become those of a maximum that the sinks share; `one` what
  // the sums are then to be multiplied by.
  void add_sinks(int v, VF& one) {
    const VF sink = hn::Load(d_, sinks_ + v * kLanes), maximum = hn::Max(sink, maxima_[v]);
    one = exp2_nonpositive(hn::Sub(maxima_[v], maximum));
    totals_[v] = hn::MulAdd(totals_[v], one, exp2_nonpositive(hn::Sub(sink, maximum)));
  }

  HWY_INLINE void load_sums(int64_t column, int v, VF factor, VF (&x)[4]) const {
    HWY_UNROLL(4)
    for (int i = 0; i < 4; ++i) {
      const VF sum = hn::Load(d_, sums_ + (column + i) * kWidth + v * kLanes);
      x[i] = hn::MulAdd(sum, factor, hn::Zero(d_));
    }
  }

  const F32 d_{};
  const I32 di_{};
  const AttentionTile& t_;
  const bool modified_;  // scores are more than products
  const int64_t reach_;  // of the window
  float *queries_, *sums_, *scores_, *biases_, *spare_, *wide_;
  int64_t any_from_, any_to_, all_from_, all_to_;  // keys that some query, that every query sees
  const float* q_rows_[kWidth];
  float* out_rows_[kWidth];
  HWY_ALIGN float sinks_[kWidth];
  VI lane_after_[kVectors], lane_to_[kVectors];  // a lane sees the keys between
  std::optional<TileBias<kVectors>> bias_;
  VF maxima_[kVectors], totals_[kVectors];
};

int64_t scratch_floats(int64_t head_dim, int64_t heads, bool narrow) {
  const int64_t many =
      (2 * round_up(head_dim, 4) + kKeyTile) * kTileQueries + TileBias<2>::kScratch +
      round_up(head_dim, std::max<int64_t>(4, kLanes)) * (narrow ? 1 + kKeyTile : 1);
  return std::max(many,
                  FewQueries<std::max(1, kFewQueries), Float32>::scratch_floats(head_dim, heads));
}

void attend_head(const AttentionTile& tile, float* scratch) {
  if (tile.end - tile.begin > kLanes) {
    Tile<2>(tile, scratch).run();
  } else {
    Tile<1>(tile, scratch).run();
  }
}

// f with the narrowest type that the tile's rows have: others' rows are longer.
template <class F>
void with_narrowest(const AttentionTile& tile, const F& f) {
  tensor::DType type = tensor::DType::kF32;
  for (const KeyRun& run : std::span(tile.runs, static_cast<size_t>(tile.run_count))) {
    if (tensor::size_of(run.dtype) < tensor::size_of(type)) type = run.dtype;
  }
  if (type == tensor::DType::kF32) return f.template operator()<Float32>();
  with_narrow(type, f);
}

void attend(const AttentionTile& tile, float* scratch) {
  if constexpr (kFewQueries > 0) {
    if (is_of_few(tile)) {
      return with_narrowest(tile, [&]<class Type>() HWY_ATTR {
        with_constant<kFewQueries>(tile.end - tile.begin, [&]<int kQueries>() HWY_ATTR {
          FewQueries<kQueries, Type>(tile, scratch).run();
        });
      });
    }
  }
  AttentionTile one = tile;
  one.heads = 1;
  for (int64_t head = 0; head < tile.heads; ++head) {
    attend_head(one, scratch);
    one.kv_column += one.head_dim;
    one.q += one.group * one.head_dim;
    one.out += one.group * one.head_dim;
    if (one.sinks) one.sinks += one.group;
  }
}

}  // namespace

const AttentionKernels kAttentionKernels = {kTileQueries, kFewQueries, scratch_floats, attend};

}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecton::cpu {

const AttentionKernels& attention_kernels(Isa isa) { VECTON_PICK_ISA(isa, kAttentionKernels); }

}  // namespace vecton::cpu
#endif
