// Matrix multiplication in register tiles over packed panels, and what is fused with it.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/linear_kernels.cpp"
#include "backend/cpu/targets.h"
// Targets first.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>
#include <utility>

#include "backend/cpu/amx.h"
#include "backend/cpu/expand-inl.h"
#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/vector_math-inl.h"
#include "backend/host/int8.h"

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using V = VF;
constexpr F32 d;
constexpr int64_t kLanes = hn::MaxLanes(d);
constexpr int64_t kWidth = 2 * kLanes;

// ---------------------------------------------------------------- stored types

// sum + a b, with one rounding.
struct FusedProducts {
  static HWY_INLINE V add(V a, V b, V sum) { return hn::MulAdd(a, b, sum); }
};

// Two vectors from one row of a panel, and what is done with them. Scale of pointers: elements of
// the stored type.
struct StoredF32 : FusedProducts {
  using T = float;
  static HWY_INLINE void load(const T* p, V& a, V& b) {
    a = hn::Load(d, p);
    b = hn::Load(d, p + kLanes);
  }
};

struct StoredBF16 : FusedProducts {
  using T = uint16_t;
  static HWY_INLINE void load(const T* p, V& a, V& b) {
    const hn::RebindToUnsigned<F32> du;
    const auto pair = hn::Load(du, reinterpret_cast<const uint32_t*>(p));
    a = hn::BitCast(d, hn::ShiftLeft<16>(pair));
    b = hn::BitCast(d, hn::And(pair, hn::Set(du, 0xffff0000u)));
  }
};

struct StoredF16 : FusedProducts {
  using T = hwy::float16_t;
  static HWY_INLINE void load(const T* p, V& a, V& b) {
    const hn::Rebind<hwy::float16_t, F32> dh;
    a = hn::PromoteTo(d, hn::Load(dh, p));
    b = hn::PromoteTo(d, hn::Load(dh, p + kLanes));
  }
};

#undef VECTON_HAS_PAIRS
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
#define VECTON_HAS_PAIRS 1
// Two bfloat16 to a lane, of a and of b. The instruction itself: compilers copy the accumulators of
// the intrinsic in unrolled loops, and the target here is one that may lack it.
struct StoredPairs : StoredF32 {
  static HWY_INLINE V add(V a, V b, V sum) {
#if HWY_TARGET == HWY_AVX3
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(b.raw), "v"(a.raw));
#else
    asm(".arch_extension bf16\n\tbfdot %0.4s, %1.8h, %2.8h"
        : "+w"(sum.raw)
        : "w"(b.raw), "w"(a.raw));
#endif
    return sum;
  }
};
#else
#define VECTON_HAS_PAIRS 0
#endif

// ---------------------------------------------------------------- tiles

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SCALAR
constexpr int kTileRows = 6;  // 12 of 16 registers
constexpr int panels_at_once(int rows) { return rows == 1 ? 4 : rows == 2 ? 2 : 1; }
#else
constexpr int kTileRows = 12;  // 24 of 32 registers
constexpr int panels_at_once(int rows) { return rows <= 3 ? 4 : rows == 4 ? 3 : rows <= 6 ? 2 : 1; }
#endif
// From memory: one stream is what it answers soonest, where vectors are so wide that two sums a row
// keep up with it.
constexpr int streams_at_once(int rows) { return kLanes >= 8 ? 1 : panels_at_once(rows); }
constexpr int kMostTileRows =
    HWY_TARGET == HWY_AVX3 ? 32 : kTileRows;  // of instructions for matrices
constexpr int64_t kBlockK = 256;              // k for which a panel stays in the first-level cache
constexpr int64_t kSoon = 8 << 10;   // bytes that memory is asked for ahead, of all streams
constexpr int64_t kBlockRows = 256;  // rows whose sums wait for the next block of k
constexpr int64_t kLine = 64;
// Groups of codes whose numbers are read together. For one row few: reading them is a pause for the
// memory that answers what is fetched ahead.
constexpr int64_t kMostGroups = 64;
constexpr int64_t groups_at_once(int64_t rows) { return rows == 1 ? 16 : kMostGroups; }

struct TileArgs {
  const float* x;
  int64_t x_stride;
  const void* w;         // row k = 0 of the first panel
  int64_t panel_stride;  // elements
  int64_t k;
  float* sums;           // [rows][kWidth] of the first panel
  int64_t sums_stride;   // floats to those of the next panel
  bool resume;           // sums hold the products of lower k
  const char* ahead;     // fetched into the cache meanwhile: for each of the panels' lines per k
  int64_t ahead_step;    // a stream that moves by this many bytes per k
  int64_t ahead_stride;  // bytes from one stream to the next
};

template <class W>
constexpr int kLinesPerK = std::max<int>(1, kWidth * sizeof(typename W::T) / kLine);

// Adds the products of one k. Every third row of x has a pointer of its own; the two after it are
// reached by the stride.
template <class W, int kRows, int kPanels>
HWY_INLINE void add_products(const float* const (&x)[(kRows + 2) / 3], int64_t x_stride,
                             const typename W::T* w, int64_t panel_stride,
                             V (&sum)[kRows][2 * kPanels]) {
  V b[2 * kPanels];
  HWY_UNROLL(8)
  for (int p = 0; p < kPanels; ++p) W::load(w + p * panel_stride, b[2 * p], b[2 * p + 1]);
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    const V a = hn::Set(d, x[r / 3][r % 3 * x_stride]);
    HWY_UNROLL(8)
    for (int v = 0; v < 2 * kPanels; ++v) sum[r][v] = W::add(a, b[v], sum[r][v]);
  }
}

