#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/int8_kernels.cpp"
#include "backend/cpu/targets.h"
// Targets first.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "backend/cpu/amx.h"
#include "backend/cpu/expand-inl.h"
#include "backend/cpu/int8_kernels.h"
#include "backend/host/int8.h"

HWY_BEFORE_NAMESPACE();
namespace vecton::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using I32 = hn::RebindToSigned<F32>;
using V = hn::Vec<F32>;
using VI = hn::Vec<I32>;
[[maybe_unused]] constexpr F32 d;
[[maybe_unused]] constexpr I32 di;
constexpr int64_t kLanes = hn::MaxLanes(d);
constexpr int64_t kWidth = 2 * kLanes;
constexpr int64_t kBlock = host::kInt8Block;
constexpr int kSteps = kBlock / 4;  // words of a block

// ---------------------------------------------------------------- rows of x

#if HWY_TARGET == HWY_SCALAR

void to_int8(const float* x, int64_t x_stride, int64_t k, const Int8Rows& rows, int64_t begin,
             int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t b = 0; b < rows.row_blocks; ++b) {
      int8_t* codes = rows.codes + i * rows.row_bytes + b * kBlock;
      Int8Rows::Block& block = rows.blocks[i * rows.row_blocks + b];
      host::to_int8(x + i * x_stride + b * kBlock, std::min(kBlock, k - b * kBlock), codes,
                    &block.scale);
      int32_t sum = 0;
      for (int64_t j = 0; j < kBlock; ++j) sum += codes[j];
      block.zero = -128 * sum;
      block.shift = 0;
      block.sum = 0;
    }
  }
}

void to_grid(const PackedCodes& codes, const float* x, int64_t x_stride, int64_t k,
             const Int8Rows& rows, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const host::GridRow row = host::to_grid(x + i * x_stride, k, codes.group);
    int8_t* to = rows.codes + i * rows.row_bytes;
    for (int64_t g = 0; g < rows.row_blocks; ++g) {
      Int8Rows::Block& block = rows.blocks[i * rows.row_blocks + g];
      const int64_t first = g * codes.group, last = std::min(k, first + codes.group),
                    padded = std::min(codes.k, first + codes.group);
      int32_t least = 0, sum = 0;
      for (int64_t j = first; j < last; ++j) {
        least = std::min<int32_t>(least, row.numbers[static_cast<size_t>(j)]);
        sum += row.numbers[static_cast<size_t>(j)];
      }
      block.shift = least + 128;
      for (int64_t j = first; j < padded; ++j) {
        const int32_t number = j < last ? row.numbers[static_cast<size_t>(j)] : 0;
        to[j] = static_cast<int8_t>(number - block.shift);
      }
      block.scale = row.scales[static_cast<size_t>(g)];
      block.zero = -codes.zero * sum;
      block.sum = block.scale * static_cast<float>(sum);
    }
  }
}

#else

constexpr int kVectors = kBlock / kLanes;

// To the nearest whole number, ties to even; any number where that has more than 32 bits.
HWY_INLINE VI nearest(V v) {
#if HWY_TARGET == HWY_AVX3
  return VI{_mm512_cvtps_epi32(v.raw)};
#elif HWY_ARCH_X86
  return VI{_mm256_cvtps_epi32(v.raw)};
#else
  return hn::NearestInt(v);
#endif
}

// Neighbours of `kApart` lanes change places.
template <int kApart>
HWY_INLINE V swapped(V v) {
  if constexpr (kApart == 1) {
    return hn::Shuffle2301(v);
  } else if constexpr (kApart == 2) {
    return hn::Shuffle1032(v);
  } else if constexpr (2 * kApart == kLanes) {
    return hn::ConcatLowerUpper(d, v, v);
  } else {
    return hn::SwapAdjacentBlocks(v);
  }
}

// Sums and differences of lanes `kApart` apart, and less; a product with 1 or -1 is exact.
template <int kApart>
HWY_INLINE void turn_lanes(V (&v)[kVectors]) {
  HWY_ALIGN float signs[kLanes];
  for (int i = 0; i < kLanes; ++i) signs[i] = (i & kApart) == 0 ? 1.0f : -1.0f;
  const V sign = hn::Load(d, signs);
  HWY_UNROLL(16)
  for (int i = 0; i < kVectors; ++i) v[i] = hn::MulAdd(v[i], sign, swapped<kApart>(v[i]));
  if constexpr (kApart > 1) turn_lanes<kApart / 2>(v);
}

template <int kApart>
HWY_INLINE void turn_vectors(V (&v)[kVectors]) {
  HWY_UNROLL(16)
  for (int i = 0; i < kVectors; ++i) {
    if ((i & kApart) != 0) continue;
    const V a = v[i], b = v[i + kApart];
    v[i] = hn::Add(a, b);
    v[i + kApart] = hn::Sub(a, b);
  }
  if constexpr (kApart > 1) turn_vectors<kApart / 2>(v);
}

template <class Codes>
HWY_INLINE VI store_one_by_one(const VI (&codes)[kVectors], int8_t* to) {
  VI sum = hn::Zero(di);
  HWY_UNROLL(16)
  for (int i = 0; i < kVectors; ++i) {
    sum = hn::Add(sum, codes[i]);
    Codes::store(codes[i], to + i * kLanes * Codes::kCodeBytes);
  }
  return sum;
}

// Codes as the tiles take them: a byte each, or 16 bits each, of which those of every four k have
// the order 0, 2, 1, 3.
struct Bytes {
  static constexpr int64_t kCodeBytes = 1;
  static constexpr bool kShifted = true;  // a grid's whole numbers need 9 bits
  static HWY_INLINE void store(VI codes, int8_t* to) {
    const hn::Rebind<int8_t, I32> d8;
    hn::StoreU(hn::DemoteTo(d8, codes), d8, to);
  }
  // A block of them; their sums by lane.
  static HWY_INLINE VI store_block(const VI (&codes)[kVectors], int8_t* to) {
    return store_one_by_one<Bytes>(codes, to);
  }
};

