#include "backend/cpu/integer_kernels.h"

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// Of values that GCC's own header leaves undefined on purpose (its bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

namespace vecton::cpu {

#if defined(__x86_64__)

#define VECTON_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define VECTON_VNNI_LAMBDA __attribute__((always_inline)) VECTON_VNNI
#define VECTON_VNNI_INLINE VECTON_VNNI_LAMBDA inline

namespace {

constexpr int kWidth = 32;

// As an instruction: GCC 12 copies the accumulators of the intrinsic in unrolled loops.
VECTON_VNNI_INLINE void add_dots(__m512i& sum, __m512i codes, __m512i x) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(x));
}

VECTON_VNNI_INLINE __m512i four(const int8_t* at) {
  int32_t x;
  std::memcpy(&x, at, sizeof x);
  return _mm512_set1_epi32(x);
}

// Part `kPart` of the words' codes: a byte each.
template <int kBits, bool kLookup, int kPart>
VECTON_VNNI_INLINE __m512i codes_of(__m512i word, __m512i table) {
  if constexpr (kBits == 8) return word;
  const __m512i mask = _mm512_set1_epi8(kBits == 4 ? 15 : 3);
  __m512i codes = kPart == 0 ? word : _mm512_srli_epi32(word, kPart * kBits);
  codes = _mm512_and_si512(codes, mask);
  if constexpr (kLookup) codes = _mm512_shuffle_epi8(table, codes);
  return codes;
}

template <class F, int... I>
VECTON_VNNI_INLINE void call_each(const F& f, std::integer_sequence<int, I...>) {
  (f(std::integral_constant<int, I>()), ...);
}

// f(0), f(1) .. f(kCount - 1) with constants. GCC 12 unrolls a loop after it has decided what lies
// in registers.
template <int kCount, class F>
VECTON_VNNI_INLINE void each(const F& f) {
  call_each(f, std::make_integer_sequence<int, kCount>());
}

// Of a row of x in a group, by vector of columns.
struct Sums {
  __m512i high[2], middle[2], low[2];
};

VECTON_VNNI_INLINE void set_first(Sums& sums, const IntegerRows::Group& x) {
  sums.high[0] = sums.high[1] = _mm512_set1_epi32(x.first[0]);
  sums.middle[0] = sums.middle[1] = _mm512_set1_epi32(x.first[1]);
  sums.low[0] = sums.low[1] = _mm512_set1_epi32(x.first[2]);
}

VECTON_VNNI_INLINE void add_dots(Sums& sums, __m512i left, __m512i right, const int8_t* x) {
  const __m512i high = four(x), middle = four(x + 4), low = four(x + 8);
  add_dots(sums.high[0], left, high);
  add_dots(sums.high[1], right, high);
  add_dots(sums.middle[0], left, middle);
  add_dots(sums.middle[1], right, middle);
  add_dots(sums.low[0], left, low);
  add_dots(sums.low[1], right, low);
}

VECTON_VNNI_INLINE __m512 scaled(__m512i sums, const float& base) {
  return _mm512_sub_ps(_mm512_castsi512_ps(sums), _mm512_set1_ps(base));
}

// Rows of x and a panel, from where a tile has come to. A step is what follows in k.
template <int kBits, bool kLookup, bool kOffset, int kRows>
struct Tile {
  static constexpr int kPartsOfWord = 8 / kBits;

  const uint32_t* words;
  const int8_t* x;
  int64_t stride;  // of x
  __m512i bytes;
  const IntegerRows::Group* groups;
  int64_t row_groups;
  const float* numbers;
  float* y;