template <class W, int kRows, int kPanels>
void tile(const TileArgs& t) {
  V sum[kRows][2 * kPanels];
  if (t.resume) {
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(8)
      for (int v = 0; v < 2 * kPanels; ++v) {
        sum[r][v] = hn::Load(d, t.sums + v / 2 * t.sums_stride + r * kWidth + v % 2 * kLanes);
      }
    }
  } else {
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(8)
      for (int v = 0; v < 2 * kPanels; ++v) sum[r][v] = hn::Zero(d);
    }
  }
  const auto* w = static_cast<const typename W::T*>(t.w);
  constexpr int kPointers = (kRows + 2) / 3;
  const float* x[kPointers];
  HWY_UNROLL(8)
  for (int i = 0; i < kPointers; ++i) x[i] = t.x + 3 * i * t.x_stride;
  const int64_t x_stride = t.x_stride, panel_stride = t.panel_stride;
  const int64_t ahead_step = t.ahead_step, ahead_stride = t.ahead_stride;
  const char* ahead = t.ahead;
  HWY_UNROLL(2)
  for (int64_t k = t.k; k > 0; --k) {
    HWY_UNROLL(8)
    for (int i = 0; i < kPanels * kLinesPerK<W>; ++i) {
      __builtin_prefetch(ahead + i * ahead_stride, 0, 2);
    }
    ahead += ahead_step;
    add_products<W, kRows, kPanels>(x, x_stride, w, panel_stride, sum);
    w += kWidth;
    HWY_UNROLL(8)
    for (int i = 0; i < kPointers; ++i) ++x[i];
  }
  HWY_UNROLL(16)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(8)
    for (int v = 0; v < 2 * kPanels; ++v) {
      hn::Store(sum[r][v], d, t.sums + v / 2 * t.sums_stride + r * kWidth + v % 2 * kLanes);
    }
  }
}

using Tile = void (*)(const TileArgs&);

template <class W, size_t... I>
constexpr std::array<Tile, kMostTileRows + 1> single_tiles(std::index_sequence<I...>) {
  return {nullptr, &tile<W, static_cast<int>(I) + 1, 1>...};
}
// Codes become float32 of several panels; other numbers stream from memory.
template <class W>
constexpr int panels_of_wide(int rows) {
  return std::is_same_v<W, StoredF32> ? panels_at_once(rows) : streams_at_once(rows);
}
template <class W, size_t... I>
constexpr std::array<Tile, kMostTileRows + 1> wide_tiles(std::index_sequence<I...>) {
  return {nullptr,
          &tile<W, static_cast<int>(I) + 1, panels_of_wide<W>(static_cast<int>(I) + 1)>...};
}

// By rows: over one panel, and over as many as keep the multipliers busy.
struct Tiles {
  int rows;  // of the largest over one panel
  std::array<Tile, kMostTileRows + 1> single, wide;
};
template <class W>
constexpr Tiles make_tiles() {
  return {kTileRows, single_tiles<W>(std::make_index_sequence<kTileRows>()),
          wide_tiles<W>(std::make_index_sequence<kTileRows>())};
}
constexpr Tiles kF32Tiles = make_tiles<StoredF32>(), kBF16Tiles = make_tiles<StoredBF16>(),
                kF16Tiles = make_tiles<StoredF16>();

#if HWY_TARGET == HWY_AVX3

// AMX-BF16: an instruction multiplies 32 k of up to 16 rows with 16 columns. A sum waits for the
// one before as long as four instructions take: two more are of other rows, where there are.
template <int kRows>
void matrix_tile(const TileArgs& t) {
  constexpr int64_t kSteps = PackedMatrix::kMatrixSteps, kStride = 4 * kWidth;
  constexpr int kFirst = std::min<int>(kRows, Amx::kMostRows), kOthers = kRows - kFirst;
  constexpr bool kTwo = kOthers > 0;
  Amx::configure(kFirst, kOthers, Amx::kRowBytes);
  float *sums = t.sums, *other_sums = sums + kFirst * kWidth;
  if (t.resume) {
    Amx::load<Amx::kLeftSums>(sums, kStride);
    Amx::load<Amx::kRightSums>(sums + kLanes, kStride);
    if constexpr (kTwo) Amx::load<Amx::kOtherLeftSums>(other_sums, kStride);
    if constexpr (kTwo) Amx::load<Amx::kOtherRightSums>(other_sums + kLanes, kStride);
  } else {
    Amx::zero<Amx::kLeftSums>();
    Amx::zero<Amx::kRightSums>();
    if constexpr (kTwo) Amx::zero<Amx::kOtherLeftSums>();
    if constexpr (kTwo) Amx::zero<Amx::kOtherRightSums>();
  }
  const float *x = t.x, *w = static_cast<const float*>(t.w);
  const char* ahead = t.ahead;
  for (int64_t k = t.k; k > 0; k -= kSteps, x += kSteps, w += kSteps * kWidth) {
    for (int64_t at = 0; at < kSteps * t.ahead_step; at += std::max(kLine, t.ahead_step)) {
      __builtin_prefetch(ahead + at, 0, 2);
      __builtin_prefetch(ahead + t.ahead_stride + at, 0, 2);
    }
    ahead += kSteps * t.ahead_step;
    Amx::load<Amx::kRows>(x, 4 * t.x_stride);
    if constexpr (kTwo) Amx::load<Amx::kOtherRows>(x + kFirst * t.x_stride, 4 * t.x_stride);
    Amx::load<Amx::kLeft>(w, kStride);
    Amx::add_bfloat16<Amx::kLeftSums, Amx::kRows, Amx::kLeft>();
    if constexpr (kTwo) Amx::add_bfloat16<Amx::kOtherLeftSums, Amx::kOtherRows, Amx::kLeft>();
    Amx::load<Amx::kRight>(w + kLanes, kStride);
    Amx::add_bfloat16<Amx::kRightSums, Amx::kRows, Amx::kRight>();
    if constexpr (kTwo) Amx::add_bfloat16<Amx::kOtherRightSums, Amx::kOtherRows, Amx::kRight>();
  }
  Amx::store<Amx::kLeftSums>(sums, kStride);
  Amx::store<Amx::kRightSums>(sums + kLanes, kStride);
  if constexpr (kTwo) Amx::store<Amx::kOtherLeftSums>(other_sums, kStride);
  if constexpr (kTwo) Amx::store<Amx::kOtherRightSums>(other_sums + kLanes, kStride);
}