#if HWY_ARCH_X86
struct Pairs {
  static constexpr int64_t kCodeBytes = 2;
  static constexpr bool kShifted = false;
  static HWY_INLINE void store(VI codes, int8_t* to) {
    const hn::Rebind<int16_t, I32> d16;
    auto four = hn::DemoteTo(d16, codes);
#if HWY_TARGET == HWY_AVX3
    four.raw = _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(four.raw, 0xd8), 0xd8);
#else
    four.raw = _mm_shufflehi_epi16(_mm_shufflelo_epi16(four.raw, 0xd8), 0xd8);
#endif
    hn::StoreU(four, d16, reinterpret_cast<int16_t*>(to));
  }
  static HWY_INLINE VI store_block(const VI (&codes)[kVectors], int8_t* to) {
    return store_one_by_one<Pairs>(codes, to);
  }
};
#endif

template <class Codes>
HWY_INLINE void block_to_int8(const float* x, int8_t* codes, Int8Rows::Block& block) {
  constexpr float kMost = 127, kLeast = 0x1p-100f;
  constexpr uint32_t kInfinity = 0x7f800000u;
  const hn::RebindToUnsigned<F32> du;
  V v[kVectors];
  HWY_UNROLL(16)
  for (int i = 0; i < kVectors; ++i) v[i] = hn::LoadU(d, x + i * kLanes);
  turn_vectors<kVectors / 2>(v);
  turn_lanes<kLanes / 2>(v);
  auto most = hn::Zero(du);  // magnitudes in the order of their bits
  HWY_UNROLL(16)
  for (int i = 0; i < kVectors; ++i) most = hn::Max(most, hn::BitCast(du, hn::Abs(v[i])));
  const uint32_t largest_bits = hn::GetLane(hn::MaxOfLanes(du, most));
  const bool finite = largest_bits < kInfinity;
  float largest;
  std::memcpy(&largest, &largest_bits, sizeof largest);
  largest = finite ? std::max(largest, kLeast) : 1;
  const V inverse = hn::Set(d, kMost / largest);
  VI numbers[kVectors];
  HWY_UNROLL(16)
  for (int i = 0; i < kVectors; ++i) numbers[i] = nearest(hn::Mul(v[i], inverse));
  const VI sum = Codes::store_block(numbers, codes);
  block.scale = finite ? largest / kMost : std::numeric_limits<float>::quiet_NaN();
  // What is not finite gives any codes; their sum need not fit 32 bits.
  block.zero = finite && !Codes::kSigned ? -128 * hn::GetLane(hn::SumOfLanes(di, sum)) : 0;
  block.shift = 0;
  block.sum = 0;
}

template <class Codes>
void to_int8(const float* x, int64_t x_stride, int64_t k, const Int8Rows& rows, int64_t begin,
             int64_t end) {
  const int64_t whole = k / kBlock;
  for (int64_t i = begin; i < end; ++i) {
    const float* from = x + i * x_stride;
    int8_t* codes = rows.codes + i * rows.row_bytes;
    Int8Rows::Block* block = rows.blocks + i * rows.row_blocks;
    for (int64_t b = 0; b < whole; ++b)
      block_to_int8<Codes>(from + b * kBlock, codes + b * kBlock * Codes::kCodeBytes, block[b]);
    if (whole == rows.row_blocks) continue;
    HWY_ALIGN float last[kBlock] = {};
    std::copy(from + whole * kBlock, from + k, last);
    block_to_int8<Codes>(last, codes + whole * kBlock * Codes::kCodeBytes, block[whole]);
  }
}

// A group of a grid, `padded` codes of which `count` are x.
template <class Codes>
HWY_INLINE void group_to_grid(const float* x, int64_t count, int64_t padded, int zero_point,
                              int8_t* codes, Int8Rows::Block& block) {
  constexpr float kRange = 254, kLeast = 0x1p-100f;
  constexpr uint32_t kInfinity = 0x7f800000u;
  const hn::RebindToUnsigned<F32> du;
  const auto load = [&](int64_t k) HWY_ATTR {
    if (k + kLanes <= count) return hn::LoadU(d, x + k);
    HWY_ALIGN float last[kLanes] = {};
    if (k < count) std::copy(x + k, x + count, last);
    return hn::Load(d, last);
  };
  V low = hn::Zero(d), high = hn::Zero(d);
  auto most = hn::Zero(du);  // magnitudes in the order of their bits
  for (int64_t k = 0; k < padded; k += kLanes) {
    const V v = load(k);
    low = hn::Min(low, v);
    high = hn::Max(high, v);
    most = hn::Max(most, hn::BitCast(du, hn::Abs(v)));
  }
  bool finite = hn::GetLane(hn::MaxOfLanes(du, most)) < kInfinity;
  const float least = finite ? hn::GetLane(hn::MinOfLanes(d, low)) : 0;
  const float largest = finite ? hn::GetLane(hn::MaxOfLanes(d, high)) : 0;
  float range = std::max(largest - least, kLeast);
  finite &= std::isfinite(range);
  if (!finite) range = 1;
  const V inverse = hn::Set(d, kRange / range);
  const auto whole = [&](V v) HWY_ATTR { return nearest(hn::Mul(v, inverse)); };
  const int32_t shift = Codes::kShifted ? hn::GetLane(whole(hn::Set(d, least))) + 128 : 0;
  VI sum = hn::Zero(di);
  for (int64_t k = 0; k < padded; k += kLanes) {
    const VI number = whole(load(k));
    sum = hn::Add(sum, number);
    Codes::store(hn::Sub(number, hn::Set(di, shift)), codes + k * Codes::kCodeBytes);
  }
  // What is not finite gives any codes; their sum need not fit 32 bits.
  const int32_t total = finite ? hn::GetLane(hn::SumOfLanes(di, sum)) : 0;
  block.scale = finite ? range / kRange : std::numeric_limits<float>::quiet_NaN();
  block.zero = ((Codes::kSigned ? 128 : 0) - zero_point) * total;
  block.shift = finite ? shift : 0;
  block.sum = block.scale * static_cast<float>(total);
}