  VECTON_VNNI_INLINE Tile(const IntegerTile& t, int64_t row)
      : words(t.words),
        x(t.x->planes + row * t.x->row_bytes + t.first_group * t.group * 3),
        stride(t.x->row_bytes),
        bytes(_mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(t.bytes)))),
        groups(t.x->groups + row * t.x->row_groups + t.first_group),
        row_groups(t.x->row_groups),
        numbers(t.numbers),
        y(t.sums + (row - t.row) * kWidth) {}

  VECTON_VNNI_INLINE void begin(const IntegerRows::Group* group, Sums (&sums)[kRows]) const {
    each<kRows>([&](auto r) VECTON_VNNI_LAMBDA { set_first(sums[r], group[r * row_groups]); });
  }

  // Four k, part `kPart` of those from here on.
  template <int kPart>
  VECTON_VNNI_INLINE void add(Sums (&sums)[kRows]) const {
    constexpr int kInWord = kPart % kPartsOfWord;
    const uint32_t* from = words + kPart / kPartsOfWord * kWidth;
    const __m512i left = codes_of<kBits, kLookup, kInWord>(_mm512_loadu_si512(from), bytes),
                  right = codes_of<kBits, kLookup, kInWord>(_mm512_loadu_si512(from + 16), bytes);
    each<kRows>([&](auto r) VECTON_VNNI_LAMBDA {
      add_dots(sums[r], left, right, x + r * stride + 12 * kPart);
    });
  }

  template <int kParts, int kPart = 0>
  VECTON_VNNI_INLINE void add_all(Sums (&sums)[kRows]) const {
    add<kPart>(sums);
    if constexpr (kPart + 1 < kParts) add_all<kParts, kPart + 1>(sums);
  }

  template <int kParts>
  VECTON_VNNI_INLINE void step() {
    words += kParts / kPartsOfWord * kWidth;
    x += 12 * kParts;
  }

  // Adds to y one of the 2 kRows vectors of a group's sums, times the weights' scales.
  template <int kItem>
  VECTON_VNNI_INLINE void end(const Sums (&sums)[kRows]) const {
    constexpr int kRow = kItem / 2, kVector = kItem % 2;
    const IntegerRows::Group& group = groups[kRow * row_groups];
    const Sums& row = sums[kRow];
    const float* scales = numbers + 16 * kVector;
    const __m512 high = scaled(row.high[kVector], group.base[0]),
                 middle = scaled(row.middle[kVector], group.base[1]),
                 low = scaled(row.low[kVector], group.base[2]);
    const __m512 products = _mm512_add_ps(_mm512_add_ps(high, middle), low);
    float* at = y + kRow * kWidth + 16 * kVector;
    __m512 sum = _mm512_fmadd_ps(products, _mm512_loadu_ps(scales), _mm512_loadu_ps(at));
    if constexpr (kOffset)
      sum = _mm512_fmadd_ps(_mm512_loadu_ps(scales + kWidth), _mm512_set1_ps(group.sum), sum);
    _mm512_storeu_ps(at, sum);
  }

  VECTON_VNNI_INLINE void end_all(const Sums (&sums)[kRows]) const {
    each<2 * kRows>([&](auto i) VECTON_VNNI_LAMBDA { end<i>(sums); });
  }

  VECTON_VNNI_INLINE void next_group() {
    ++groups;
    numbers += 2 * kWidth;
  }
};

// All rows at once, as memory brings the codes.
template <int kBits, bool kLookup, bool kOffset, int kRows>
VECTON_VNNI void multiply_few(const IntegerTile& t) {
  constexpr int kParts = 8 / kBits;
  Tile<kBits, kLookup, kOffset, kRows> tile(t, t.row);
  const auto* ahead = reinterpret_cast<const char*>(t.ahead.at);
  const int64_t ahead_step = t.ahead.step;
  Sums sums[kRows];
  for (int64_t left = t.k; left > 0; left -= t.group) {
    tile.begin(tile.groups, sums);
    for (int64_t k = std::min(t.group, left); k > 0; k -= 4 * kParts) {
      _mm_prefetch(ahead, _MM_HINT_T0);
      _mm_prefetch(ahead + 64, _MM_HINT_T0);
      if constexpr (kRows == 1) _mm_prefetch(ahead + 128, _MM_HINT_T0);
      ahead += ahead_step;
      tile.template add_all<kParts>(sums);
      tile.template step<kParts>();
    }
    tile.end_all(sums);
    tile.next_group();
  }
}

// One or two rows, so that the sums of two groups fit the registers: those of a group are added to
// y between the products of the next one, which would else wait for the last of its own.
template <int kBits, bool kLookup, bool kOffset, int kRows>
VECTON_VNNI_INLINE void multiply_rows(const IntegerTile& t, int64_t row, FetchAhead& ahead) {
  constexpr int kParts = IntegerTile::kStep / 4;
  static_assert(2 * kRows <= kParts);
  Tile<kBits, kLookup, kOffset, kRows> tile(t, row);
  const auto step = [&]() VECTON_VNNI_LAMBDA {
    tile.template step<kParts>();
    for (int64_t at = 0; at < ahead.step; at += 64)
      _mm_prefetch(reinterpret_cast<const char*>(ahead.at) + at, _MM_HINT_T0);
    ahead.at += ahead.step;
  };
  Sums sums[kRows], before[kRows];
  for (int64_t left = t.k; left > 0; left -= t.group) {
    if (left == t.k) {
      tile.begin(tile.groups, sums);
      tile.template add_all<kParts>(sums);
    } else {
      tile.begin(tile.groups + 1, sums);
      each<kParts>([&](auto part) VECTON_VNNI_LAMBDA {
        tile.template add<part>(sums);
        if constexpr (part < 2 * kRows) tile.template end<part>(before);
      });
      tile.next_group();
    }
    step();
    for (int64_t k = std::min(t.group, left) - IntegerTile::kStep; k > 0; k -= IntegerTile::kStep) {
      tile.template add_all<kParts>(sums);
      step();
    }
    each<kRows>([&](auto r) VECTON_VNNI_LAMBDA { before[r] = sums[r]; });
  }
  tile.end_all(before);
}

template <int kBits, bool kLookup, bool kOffset>
VECTON_VNNI void multiply(const IntegerTile& t) {
  FetchAhead ahead = t.ahead;
  const int64_t row_end = t.row + t.rows;
  int64_t row = t.row;
  for (; row + 2 <= row_end; row += 2) multiply_rows<kBits, kLookup, kOffset, 2>(t, row, ahead);
  if (row < row_end) multiply_rows<kBits, kLookup, kOffset, 1>(t, row, ahead);
}