template <size_t... I>
constexpr Tiles matrix_tiles(std::index_sequence<I...>) {
  return {kMostTileRows, {nullptr, &matrix_tile<static_cast<int>(I) + 1>...}, {}};
}
constexpr Tiles kPairsTiles = make_tiles<StoredPairs>(),
                kMatrixTiles = matrix_tiles(std::make_index_sequence<kMostTileRows>());
static_assert(kMostTileRows == 2 * Amx::kMostRows && 4 * kLanes == Amx::kRowBytes);

#elif HWY_TARGET == HWY_NEON

// bfmmla: an instruction multiplies two rows of x with two columns, four k of each. Its bits are
// those of bfdot for the first two k and then for the others.
template <int kRows, int kPanels>
void matrix_tile(const TileArgs& t) {
  constexpr int kRowPairs = (kRows + 1) / 2;
  // The second row of a pair is the first again where there is none.
  const auto second = [](int pair) { return std::min(2 * pair + 1, kRows - 1); };
  float32x4_t sum[kPanels][kRowPairs][4];  // [2 rows][2 columns]
  HWY_UNROLL(4)
  for (int p = 0; p < kPanels; ++p) {
    HWY_UNROLL(8)
    for (int i = 0; i < kRowPairs; ++i) {
      HWY_UNROLL(2)
      for (int v = 0; v < 2; ++v) {
        const float* sums = t.sums + p * t.sums_stride + v * kLanes;
        const float64x2_t a =
            vreinterpretq_f64_f32(t.resume ? vld1q_f32(sums + 2 * i * kWidth) : vdupq_n_f32(0));
        const float64x2_t b =
            vreinterpretq_f64_f32(t.resume ? vld1q_f32(sums + second(i) * kWidth) : vdupq_n_f32(0));
        sum[p][i][2 * v] = vreinterpretq_f32_f64(vzip1q_f64(a, b));
        sum[p][i][2 * v + 1] = vreinterpretq_f32_f64(vzip2q_f64(a, b));
      }
    }
  }
  const float *x = t.x, *w = static_cast<const float*>(t.w);
  const char* ahead = t.ahead;
  for (int64_t k = 0; k < t.k; k += 2, w += 2 * kWidth, x += 2) {
    const bool both = k + 1 < t.k;
    HWY_UNROLL(4)
    for (int i = 0; i < kPanels * kLinesPerK<StoredPairs>; ++i) {
      __builtin_prefetch(ahead + i * t.ahead_stride, 0, 2);
      __builtin_prefetch(ahead + i * t.ahead_stride + t.ahead_step, 0, 2);
    }
    ahead += 2 * t.ahead_step;
    float32x4_t rows[kRowPairs];
    HWY_UNROLL(8)
    for (int i = 0; i < kRowPairs; ++i) {
      const float *a = x + 2 * i * t.x_stride, *b = x + second(i) * t.x_stride;
      rows[i] = both ? vcombine_f32(vld1_f32(a), vld1_f32(b))
                     : vcombine_f32(vset_lane_f32(*a, vdup_n_f32(0), 0),
                                    vset_lane_f32(*b, vdup_n_f32(0), 0));
    }
    HWY_UNROLL(4)
    for (int p = 0; p < kPanels; ++p) {
      HWY_UNROLL(2)
      for (int v = 0; v < 2; ++v) {
        const float* words = w + p * t.panel_stride + v * kLanes;
        const float32x4_t now = vld1q_f32(words);
        const float32x4_t next = both ? vld1q_f32(words + kWidth) : vdupq_n_f32(0);
        const float32x4_t columns[2] = {vzip1q_f32(now, next), vzip2q_f32(now, next)};
        HWY_UNROLL(8)
        for (int i = 0; i < kRowPairs; ++i) {
          HWY_UNROLL(2)
          for (int c = 0; c < 2; ++c) {
            asm(".arch_extension bf16\n\tbfmmla %0.4s, %1.8h, %2.8h"
                : "+w"(sum[p][i][2 * v + c])
                : "w"(rows[i]), "w"(columns[c]));
          }
        }
      }
    }
  }
  HWY_UNROLL(4)
  for (int p = 0; p < kPanels; ++p) {
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(2)
      for (int v = 0; v < 2; ++v) {
        const float64x2_t left = vreinterpretq_f64_f32(sum[p][r / 2][2 * v]),
                          right = vreinterpretq_f64_f32(sum[p][r / 2][2 * v + 1]);
        vst1q_f32(
            t.sums + p * t.sums_stride + r * kWidth + v * kLanes,
            vreinterpretq_f32_f64(r % 2 == 0 ? vzip1q_f64(left, right) : vzip2q_f64(left, right)));
      }
    }
  }
}