template <class Codes>
void to_grid(const PackedCodes& codes, const float* x, int64_t x_stride, int64_t k,
             const Int8Rows& rows, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    int8_t* to = rows.codes + i * rows.row_bytes;
    Int8Rows::Block* block = rows.blocks + i * rows.row_blocks;
    for (int64_t first = 0; first < codes.k; first += codes.group) {
      const int64_t padded = std::min(codes.group, codes.k - first);
      group_to_grid<Codes>(x + i * x_stride + first, std::min(padded, k - first), padded,
                           codes.zero, to + first * Codes::kCodeBytes, *block++);
    }
  }
}

#endif

// ---------------------------------------------------------------- tiles

#if HWY_TARGET == HWY_SCALAR

template <int kRows>
void tile(const Int8Tile& t) {
  for (int r = 0; r < kRows; ++r) {
    const Int8Rows& x = *t.x;
    for (int64_t b = 0; b < t.blocks; ++b) {
      const int8_t* codes = x.codes + (t.row + r) * x.row_bytes + (t.block + b) * kBlock;
      const Int8Rows::Block& block = x.blocks[(t.row + r) * x.row_blocks + t.block + b];
      const auto* w = reinterpret_cast<const uint8_t*>(t.words + b * kSteps * kWidth);
      for (int64_t c = 0; c < kWidth; ++c) {
        int32_t products = block.zero;
        for (int64_t k = 0; k < kBlock; ++k)
          products += int32_t{codes[k]} * w[(k / 4 * kWidth + c) * 4 + k % 4];
        float& y = t.sums[r * kWidth + c];
        y = std::fma(static_cast<float>(products), block.scale * t.scales[b * kWidth + c], y);
      }
    }
  }
}

template <int kRows>
void grid_tile(const GridTile& t) {
  for (int r = 0; r < kRows; ++r) {
    const Int8Rows& x = *t.x;
    for (int64_t k = t.k, g = 0; k < t.k_end; k += t.group, ++g) {
      const int8_t* codes = x.codes + (t.row + r) * x.row_bytes + k;
      const Int8Rows::Block& block = x.blocks[(t.row + r) * x.row_blocks + k / t.group];
      const auto* w = reinterpret_cast<const uint8_t*>(t.words + (k - t.k) / 4 * kWidth);
      const float* numbers = t.numbers + g * 2 * kWidth;
      for (int64_t c = 0; c < kWidth; ++c) {
        int32_t products = block.zero + block.shift * t.code_sums[g * kWidth + c];
        for (int64_t j = 0; j < std::min(t.group, t.k_end - k); ++j)
          products += int32_t{codes[j]} * w[(j / 4 * kWidth + c) * 4 + j % 4];
        float& y = t.sums[r * kWidth + c];
        y = std::fma(static_cast<float>(products), numbers[c] * block.scale, y);
        if (t.offsets) y = std::fma(numbers[kWidth + c], block.sum, y);
      }
    }
  }
}

const uint32_t* expand_bytes(const PackedCodes& codes, const std::byte* panel, int64_t k,
                             int64_t k_end, uint32_t* words, int32_t* code_sums) {
  const int64_t per_word = codes.codes_per_word();
  const auto* from = reinterpret_cast<const uint32_t*>(panel + codes.words_at);
  const uint32_t mask = (1u << codes.bits) - 1;
  auto* bytes = reinterpret_cast<uint8_t*>(words);
  std::fill_n(code_sums, ((k_end - k - 1) / codes.group + 1) * kWidth, 0);
  for (int64_t j = k; j < k_end; ++j) {
    for (int64_t c = 0; c < kWidth; ++c) {
      const int64_t in_word = j % per_word;
      const uint32_t code =
          from[j / per_word * kWidth + c] >> (in_word % 4 * 8 + in_word / 4 * codes.bits) & mask;
      const uint8_t byte = codes.lookup ? codes.bytes[code] : static_cast<uint8_t>(code);
      bytes[((j - k) / 4 * kWidth + c) * 4 + j % 4] = byte;
      code_sums[(j - k) / codes.group * kWidth + c] += byte;
    }
  }
  return words;
}

constexpr int kTileRows = 4;

#else

#if HWY_TARGET == HWY_AVX2
constexpr int kTileRows = 6;  // 12 of 16 registers
#else
constexpr int kTileRows = 12;  // 24 of 32 registers
#endif

constexpr int64_t kAhead = 12 << 10;  // bytes from what is multiplied to what is fetched

HWY_INLINE VI four_codes(const int8_t* at) {
  int32_t x;
  std::memcpy(&x, at, sizeof x);
  return hn::Set(di, x);
}

// A vector of words of a panel.
template <class Dots>
HWY_INLINE VI codes_at(const uint32_t* words) {
  return Dots::codes_of(hn::Load(di, reinterpret_cast<const int32_t*>(words)));
}

// Rows of x that a tile has: every third has a pointer of its own, the two after it are reached by
// the stride.
template <int kRows>
using Pointers = const int8_t* const (&)[(kRows + 2) / 3];

#if HWY_ARCH_X86

// Codes of x that are bytes: AVX512-VNNI, AVX-VNNI. As an instruction: GCC 12 copies the
// accumulators of the intrinsic in unrolled loops, and the target here is one that may lack it.
struct ByteDots : Bytes {
  static constexpr bool kSigned = false;
  static constexpr int kMostParts = 4;
  // Of weights, as add() takes them.
  static HWY_INLINE VI codes_of(VI bytes) { return bytes; }
  static HWY_INLINE void add(VI& sum, VI codes, VI x) {
#if HWY_TARGET == HWY_AVX3
    asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(codes.raw), "v"(x.raw));
#else
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum.raw) : "x"(codes.raw), "x"(x.raw));
#endif
  }