// e, by which the largest number of a group has 24 bits as an integer; from 127/64 times a power of
// two on, its high plane would need 9.
int exponent_of(uint32_t largest_bits) {
  constexpr uint32_t kOver = 0x020000;
  return static_cast<int>((largest_bits + kOver) >> 23) - 127 - 22;
}

// 2^e.
float power_of_two(int e) { return std::bit_cast<float>((127 + e) << 23); }

VECTON_VNNI void quantise_group(const PackedCodes& codes, const float* x, int64_t count,
                                int64_t padded, int8_t* planes, IntegerRows::Group& group) {
  constexpr uint32_t kInfinity = 0x7f800000u, kLeast = 27u << 23;  // 2^-100
  const auto load = [&](int64_t k) VECTON_VNNI {
    const int64_t left = std::clamp<int64_t>(count - k, 0, 16);
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << left) - 1), x + k);
  };
  __m512i most = _mm512_setzero_si512();  // magnitudes in the order of their bits
  for (int64_t k = 0; k < padded; k += 16) {
    const __m512i bits = _mm512_castps_si512(load(k));
    most = _mm512_max_epu32(most, _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff)));
  }
  const uint32_t largest = _mm512_reduce_max_epu32(most);
  const bool finite = largest < kInfinity;
  const int e = finite ? exponent_of(std::max(largest, kLeast)) : 0;
  const __m512 inverse = _mm512_set1_ps(power_of_two(-e));
  const __m512i half = _mm512_set1_epi32(0x8080);
  const __m512i by_plane =
      _mm512_broadcast_i32x4(_mm_setr_epi8(2, 6, 10, 14, 1, 5, 9, 13, 0, 4, 8, 12, -1, -1, -1, -1));
  const __m512i whole = _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 3, 3, 3);
  __m512i sums = _mm512_setzero_si512();
  for (int64_t k = 0; k < padded; k += 16, planes += 48) {
    const __m512i v = _mm512_cvtps_epi32(_mm512_mul_ps(load(k), inverse));
    // Its bytes, the two lower ones with a sign, which is taken from the one above.
    const __m512i signed_bytes = _mm512_xor_si512(_mm512_add_epi32(v, half), half);
    const __m512i quads = _mm512_shuffle_epi8(signed_bytes, by_plane);
    add_dots(sums, _mm512_set1_epi8(1), quads);
    _mm512_mask_storeu_epi32(planes, 0x0fff, _mm512_permutexvar_epi32(whole, quads));
  }
  const __m256i two =
      _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64(sums, 1));
  const __m128i totals =
      _mm_add_epi32(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1));
  int32_t total[4];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(total), totals);
  constexpr float kUnit = 1 / IntegerKernels::kUnit;
  constexpr float kBases[3] = {0x1.8p39f * kUnit, 0x1.8p31f * kUnit, 0x1.8p23f * kUnit};
  const float scale = power_of_two(e);
  group.sum = (65536.0f * static_cast<float>(total[0]) + 256.0f * static_cast<float>(total[1]) +
               static_cast<float>(total[2])) *
              scale * kUnit;
  for (int p = 0; p < 3; ++p) {
    group.base[p] = kBases[p] * scale;
    group.first[p] = std::bit_cast<int32_t>(group.base[p]) - codes.zero * total[p];
  }
  if (!finite) group.base[0] = group.sum = std::numeric_limits<float>::quiet_NaN();
}

void quantise(const PackedCodes& codes, const float* x, int64_t x_stride, int64_t k,
              const IntegerRows& rows, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    int8_t* planes = rows.planes + i * rows.row_bytes;
    for (int64_t first = 0, g = 0; first < codes.k; first += codes.group, ++g) {
      const int64_t padded = std::min(codes.group, codes.k - first);
      quantise_group(codes, x + i * x_stride + first, std::min(padded, k - first), padded,
                     planes + 3 * first, rows.groups[i * rows.row_groups + g]);
    }
  }
}

template <int kBits, bool kLookup, bool kOffset>
constexpr IntegerKernels::Multiply multiply_with() {
  return {&multiply<kBits, kLookup, kOffset>, &multiply_few<kBits, kLookup, kOffset, 1>,
          &multiply_few<kBits, kLookup, kOffset, 2>, &multiply_few<kBits, kLookup, kOffset, 3>,
          &multiply_few<kBits, kLookup, kOffset, 4>};
}

constexpr IntegerKernels kKernels = {
    &quantise,
    {{multiply_with<2, false, false>(), multiply_with<2, false, true>()},
     {multiply_with<4, false, false>(), multiply_with<4, false, true>()},
     {multiply_with<8, false, false>(), multiply_with<8, false, true>()}},
    {multiply_with<4, true, false>(), multiply_with<4, true, true>()}};

}  // namespace

const IntegerKernels* integer_kernels(Isa isa) {
  static const bool here = __builtin_cpu_supports("avx512vnni");
  return isa == Isa::kAvx512 && here ? &kKernels : nullptr;
}

#else

const IntegerKernels* integer_kernels(Isa) { return nullptr; }

#endif

}  // namespace vecton::cpu