// Where sums of a pair of rows do not need more registers than there are.
template <int kRows, int kPanels>
constexpr Tile pairs_tile() {
  if constexpr (kRows < 4) return &tile<StoredPairs, kRows, kPanels>;
  return &matrix_tile<kRows, kPanels>;
}
template <size_t... I>
constexpr Tiles pairs_tiles(std::index_sequence<I...>) {
  return {
      kTileRows,
      {nullptr, pairs_tile<static_cast<int>(I) + 1, 1>()...},
      {nullptr, pairs_tile<static_cast<int>(I) + 1, panels_at_once(static_cast<int>(I) + 1)>()...}};
}
constexpr Tiles kPairsTiles = pairs_tiles(std::make_index_sequence<kTileRows>());

#endif

const Tiles& tiles_of(const PackedMatrix& w) {
#if HWY_TARGET == HWY_AVX3
  if (w.matrices) return kMatrixTiles;
#endif
#if VECTON_HAS_PAIRS
  if (w.pairs) return kPairsTiles;
#endif
  const tensor::DType dtype = w.dtype;
  return dtype == tensor::DType::kF32    ? kF32Tiles
         : dtype == tensor::DType::kBF16 ? kBF16Tiles
                                         : kF16Tiles;
}

// ---------------------------------------------------------------- what follows the sums

// y = act(sum + bias) + residual for `rows` rows of one panel; `columns` of them exist. A padded
// column is computed like the others and not stored.
template <ops::Activation kAct>
void finish(const LinearCall& call, const float* sums, int64_t row, int64_t rows, int64_t column,
            int64_t columns, const float* bias) {
  HWY_UNROLL(2)
  for (int v = 0; v < 2; ++v) {
    const int64_t first = v * kLanes, count = std::min(columns - first, kLanes);
    if (count <= 0) return;
    const V b = bias ? hn::LoadU(d, bias + first) : hn::Zero(d);
    const auto mask = hn::FirstN(d, static_cast<size_t>(count));
    for (int64_t r = 0; r < rows; ++r) {
      V value = hn::Load(d, sums + r * kWidth + first);
      if (bias) value = hn::Add(value, b);
      value = activate<kAct>(value);
      if (call.residual) {
        const float* from = call.residual + (row + r) * call.residual_stride + column + first;
        value =
            hn::Add(value, count == kLanes ? hn::LoadU(d, from) : hn::MaskedLoad(mask, d, from));
      }
      float* to = call.y + (row + r) * call.y_stride + column + first;
      if (count == kLanes) {
        hn::StoreU(value, d, to);
      } else {
        hn::BlendedStore(value, mask, d, to);
      }
    }
  }
}

// y = act(gate + bias) * (up + bias): the first vector of the panel is gate, the second up.
template <ops::Activation kAct>
void finish_gated(const LinearCall& call, const float* sums, int64_t row, int64_t rows,
                  int64_t column, int64_t columns, const float* /*bias*/) {
  const auto mask = hn::FirstN(d, static_cast<size_t>(columns));
  V gate_bias = hn::Zero(d), up_bias = hn::Zero(d);
  if (call.bias) {
    const float* bias = call.bias + column;
    gate_bias = hn::MaskedLoad(mask, d, bias);
    up_bias = hn::MaskedLoad(mask, d, bias + call.w->n);
  }
  for (int64_t r = 0; r < rows; ++r) {
    const V gate = activate<kAct>(hn::Add(hn::Load(d, sums + r * kWidth), gate_bias));
    const V value = hn::Mul(gate, hn::Add(hn::Load(d, sums + r * kWidth + kLanes), up_bias));
    float* to = call.y + (row + r) * call.y_stride + column;
    if (columns == kLanes) {
      hn::StoreU(value, d, to);
    } else {
      hn::BlendedStore(value, mask, d, to);
    }
  }
}

using Finish = void (*)(const LinearCall&, const float*, int64_t, int64_t, int64_t, int64_t,
                        const float*);

template <bool kGated, ops::Activation kAct>
constexpr Finish finish_with() {
  if constexpr (kGated) return &finish_gated<kAct>;
  return &finish<kAct>;
}

template <bool kGated>
Finish choose_finish(ops::Activation act) {
  switch (act) {
    case ops::Activation::kIdentity:
      return finish_with<kGated, ops::Activation::kIdentity>();
    case ops::Activation::kGelu:
      return finish_with<kGated, ops::Activation::kGelu>();
    case ops::Activation::kGeluTanh:
      return finish_with<kGated, ops::Activation::kGeluTanh>();
    case ops::Activation::kRelu:
      return finish_with<kGated, ops::Activation::kRelu>();
    case ops::Activation::kSilu:
      return finish_with<kGated, ops::Activation::kSilu>();
    case ops::Activation::kTanh:
      return finish_with<kGated, ops::Activation::kTanh>();
    case ops::Activation::kSigmoid:
      return finish_with<kGated, ops::Activation::kSigmoid>();
    case ops::Activation::kLog1pRelu:
      return finish_with<kGated, ops::Activation::kLog1pRelu>();
    default:  // never asked for: is_common()
      return finish_with<kGated, ops::Activation::kIdentity>();
  }
}

void finish_panel(const LinearCall& call, Finish finish, const float* sums, int64_t row,
                  int64_t rows, int64_t panel) {
  const int64_t outputs = call.w->outputs(), column = panel * outputs;
  const int64_t columns = std::min(outputs, call.w->n - column);
  const float* bias = call.bias ? call.bias + column : nullptr;
  HWY_ALIGN float padded[kWidth] = {};
  if (bias && columns < outputs) {
    std::copy_n(bias, columns, padded);
    bias = padded;
  }
  finish(call, sums, row, rows, column, columns, bias);
}