#if HWY_TARGET == HWY_AVX3
  // All four vectors at once: two steps of packing leave 32-bit words in the order 0, 4, 8, 12, 1
  // ...
  static HWY_INLINE VI store_block(const VI (&codes)[kVectors], int8_t* to) {
    const __m512i packed = _mm512_packs_epi16(_mm512_packs_epi32(codes[0].raw, codes[1].raw),
                                              _mm512_packs_epi32(codes[2].raw, codes[3].raw));
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const VI bytes{_mm512_permutexvar_epi32(order, packed)};
    hn::StoreU(bytes, di, reinterpret_cast<int32_t*>(to));
    VI sum = hn::Zero(di);
    add(sum, hn::Set(di, 0x01010101), bytes);
    return sum;
  }
#endif
  template <int kRows>
  static HWY_INLINE void add_word(const uint32_t* words, Pointers<kRows> x, int64_t stride,
                                  int64_t at, VI (&sum)[kRows][2]) {
    const VI low = codes_at<ByteDots>(words), high = codes_at<ByteDots>(words + kLanes);
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const VI four = four_codes(x[r / 3] + r % 3 * stride + at);
      add(sum[r][0], low, four);
      add(sum[r][1], high, four);
    }
  }
};

// Codes of x that have 16 bits: products of words of 16 bits, two and two together, are exact
// where those of bytes would saturate. Even and odd bytes of the weights are apart after a mask and
// a shift.
struct PairDots : Pairs {
  static constexpr bool kSigned = false;
  static constexpr int kMostParts = 2;
  // Both halves of a row at once: what is multiplied next to what is added keeps more of the
  // processor's ports busy than one after the other.
  static HWY_INLINE void add(VI (&sum)[2], VI low, VI high, VI x) {
    VI products;
#if HWY_TARGET == HWY_AVX3
    asm("vpmaddwd %4, %3, %2\n\tvpmaddwd %5, %3, %3\n\tvpaddd %2, %0, %0\n\tvpaddd %3, %1, %1"
        : "+v"(sum[0].raw), "+v"(sum[1].raw), "=&v"(products.raw), "+v"(x.raw)
        : "v"(low.raw), "v"(high.raw));
#else
    asm("vpmaddwd %4, %3, %2\n\tvpmaddwd %5, %3, %3\n\tvpaddd %2, %0, %0\n\tvpaddd %3, %1, %1"
        : "+x"(sum[0].raw), "+x"(sum[1].raw), "=&x"(products.raw), "+x"(x.raw)
        : "x"(low.raw), "x"(high.raw));
#endif
  }
  template <int kRows>
  static HWY_INLINE void add_word(const uint32_t* words, Pointers<kRows> x, int64_t stride,
                                  int64_t at, VI (&sum)[kRows][2]) {
    const hn::Repartition<uint16_t, I32> d16;
    const auto* w = reinterpret_cast<const int32_t*>(words);
    const VI mask = hn::Set(di, 0x00ff00ff);
    {
      const VI low = hn::And(hn::Load(di, w), mask), high = hn::And(hn::Load(di, w + kLanes), mask);
      HWY_UNROLL(16)
      for (int r = 0; r < kRows; ++r)
        add(sum[r], low, high, four_codes(x[r / 3] + r % 3 * stride + at));
    }
    const VI low = hn::BitCast(di, hn::ShiftRight<8>(hn::BitCast(d16, hn::Load(di, w))));
    const VI high = hn::BitCast(di, hn::ShiftRight<8>(hn::BitCast(d16, hn::Load(di, w + kLanes))));
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r)
      add(sum[r], low, high, four_codes(x[r / 3] + r % 3 * stride + at + 4));
  }
};

#endif  // HWY_ARCH_X86

#if HWY_TARGET == HWY_NEON

struct SignedBytes : Bytes {
  static constexpr bool kSigned = true;
  static constexpr int kMostParts = 4;
  static HWY_INLINE VI codes_of(VI bytes) {
    return hn::Xor(bytes, hn::Set(di, static_cast<int32_t>(0x80808080u)));
  }
};

struct ByteDots : SignedBytes {  // FEAT_DotProd
  static HWY_INLINE void add(VI& sum, VI codes, VI x) {
    asm(".arch armv8.2-a+crypto+dotprod\n\tsdot %0.4s, %1.16b, %2.16b"
        : "+w"(sum.raw)
        : "w"(codes.raw), "w"(x.raw));
  }
  template <int kRows>
  static HWY_INLINE void add_word(const uint32_t* words, Pointers<kRows> x, int64_t stride,
                                  int64_t at, VI (&sum)[kRows][2]) {
    const VI low = codes_at<ByteDots>(words), high = codes_at<ByteDots>(words + kLanes);
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const VI four = four_codes(x[r / 3] + r % 3 * stride + at);
      add(sum[r][0], low, four);
      add(sum[r][1], high, four);
    }
  }
};

// Without: a product of bytes has 16 bits, two and two are added to 32.
struct WideDots : SignedBytes {
  static HWY_INLINE void add(VI& sum, VI codes, VI x) {
    const int8x16_t a = vreinterpretq_s8_s32(codes.raw), b = vreinterpretq_s8_s32(x.raw);
    const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b)));
    const int32x4_t high = vpaddlq_s16(vmull_s8(vget_high_s8(a), vget_high_s8(b)));
    sum.raw = vaddq_s32(sum.raw, vpaddq_s32(low, high));
  }
  template <int kRows>
  static HWY_INLINE void add_word(const uint32_t* words, Pointers<kRows> x, int64_t stride,
                                  int64_t at, VI (&sum)[kRows][2]) {
    const VI low = codes_at<WideDots>(words), high = codes_at<WideDots>(words + kLanes);
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const VI four = four_codes(x[r / 3] + r % 3 * stride + at);
      add(sum[r][0], low, four);
      add(sum[r][1], high, four);
    }
  }
};

#endif  // HWY_NEON

// y += (x scale * weight scale) * products.
HWY_INLINE void add_block(VI products, V weight_scale, float x_scale, float* sums) {
  const V scale = hn::Mul(hn::Set(d, x_scale), weight_scale);
  hn::Store(hn::MulAdd(hn::ConvertTo(d, products), scale, hn::Load(d, sums)), d, sums);
}

template <class Dots, int kRows>
void tile(const Int8Tile& t) {
  // Sums of their own for words of a block: a sum waits for the one before.
  constexpr int kParts = kRows == 1 ? Dots::kMostParts : kRows <= 3 ? 2 : 1;
  constexpr int64_t kWordBytes = 4 * Dots::kCodeBytes;
  const int64_t stride = t.x->row_bytes, block_stride = t.x->row_blocks;
  const int8_t* x[(kRows + 2) / 3];
  HWY_UNROLL(4)
  for (int i = 0; i < (kRows + 2) / 3; ++i)
    x[i] = t.x->codes + (t.row + 3 * i) * stride + t.block * kSteps * kWordBytes;
  const Int8Rows::Block* blocks = t.x->blocks + t.row * block_stride + t.block;
  const uint32_t* words = t.words;
  const float* scales = t.scales;
  for (int64_t b = 0; b < t.blocks; ++b, ++blocks, scales += kWidth) {
    VI sum[kParts][kRows][2];
    HWY_UNROLL(4)
    for (int p = 0; p < kParts; ++p) {
      HWY_UNROLL(16)
      for (int r = 0; r < kRows; ++r) {
        sum[p][r][0] = sum[p][r][1] =
            p == 0 ? hn::Set(di, blocks[r * block_stride].zero) : hn::Zero(di);
      }
    }
    for (int step = 0; step < kSteps; step += kParts) {
      HWY_UNROLL(4)
      for (int p = 0; p < kParts; ++p) {
        HWY_UNROLL(2)
        for (int64_t at = 0; at < 4 * kWidth; at += 64)
          __builtin_prefetch(reinterpret_cast<const char*>(words) + kAhead + at);
        Dots::template add_word<kRows>(words, x, stride, p * kWordBytes, sum[p]);
        words += kWidth;
      }
      HWY_UNROLL(4)
      for (int i = 0; i < (kRows + 2) / 3; ++i) x[i] += kParts * kWordBytes;
    }
    const V low = hn::Load(d, scales), high = hn::Load(d, scales + kLanes);
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(4)
      for (int p = 1; p < kParts; ++p) {
        sum[0][r][0] = hn::Add(sum[0][r][0], sum[p][r][0]);
        sum[0][r][1] = hn::Add(sum[0][r][1], sum[p][r][1]);
      }
      const float scale = blocks[r * block_stride].scale;
      add_block(sum[0][r][0], low, scale, t.sums + r * kWidth);
      add_block(sum[0][r][1], high, scale, t.sums + r * kWidth + kLanes);
    }
  }
}

// What a group of a grid adds to a row's sums.
template <class Dots>
HWY_INLINE void add_group(const GridTile& t, const Int8Rows::Block& block, int64_t column,
                          VI products, const float* numbers, const int32_t* code_sums,
                          float* sums) {
  if constexpr (Dots::kShifted) {
    const VI sum = hn::Load(di, code_sums + column);
    products = hn::Add(products, hn::Mul(hn::Set(di, block.shift), sum));
  }
  add_block(products, hn::Load(d, numbers + column), block.scale, sums + column);
  if (!t.offsets) return;
  const V offset = hn::Load(d, numbers + kWidth + column);
  hn::Store(hn::MulAdd(offset, hn::Set(d, block.sum), hn::Load(d, sums + column)), d,
            sums + column);
}

template <class Dots, int kRows>
void grid_tile(const GridTile& t) {
  constexpr int kParts = kRows == 1 ? Dots::kMostParts : kRows <= 3 ? 2 : 1;
  constexpr int64_t kWordBytes = 4 * Dots::kCodeBytes;
  const int64_t stride = t.x->row_bytes, block_stride = t.x->row_blocks;
  const int8_t* x[(kRows + 2) / 3];
  HWY_UNROLL(4)
  for (int i = 0; i < (kRows + 2) / 3; ++i)
    x[i] = t.x->codes + (t.row + 3 * i) * stride + t.k * Dots::kCodeBytes;
  const Int8Rows::Block* blocks = t.x->blocks + t.row * block_stride + t.k / t.group;
  const uint32_t* words = t.words;
  const float* numbers = t.numbers;
  const int32_t* code_sums = t.code_sums;
  FetchAhead ahead = t.ahead;
  for (int64_t k = t.k; k < t.k_end; k += t.group, ++blocks) {
    VI sum[kParts][kRows][2];
    HWY_UNROLL(4)
    for (int p = 0; p < kParts; ++p) {
      HWY_UNROLL(16)
      for (int r = 0; r < kRows; ++r) {
        sum[p][r][0] = sum[p][r][1] =
            p == 0 ? hn::Set(di, blocks[r * block_stride].zero) : hn::Zero(di);
      }
    }
    // Groups are of whole words of 16 codes.
    for (int64_t left = std::min(t.group, t.k_end - k); left > 0; left -= 4 * kParts) {
      HWY_UNROLL(4)
      for (int p = 0; p < kParts; ++p) {
        ahead.fetch_share();
        Dots::template add_word<kRows>(words, x, stride, p * kWordBytes, sum[p]);
        words += kWidth;
      }
      HWY_UNROLL(4)
      for (int i = 0; i < (kRows + 2) / 3; ++i) x[i] += kParts * kWordBytes;
    }
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(2)
      for (int v = 0; v < 2; ++v) {
        HWY_UNROLL(4)
        for (int p = 1; p < kParts; ++p) sum[0][r][v] = hn::Add(sum[0][r][v], sum[p][r][v]);
        add_group<Dots>(t, blocks[r * block_stride], v * kLanes, sum[0][r][v], numbers, code_sums,
                        t.sums + r * kWidth);
      }
    }
    numbers += 2 * kWidth;
    code_sums += kWidth;
  }
}