// Fetches where the sums of a tile will go, and what is added to them.
HWY_INLINE void fetch_destination(const LinearCall& call, int64_t row, int64_t rows,
                                  int64_t panel) {
  const int64_t column = panel * call.w->outputs(), columns = call.w->outputs();
  for (int64_t r = row; r < row + rows; ++r) {
    for (int64_t c = column; c < column + columns; c += kLine / 4) {
      __builtin_prefetch(call.y + r * call.y_stride + c, 1, 3);
      if (call.residual) __builtin_prefetch(call.residual + r * call.residual_stride + c, 0, 3);
    }
  }
}

// ---------------------------------------------------------------- blocks

// Few rows: one tile, the whole of k of a panel, or of several at a time; meanwhile what is behind
// is fetched, as much as memory takes to answer.
void linear_one_tile(const LinearCall& call, Finish finish, int64_t row, int64_t rows,
                     int64_t panel, int64_t panel_end) {
  const PackedMatrix& w = *call.w;
  const Tiles& tiles = tiles_of(w);
  const int64_t at_once = streams_at_once(static_cast<int>(rows));
  const int64_t bytes = w.panel_bytes(), step = w.step_bytes();
  HWY_ALIGN float sums[4 * kTileRows * kWidth];
  while (panel < panel_end) {
    const int64_t count = panel_end - panel >= at_once ? at_once : 1;
    const char* data = reinterpret_cast<const char*>(w.data.get()) + panel * bytes;
    (count == 1 ? tiles.single : tiles.wide)[rows](
        {call.x + row * call.x_stride, call.x_stride, data, w.steps() * kWidth, w.steps(), sums,
         kTileRows * kWidth, false, data + kSoon / count, step, count == 1 ? kLine : bytes});
    for (int64_t p = 0; p < count; ++p) {
      finish_panel(call, finish, sums + p * kTileRows * kWidth, row, rows, panel + p);
    }
    panel += count;
  }
}

// Panels one after another, k in blocks that stay in the first-level cache while all row tiles pass
// over them; meanwhile the next block is fetched, a share of it in each tile. Two tiles wait for
// memory: it answers them soonest where one stream is fetched from not far ahead.
void linear_block(const LinearCall& call, Finish finish, int64_t row, int64_t rows, int64_t panel,
                  int64_t panel_end) {
  const PackedMatrix& w = *call.w;
  const Tiles& tiles = tiles_of(w);
  const int64_t count = (rows + tiles.rows - 1) / tiles.rows;
  const int64_t steps = w.steps(), row_bytes = w.step_bytes();
  const bool few = count == 2;
  const int64_t most = few ? std::min(kBlockK, kSoon / row_bytes) : kBlockK;
  const int64_t blocks = std::max<int64_t>(1, (steps + most - 1) / most);
  constexpr int64_t kWhole = PackedMatrix::kMatrixSteps;  // a matrix of tiles has whole ones
  const int64_t block =
      std::max(kWhole, ((steps + blocks - 1) / blocks + kWhole - 1) / kWhole * kWhole);
  const int64_t lines_per_k = std::max<int64_t>(1, row_bytes / kLine);
  const int64_t streams = few ? 1 : lines_per_k;  // a k has a line for each of two tiles
  const int64_t ahead_step = (row_bytes / streams + count - 1) / count;
  HWY_ALIGN float sums[kBlockRows * kWidth];
  for (; panel < panel_end; ++panel) {
    const char* data = reinterpret_cast<const char*>(w.data.get()) + panel * w.panel_bytes();
    for (int64_t k = 0; k == 0 || k < steps; k += block) {
      const int64_t length = std::min(block, steps - k);
      const bool last = k + length == steps;
      const char* here = data + k * row_bytes;
      const char* ahead = last && panel + 1 == w.panels ? here : here + length * row_bytes;
      const int64_t share = ahead_step * length, stream = streams == 1 ? 0 : share;
      for (int64_t i = 0; i < count; ++i) {
        const int64_t first = rows * i / count, next = rows * (i + 1) / count;
        float* tile_sums = sums + first * kWidth;
        if (last) fetch_destination(call, row + first, next - first, panel);
        tiles.single[next - first]({call.x + (row + first) * call.x_stride + k, call.x_stride, here,
                                    0, length, tile_sums, 0, k > 0, ahead, ahead_step, stream});
        ahead += streams * share;
        if (last) finish_panel(call, finish, tile_sums, row + first, next - first, panel);
      }
    }
  }
}

// What is multiplied after a block of k of a panel, when so many panels are multiplied at once: the
// next block, or the numbers and the first block of a later panel. To be fetched in so many shares.
FetchAhead after_block(const PackedMatrix& w, int64_t panel, int64_t panels, int64_t k,
                       int64_t k_end, int64_t shares) {
  const PackedCodes& codes = w.codes;
  const bool last = k_end >= w.k;
  const int64_t begin = last ? panels * w.panel_bytes()
                             : codes.words_at + k_end / codes.codes_per_word() * kWidth * 4;
  const int64_t bytes =
      (k_end - k) / codes.codes_per_word() * kWidth * 4 + (last ? codes.words_at : 0);
  return {w.data.get() + panel * w.panel_bytes() + begin, (bytes + shares - 1) / shares};
}