template <class Dots, int kBits, bool kLookup>
HWY_INLINE void expand_as(const PackedCodes& codes, const std::byte* panel, int64_t k,
                          int64_t k_end, uint32_t* words, int32_t* code_sums) {
  constexpr int kParts = 8 / kBits;
  constexpr U32 du;
  const hn::Repartition<uint8_t, F32> d8;
  HWY_ALIGN uint8_t table[16];
  std::copy_n(codes.bytes.data(), 16, table);
  const auto bytes = hn::LoadDup128(d8, table);
  const VI ones = hn::Set(di, 0x01010101);
  const uint32_t* from = reinterpret_cast<const uint32_t*>(panel + codes.words_at) +
                         k / codes.codes_per_word() * kWidth;
  for (; k < k_end; k += codes.group) {
    VI sum[2] = {hn::Zero(di), hn::Zero(di)};
    for (int64_t left = std::min(codes.group, k_end - k); left > 0; left -= 4 * kParts) {
      HWY_UNROLL(2)
      for (int v = 0; v < 2; ++v) {
        const VU word = hn::Load(du, from + v * kLanes);
        HWY_UNROLL(4)
        for (int part = 0; part < kParts; ++part) {
          VU four = quad<kBits>(word, part);
          if constexpr (kLookup)
            four = hn::BitCast(du, hn::TableLookupBytes(bytes, hn::BitCast(d8, four)));
          uint32_t* to = words + part * kWidth + v * kLanes;
          if constexpr (kBits != 8) hn::Store(four, du, to);
          if constexpr (Dots::kShifted)
            Dots::add(sum[v], Dots::codes_of(hn::BitCast(di, four)), ones);
        }
      }
      from += kWidth;
      words += kParts * kWidth;
    }
    hn::Store(sum[0], di, code_sums);
    hn::Store(sum[1], di, code_sums + kLanes);
    code_sums += kWidth;
  }
}

// As grid_tile, of a panel's own words: what few rows multiply is not worth being written down.
template <class Dots, int kBits, bool kLookup, int kRows>
void packed_tile(const GridTile& t) {
  constexpr int kWords = kBits / 2;          // of 16 codes
  constexpr int kSums = kRows == 1 ? 4 : 2;  // of their own for every so many words of bytes
  const int64_t stride = t.x->row_bytes, block_stride = t.x->row_blocks;
  const int8_t* x = t.x->codes + t.row * stride + t.k;
  const Int8Rows::Block* blocks = t.x->blocks + t.row * block_stride + t.k / t.group;
  const hn::Repartition<uint8_t, F32> d8;
  const auto table = hn::LoadDup128(d8, t.bytes);
  const VI ones = hn::Set(di, 0x01010101);
  const uint32_t* words = t.words;
  const float* numbers = t.numbers;
  const std::byte* ahead = t.ahead.at;
  const int64_t ahead_step = t.ahead.step;
  for (int64_t k = t.k; k < t.k_end; k += t.group, ++blocks, numbers += 2 * kWidth) {
    VI sum[kRows][2][kSums], code_sum[2][kSums];
    HWY_UNROLL(2)
    for (int v = 0; v < 2; ++v) {
      HWY_UNROLL(4)
      for (int i = 0; i < kSums; ++i) {
        code_sum[v][i] = hn::Zero(di);
        HWY_UNROLL(4)
        for (int r = 0; r < kRows; ++r)
          sum[r][v][i] = i == 0 ? hn::Set(di, blocks[r * block_stride].zero) : hn::Zero(di);
      }
    }
    for (int64_t left = std::min(t.group, t.k_end - k); left > 0; left -= 16, x += 16) {
      HWY_UNROLL(4)
      for (int w = 0; w < kWords; ++w, words += kWidth) {
        HWY_UNROLL(3)
        for (int64_t at = 0; at <= 4 * kWidth; at += 64) __builtin_prefetch(ahead + at);
        ahead += ahead_step;
        HWY_UNROLL(2)
        for (int v = 0; v < 2; ++v) {
          const VU word = hn::Load(U32(), words + v * kLanes);
          HWY_UNROLL(4)
          for (int part = 0; part < 8 / kBits; ++part) {
            const int quad_at = w * 8 / kBits + part, i = quad_at % kSums;
            VU four = quad<kBits>(word, part);
            if constexpr (kLookup)
              four = hn::BitCast(U32(), hn::TableLookupBytes(table, hn::BitCast(d8, four)));
            const VI codes = Dots::codes_of(hn::BitCast(di, four));
            Dots::add(code_sum[v][i], codes, ones);
            HWY_UNROLL(4)
            for (int r = 0; r < kRows; ++r)
              Dots::add(sum[r][v][i], codes, four_codes(x + r * stride + 4 * quad_at));
          }
        }
      }
    }
    HWY_ALIGN int32_t code_sums[kWidth];
    HWY_UNROLL(2)
    for (int v = 0; v < 2; ++v) {
      HWY_UNROLL(4)
      for (int i = 1; i < kSums; ++i) code_sum[v][0] = hn::Add(code_sum[v][0], code_sum[v][i]);
      hn::Store(code_sum[v][0], di, code_sums + v * kLanes);
      HWY_UNROLL(4)
      for (int r = 0; r < kRows; ++r) {
        HWY_UNROLL(4)
        for (int i = 1; i < kSums; ++i) sum[r][v][0] = hn::Add(sum[r][v][0], sum[r][v][i]);
        add_group<Dots>(t, blocks[r * block_stride], v * kLanes, sum[r][v][0], numbers, code_sums,
                        t.sums + r * kWidth);
      }
    }
  }
}

template <class Dots>
const uint32_t* expand_bytes(const PackedCodes& codes, const std::byte* panel, int64_t k,
                             int64_t k_end, uint32_t* words, int32_t* code_sums) {
  if (codes.bits == 8) {
    if (Dots::kShifted) expand_as<Dots, 8, false>(codes, panel, k, k_end, words, code_sums);
    return reinterpret_cast<const uint32_t*>(panel + codes.words_at) + k / 4 * kWidth;
  }
  if (codes.bits == 2) {
    expand_as<Dots, 2, false>(codes, panel, k, k_end, words, code_sums);
  } else if (codes.lookup) {
    expand_as<Dots, 4, true>(codes, panel, k, k_end, words, code_sums);
  } else {
    expand_as<Dots, 4, false>(codes, panel, k, k_end, words, code_sums);
  }
  return words;
}

#if HWY_TARGET == HWY_AVX3

// AMX-INT8: an instruction multiplies up to 64 k of all rows with 16 columns. What a block's sums
// are added to is computed while the next block is multiplied.
template <int kRows>
struct MatrixSums {
  HWY_ALIGN int32_t products[2][kRows * kWidth];
  int turn = 0;

  static HWY_INLINE void begin() {
    Amx::zero<Amx::kLeftSums>();
    Amx::zero<Amx::kRightSums>();
  }
  static HWY_INLINE void add(const int8_t* x, int64_t stride, const uint32_t* words) {
    Amx::load<Amx::kRows>(x, stride);
    Amx::load<Amx::kLeft>(words, 4 * kWidth);
    Amx::add_bytes<Amx::kLeftSums, Amx::kRows, Amx::kLeft>();
    Amx::load<Amx::kRight>(words + kLanes, 4 * kWidth);
    Amx::add_bytes<Amx::kRightSums, Amx::kRows, Amx::kRight>();
  }
  HWY_INLINE void end() {
    turn = 1 - turn;
    Amx::store<Amx::kLeftSums>(products[turn], 4 * kWidth);
    Amx::store<Amx::kRightSums>(products[turn] + kLanes, 4 * kWidth);
  }
  // Of the block that ended last, or the one before it, with what they begin with.
  HWY_INLINE VI of(bool before, int row, int64_t column, int32_t zero) const {
    const int32_t* at = products[before ? 1 - turn : turn] + row * kWidth + column;
    return hn::Add(hn::Load(di, at), hn::Set(di, zero));
  }
};

template <int kRows>
void matrix_tile(const Int8Tile& t) {
  const int64_t stride = t.x->row_bytes, block_stride = t.x->row_blocks;
  const int8_t* x = t.x->codes + t.row * stride + t.block * kBlock;
  const Int8Rows::Block* blocks = t.x->blocks + t.row * block_stride + t.block;
  const uint32_t* words = t.words;
  MatrixSums<kRows> sums;
  Amx::configure(kRows, 0, kBlock);
  for (int64_t b = 0; b <= t.blocks; ++b) {
    if (b < t.blocks) {
      for (int64_t at = 0; at < kBlock * kWidth; at += 64)
        __builtin_prefetch(reinterpret_cast<const char*>(words) + kAhead + at);
      sums.begin();
      sums.add(x + b * kBlock, stride, words);
      sums.end();
      words += kSteps * kWidth;
    }
    if (b == 0) continue;
    const Int8Rows::Block* block = blocks + b - 1;
    const float* scales = t.scales + (b - 1) * kWidth;
    for (int r = 0; r < kRows; ++r, block += block_stride) {
      for (int64_t column = 0; column < kWidth; column += kLanes) {
        add_block(sums.of(b < t.blocks, r, column, block->zero), hn::Load(d, scales + column),
                  block->scale, t.sums + r * kWidth + column);
      }
    }
  }
}

template <int kRows>
void matrix_grid_tile(const GridTile& t) {
  const int64_t stride = t.x->row_bytes, block_stride = t.x->row_blocks;
  const int8_t* x = t.x->codes + t.row * stride + t.k;
  const Int8Rows::Block* blocks = t.x->blocks + t.row * block_stride + t.k / t.group;
  const uint32_t* words = t.words;
  const int64_t groups = (t.k_end - t.k + t.group - 1) / t.group;
  FetchAhead ahead = t.ahead;
  MatrixSums<kRows> sums;
  for (int64_t g = 0; g <= groups; ++g) {
    if (g < groups) {
      const int64_t count = std::min(t.group, t.k_end - t.k - g * t.group);
      const int64_t at_once = count % 64 == 0 ? 64 : count % 32 == 0 ? 32 : 16;
      Amx::configure(kRows, 0, at_once);
      sums.begin();
      for (int64_t k = 0; k < count; k += at_once, x += at_once, words += at_once / 4 * kWidth) {
        for (int64_t word = 0; word < at_once / 4; ++word) ahead.fetch_share();
        sums.add(x, stride, words);
      }
      sums.end();
    }
    if (g == 0) continue;
    const Int8Rows::Block* block = blocks + g - 1;
    for (int r = 0; r < kRows; ++r, block += block_stride) {
      for (int64_t column = 0; column < kWidth; column += kLanes) {
        add_group<ByteDots>(t, *block, column, sums.of(g < groups, r, column, block->zero),
                            t.numbers + (g - 1) * 2 * kWidth, t.code_sums + (g - 1) * kWidth,
                            t.sums + r * kWidth);
      }
    }
  }
}

#elif HWY_TARGET == HWY_NEON