// Panels of codes: a block of k at a time becomes floats, which stay in the first-level cache while
// all row tiles pass over them. What is added up, and in which order, is what it would be had the
// floats been stored.
void linear_codes(const LinearCall& call, Finish finish, int64_t row, int64_t rows, int64_t panel,
                  int64_t panel_end) {
  constexpr int64_t kBlock = 128, kMostPanels = 4;
  const PackedMatrix& w = *call.w;
  const Tiles& tiles = kF32Tiles;
  const int64_t count = (rows + kTileRows - 1) / kTileRows;
  HWY_ALIGN float floats[std::max<int64_t>(kBlock, 64 * kMostPanels) * kWidth];
  HWY_ALIGN float sums[kBlockRows * kWidth];
  while (panel < panel_end) {
    int64_t panels = count == 1 ? panels_at_once(static_cast<int>(rows)) : 1;
    if (panel_end - panel < panels) panels = 1;
    const int64_t block = panels == 1 ? kBlock : 64;
    for (int64_t k = 0; k == 0 || k < w.k; k += block) {
      const int64_t length = std::min(block, w.k - k);
      for (int64_t p = 0; p < panels; ++p) {
        after_block(w, panel + p, panels, k, k + length, 1).fetch_share();
        expand(w.codes, w.data.get() + (panel + p) * w.panel_bytes(), k, length,
               floats + p * block * kWidth);
      }
      const bool last = k + length >= w.k;
      for (int64_t i = 0; i < count; ++i) {
        const int64_t first = rows * i / count, next = rows * (i + 1) / count;
        float* tile_sums = sums + first * kWidth;
        if (last) fetch_destination(call, row + first, next - first, panel);
        (panels == 1 ? tiles.single : tiles.wide)[next - first](
            {call.x + (row + first) * call.x_stride + k, call.x_stride, floats, block * kWidth,
             length, tile_sums, kTileRows * kWidth, k > 0, reinterpret_cast<const char*>(floats), 0,
             0});
        if (!last) continue;
        for (int64_t p = 0; p < panels; ++p) {
          finish_panel(call, finish, tile_sums + p * kTileRows * kWidth, row + first, next - first,
                       panel + p);
        }
      }
    }
    panel += panels;
  }
}

#if HWY_TARGET == HWY_AVX3
// Panels of codes, multiplied as integers with the rows of call.integers.
void linear_integers(const LinearCall& call, Finish finish, int64_t row, int64_t rows,
                     int64_t panel, int64_t panel_end) {
  constexpr int64_t kBlockBytes = 16 << 10;  // of words, which stay in the first-level cache
  constexpr int64_t kAtOnce = 32;            // rows of a call of the kernel
  const PackedMatrix& w = *call.w;
  const PackedCodes& codes = w.codes;
  const IntegerKernels& kernels = *integer_kernels(Isa::kAvx512);
  const bool offsets = codes.offset.exists(), few = rows <= IntegerKernels::kFewRows;
  const IntegerKernels::Multiply& of_codes = codes.lookup
                                                 ? kernels.lookups[offsets]
                                                 : kernels.multiply[codes.bits == 2   ? 0
                                                                    : codes.bits == 4 ? 1
                                                                                      : 2][offsets];
  const auto multiply = of_codes[static_cast<size_t>(few ? rows : 0)];
  const int64_t groups = (codes.k + codes.group - 1) / codes.group;
  const int64_t group_bytes = codes.group / codes.codes_per_word() * kWidth * 4;
  const int64_t block =
      few ? groups_at_once(rows) : std::clamp<int64_t>(kBlockBytes / group_bytes, 1, kMostGroups);
  HWY_ALIGN float numbers[kMostGroups * 2 * kWidth];
  HWY_ALIGN float sums[kBlockRows * kWidth];
  for (; panel < panel_end; ++panel) {
    const std::byte* data = w.data.get() + panel * w.panel_bytes();
    for (int64_t group = 0; group < groups; group += block) {
      const int64_t group_end = std::min(groups, group + block);
      const int64_t k = group * codes.group, k_end = std::min(codes.k, group_end * codes.group);
      const bool last = group_end == groups;
      const auto* words = reinterpret_cast<const uint32_t*>(data + codes.words_at) +
                          k / codes.codes_per_word() * kWidth;
      const int64_t shares = (rows + 1) / 2 * ((k_end - k) / IntegerTile::kStep);
      FetchAhead ahead =
          few ? FetchAhead(codes, data, k) : after_block(w, panel, 1, k, k_end, shares);
      read_numbers(codes, data, group, group_end, numbers);
      for (int64_t first = 0; first < rows; first += kAtOnce) {
        const int64_t next = std::min(rows, first + kAtOnce);
        float* tile_sums = sums + first * kWidth;
        if (last) fetch_destination(call, row + first, next - first, panel);
        multiply({call.integers, row + first, next - first, words, numbers, tile_sums,
                  codes.bytes.data(), group, k_end - k, codes.group, group == 0, last, ahead});
        ahead.at += kAtOnce / 2 * ((k_end - k) / IntegerTile::kStep) * ahead.step;
        if (last) finish_panel(call, finish, tile_sums, row + first, next - first, panel);
      }
    }
  }
}
#endif