// FEAT_I8MM: an instruction multiplies two rows of x by two columns, eight k of each.
template <int kRows>
void matrix_tile(const Int8Tile& t) {
  constexpr int kRowPairs = (kRows + 1) / 2;
  const int64_t stride = t.x->row_bytes, block_stride = t.x->row_blocks;
  const int8_t* x = t.x->codes + t.row * stride + t.block * kBlock;
  const Int8Rows::Block* blocks = t.x->blocks + t.row * block_stride + t.block;
  const uint32_t* words = t.words;
  const float* scales = t.scales;
  for (int64_t b = 0; b < t.blocks; ++b, ++blocks, scales += kWidth) {
    int32x4_t sum[kRowPairs][4];  // [2 rows][2 columns]
    HWY_UNROLL(8)
    for (int p = 0; p < kRowPairs; ++p) {
      HWY_UNROLL(4)
      for (int c = 0; c < 4; ++c) sum[p][c] = vdupq_n_s32(0);
    }
    for (int step = 0; step < kSteps; step += 2, words += 2 * kWidth, x += 8) {
      __builtin_prefetch(reinterpret_cast<const char*>(words) + kAhead);
      int32x4_t columns[4];
      HWY_UNROLL(2)
      for (int v = 0; v < 2; ++v) {
        const int32x4_t now = codes_at<SignedBytes>(words + v * kLanes).raw;
        const int32x4_t next = codes_at<SignedBytes>(words + kWidth + v * kLanes).raw;
        columns[2 * v] = vzip1q_s32(now, next);
        columns[2 * v + 1] = vzip2q_s32(now, next);
      }
      HWY_UNROLL(8)
      for (int p = 0; p < kRowPairs; ++p) {
        const int8_t* first = x + 2 * p * stride;
        const int8_t* second = 2 * p + 1 < kRows ? first + stride : first;
        const int8x16_t rows = vcombine_s8(vld1_s8(first), vld1_s8(second));
        HWY_UNROLL(4)
        for (int c = 0; c < 4; ++c) {
          asm(".arch armv8.2-a+crypto+i8mm\n\tsmmla %0.4s, %1.16b, %2.16b"
              : "+w"(sum[p][c])
              : "w"(rows), "w"(columns[c]));
        }
      }
    }
    HWY_UNROLL(16)
    for (int r = 0; r < kRows; ++r) {
      const float scale = blocks[r * block_stride].scale;
      HWY_UNROLL(2)
      for (int v = 0; v < 2; ++v) {
        const int64x2_t left = vreinterpretq_s64_s32(sum[r / 2][2 * v]),
                        right = vreinterpretq_s64_s32(sum[r / 2][2 * v + 1]);
        const VI products{
            vreinterpretq_s32_s64(r % 2 == 0 ? vzip1q_s64(left, right) : vzip2q_s64(left, right))};
        add_block(products, hn::Load(d, scales + v * kLanes), scale,
                  t.sums + r * kWidth + v * kLanes);
      }
    }
  }
}

#endif  // HWY_NEON

#endif

// ---------------------------------------------------------------- tables

#if HWY_TARGET == HWY_SCALAR

constexpr Int8Kernels kInt8Kernels[] = {
    {"scalar",
     1,
     kTileRows,
     &to_int8,
     {nullptr, &tile<1>, &tile<2>, &tile<3>, &tile<4>},
     &to_grid,
     &expand_bytes,
     {nullptr, &grid_tile<1>, &grid_tile<2>, &grid_tile<3>, &grid_tile<4>},
     {}}};

#else

template <class Dots, int kBits, bool kLookup>
constexpr Int8Kernels::FewRows few_rows() {
  if constexpr (!Dots::kShifted) {
    return {};
  } else {
    return {nullptr, &packed_tile<Dots, kBits, kLookup, 1>, &packed_tile<Dots, kBits, kLookup, 2>,
            &packed_tile<Dots, kBits, kLookup, 3>};
  }
}

template <class Dots, size_t... I>
constexpr Int8Kernels table(std::string_view name, std::index_sequence<I...>) {
  return {name,
          Dots::kCodeBytes,
          kTileRows,
          &to_int8<Dots>,
          {nullptr, &tile<Dots, static_cast<int>(I) + 1>...},
          &to_grid<Dots>,
          &expand_bytes<Dots>,
          {nullptr, &grid_tile<Dots, static_cast<int>(I) + 1>...},
          {few_rows<Dots, 2, false>(), few_rows<Dots, 4, false>(), few_rows<Dots, 4, true>(),
           few_rows<Dots, 8, false>()}};
}
template <class Dots>
constexpr Int8Kernels table(std::string_view name) {
  return table<Dots>(name, std::make_index_sequence<kTileRows>());
}

#if HWY_TARGET == HWY_NEON
template <size_t... I>
constexpr Int8Kernels matrix_table(std::index_sequence<I...>) {
  Int8Kernels made = table<ByteDots>("neon-i8mm");
  made.tiles = {nullptr, &matrix_tile<static_cast<int>(I) + 1>...};
  return made;
}
#elif HWY_TARGET == HWY_AVX3
// Fewer rows wait for memory, or for tiles to be loaded.
template <size_t... I>
constexpr Int8Kernels matrix_table(std::index_sequence<I...>) {
  constexpr int kFew = Int8Kernels::kFewRows;
  Int8Kernels made = table<ByteDots>("avx512-amx");
  ((made.tiles[kFew + 1 + I] = &matrix_tile<kFew + 1 + static_cast<int>(I)>), ...);
  ((made.grid_tiles[kFew + 1 + I] = &matrix_grid_tile<kFew + 1 + static_cast<int>(I)>), ...);
  made.done = &Amx::release;
  return made;
}
#endif

#if HWY_TARGET == HWY_AVX3
constexpr Int8Kernels kInt8Kernels[] = {
    table<PairDots>("avx512"), table<ByteDots>("avx512-vnni"),
    matrix_table(std::make_index_sequence<kTileRows - Int8Kernels::kFewRows>())};
#elif HWY_TARGET == HWY_AVX2
constexpr Int8Kernels kInt8Kernels[] = {table<PairDots>("avx2"), table<ByteDots>("avx-vnni")};
#else
constexpr Int8Kernels kInt8Kernels[] = {table<WideDots>("neon"), table<ByteDots>("neon-dotprod"),
                                        matrix_table(std::make_index_sequence<kTileRows>())};
#endif

#endif

}  // namespace
}  // namespace vecton::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vecton::cpu {

static const Int8Kernels* tables_of(Isa isa) { VECTON_PICK_ISA(isa, kInt8Kernels); }

std::vector<const Int8Kernels*> int8_kernels_of(Isa isa, int products) {
  std::vector<const Int8Kernels*> made;
  for (int i = 0; i <= products; ++i) made.push_back(tables_of(isa) + i);
  return made;
}

const Int8Kernels& int8_kernels(Isa isa) { return tables_of(isa)[byte_products(isa)]; }

}  // namespace vecton::cpu
#endif