// As linear_integers, of call.int8.
void linear_int8(const LinearCall& call, Finish finish, int64_t row, int64_t rows, int64_t panel,
                 int64_t panel_end) {
  constexpr int64_t kBlocks = 512 / host::kInt8Block;  // which stay in the first-level cache
  constexpr int64_t kWords = host::kInt8Block / 4 * kWidth;
  const PackedMatrix& w = *call.w;
  const Int8Kernels& kernels = *call.int8_kernels;
  const int64_t blocks = w.codes.k / host::kInt8Block;
  const int64_t count = (rows + kernels.tile_rows - 1) / kernels.tile_rows;
  const int64_t at_once = count == 1 ? blocks : kBlocks;
  HWY_ALIGN float sums[kBlockRows * kWidth];
  for (; panel < panel_end; ++panel) {
    const std::byte* data = w.data.get() + panel * w.panel_bytes();
    const auto* words = reinterpret_cast<const uint32_t*>(data + w.codes.words_at);
    const auto* scales = reinterpret_cast<const float*>(data + w.codes.scale.at);
    std::fill_n(sums, rows * kWidth, 0.0f);
    for (int64_t block = 0; block < blocks; block += at_once) {
      const int64_t length = std::min(at_once, blocks - block);
      const bool last = block + length == blocks;
      for (int64_t i = 0; i < count; ++i) {
        const int64_t first = rows * i / count, next = rows * (i + 1) / count;
        if (last) fetch_destination(call, row + first, next - first, panel);
        kernels.tiles[static_cast<size_t>(next - first)](
            {call.int8, row + first, block, length, words + block * kWords, scales + block * kWidth,
             sums + first * kWidth});
        if (last) {
          finish_panel(call, finish, sums + first * kWidth, row + first, next - first, panel);
        }
      }
    }
  }
}

// Panels of codes on their own grid, multiplied with call.int8 by few rows.
void linear_grid_of_few(const LinearCall& call, Finish finish, int64_t row, int64_t rows,
                        int64_t panel, int64_t panel_end) {
  const PackedMatrix& w = *call.w;
  const PackedCodes& codes = w.codes;
  const auto tile = call.int8_kernels->few_rows_of(codes)[static_cast<size_t>(rows)];
  const int64_t block = groups_at_once(rows) * codes.group;
  HWY_ALIGN float numbers[kMostGroups * 2 * kWidth];
  HWY_ALIGN float sums[Int8Kernels::kFewRows * kWidth];
  for (; panel < panel_end; ++panel) {
    const std::byte* data = w.data.get() + panel * w.panel_bytes();
    const auto* words = reinterpret_cast<const uint32_t*>(data + codes.words_at);
    std::fill_n(sums, rows * kWidth, 0.0f);
    for (int64_t k = 0; k < codes.k; k += block) {
      const int64_t k_end = std::min(codes.k, k + block);
      read_numbers(codes, data, k / codes.group, (k_end - 1) / codes.group + 1, numbers);
      tile({call.int8, row, k, k_end, codes.group, words + k / codes.codes_per_word() * kWidth,
            numbers, codes.offset.exists(), nullptr, sums, codes.bytes.data(),
            FetchAhead(codes, data, k)});
    }
    finish_panel(call, finish, sums, row, rows, panel);
  }
}

// As linear_grid_of_few, of any number of rows: a block of k at a time becomes bytes, which stay in
// the first-level cache while all row tiles pass over them.
void linear_grid(const LinearCall& call, Finish finish, int64_t row, int64_t rows, int64_t panel,
                 int64_t panel_end) {
  constexpr int64_t kBlock = 512, kBlockGroups = kBlock / 16;
  const PackedMatrix& w = *call.w;
  const PackedCodes& codes = w.codes;
  const Int8Kernels& kernels = *call.int8_kernels;
  if (rows <= Int8Kernels::kFewRows && kernels.few_rows_of(codes)[1] != nullptr)
    return linear_grid_of_few(call, finish, row, rows, panel, panel_end);
  const int64_t count = (rows + kernels.tile_rows - 1) / kernels.tile_rows;
  const int64_t block = kBlock / codes.group * codes.group;
  HWY_ALIGN uint32_t words[kBlock / 4 * kWidth];
  HWY_ALIGN float numbers[kBlockGroups * 2 * kWidth];
  HWY_ALIGN int32_t code_sums[kBlockGroups * kWidth];
  HWY_ALIGN float sums[kBlockRows * kWidth];
  for (; panel < panel_end; ++panel) {
    const std::byte* data = w.data.get() + panel * w.panel_bytes();
    std::fill_n(sums, rows * kWidth, 0.0f);
    for (int64_t k = 0; k < codes.k; k += block) {
      const int64_t k_end = std::min(codes.k, k + block);
      const bool last = k_end == codes.k;
      read_numbers(codes, data, k / codes.group, (k_end - 1) / codes.group + 1, numbers);
      const uint32_t* bytes = kernels.expand(codes, data, k, k_end, words, code_sums);
      const int64_t shares = (k_end - k) / 4;
      FetchAhead ahead = after_block(w, panel, 1, k, k_end, count * shares);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t first = rows * i / count, next = rows * (i + 1) / count;
        if (last) fetch_destination(call, row + first, next - first, panel);
        kernels.grid_tiles[static_cast<size_t>(next - first)](
            {call.int8, row + first, k, k_end, codes.group, bytes, numbers, codes.offset.exists(),
             code_sums, sums + first * kWidth, codes.bytes.data(), ahead});
        ahead.at += shares * ahead.step;
        if (last) {
          finish_panel(call, finish, sums + first * kWidth, row + first, next - first, panel);
        }
      }
    }
  }
}

void linear(const LinearCall& call, int64_t row, int64_t row_end, int64_t panel,
            int64_t panel_end) {
  const Finish finish =
      call.w->gated ? choose_finish<true>(call.act) : choose_finish<false>(call.act);
  while (row < row_end) {
    const int64_t rows = std::min(row_end - row, kBlockRows);
    if (call.int8) {
      (call.w->codes.turned ? linear_int8 : linear_grid)(call, finish, row, rows, panel, panel_end);
      row += rows;
      continue;
    }
#if HWY_TARGET == HWY_AVX3
    if (call.integers) {
      linear_integers(call, finish, row, rows, panel, panel_end);
      row += rows;
      continue;
    }
#endif
    if (call.w->codes.exists()) {
      linear_codes(call, finish, row, rows, panel, panel_end);
    } else if (rows <= kTileRows) {
      linear_one_tile(call, finish, row, rows, panel, panel_end);
    } else {
      linear_block(call, finish, row, rows, panel, panel_end);
    }
    row += rows;
  }
  if (call.int8_kernels && call.int8_kernels->done) call.int8_kernels->done();
#if HWY_TARGET == HWY_AVX3
  if (call.w->matrices) Amx::release();
#endif
}

// ---------------------------------------------------------------- x in bfloat16

// To the nearest, ties to even; in the upper half of each lane. NaN stays NaN.
hn::VFromD<hn::RebindToUnsigned<F32>> bfloat16_bits(V x) {
  const hn::RebindToUnsigned<F32> du;
  const auto bits = hn::BitCast(du, x);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  const auto rounded = hn::Add(hn::Add(bits, hn::Set(du, 0x7fffu)), odd);
  const auto nan = hn::VecFromMask(d, hn::Ne(x, x));
  const auto quiet = hn::And(hn::BitCast(du, nan), hn::Or(bits, hn::Set(du, 0x400000u)));
  return hn::And(hn::Or(hn::AndNot(hn::BitCast(du, nan), rounded), quiet),
                 hn::Set(du, 0xffff0000u));
}

// A vector of `out`, of one of x or of two.
template <bool kPairs>
void round_part(const float* x, float* out) {
  if constexpr (kPairs) {
#if VECTON_HAS_PAIRS
    V even, odd;
    hn::LoadInterleaved2(d, x, even, odd);
    const auto words = hn::Or(hn::ShiftRight<16>(bfloat16_bits(even)), bfloat16_bits(odd));
    hn::StoreU(hn::BitCast(d, words), d, out);
#endif
  } else {
    hn::StoreU(hn::BitCast(d, bfloat16_bits(hn::LoadU(d, x))), d, out);
  }
}

template <bool kPairs>
void round_row(const float* x, int64_t k, float* out) {
  constexpr int64_t kPart = kPairs ? 2 * kLanes : kLanes;  // numbers
  for (; k >= kPart; k -= kPart, x += kPart, out += kLanes) round_part<kPairs>(x, out);
  if (k == 0) return;
  HWY_ALIGN float last[kPart] = {}, words[kLanes];
  std::copy_n(x, k, last);
  round_part<kPairs>(last, words);
  std::copy_n(words, kPairs ? (k + 1) / 2 : k, out);
}

void round(const PackedMatrix& w, const float* x, int64_t x_stride, float* out, int64_t out_stride,
           int64_t begin, int64_t end) {
  const auto row = w.pairs ? &round_row<VECTON_HAS_PAIRS == 1> : &round_row<false>;
  const int64_t words = w.pairs ? (w.k + 1) / 2 : w.k;
  for (int64_t i = begin; i < end; ++i) {
    row(x + i * x_stride, w.k, out + i * out_stride);
    std::fill(out + i * out_stride + words, out + i * out_stride + w.steps(), 0.0f);
  }
}

// ---------------------------------------------------------------- embed

template <class T>
V widen(const T* p) {
  if constexpr (std::is_same_v<T, float>) return hn::LoadU(d, p);
  if constexpr (std::is_same_v<T, hwy::float16_t>) {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<hwy::float16_t, F32>(), p));
  }
  if constexpr (std::is_same_v<T, uint16_t>) {  // bfloat16
    const hn::RebindToUnsigned<F32> du;
    const auto bits = hn::PromoteTo(du, hn::LoadU(hn::Rebind<uint16_t, F32>(), p));
    return hn::BitCast(d, hn::ShiftLeft<16>(bits));
  }
}

// The bytes of a file have no alignment, and none may be read past the row.
template <class T>
void embed_rows(const EmbedCall& call, int64_t row, int64_t row_end) {
  const int64_t columns = call.table->k;
  for (; row < row_end; ++row) {
    const std::byte* from = call.table->rows.data() + call.ids[row] * columns * sizeof(T);
    float* to = call.y + row * call.y_stride;
    for (int64_t j = 0; j < columns; j += kLanes) {
      const int64_t count = std::min(kLanes, columns - j);
      HWY_ALIGN T part[kLanes] = {};
      std::memcpy(part, from + j * sizeof(T), count * sizeof(T));
      V value = widen(part);
      const auto mask = hn::FirstN(d, static_cast<size_t>(count));
      if (call.add) value = hn::Add(hn::MaskedLoad(mask, d, to + j), value);
      hn::BlendedStore(value, mask, d, to + j);
    }
  }
}

void embed(const EmbedCall& call, int64_t row, int64_t row_end) {
  switch (call.table->dtype) {
    case tensor::DType::kF16:
      return embed_rows<hwy::float16_t>(call, row, row_end);
    case tensor::DType::kBF16:
      return embed_rows<uint16_t>(call, row, row_end);
    default:
      return embed_rows<float>(call, row, row_end);
  }
}

int64_t panels_of_few(const PackedMatrix& w, int64_t rows) {
  if (rows > kTileRows) return 1;
  return (w.codes.exists() ? panels_at_once : streams_at_once)(static_cast<int>(rows));
}

const LinearKernels kLinearKernels = {kLanes, kTileRows, &panels_of_few, &round, &linear, &embed};

}  // namespace
}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecton::cpu {

const LinearKernels& linear_kernels(Isa isa) { VECTON_PICK_ISA(isa, kLinearKernels); }

}  // namespace vecton::cpu
#endif
