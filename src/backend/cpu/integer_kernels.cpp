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

// What a tile adds to: [rows][2 vectors].
template <int kRows>
struct InRegisters {
  __m512 y[kRows][2];

  template <int kRow, int kVector>
  VECTON_VNNI_INLINE __m512 get() const {
    return y[kRow][kVector];
  }
  template <int kRow, int kVector>
  VECTON_VNNI_INLINE void set(__m512 sum) {
    y[kRow][kVector] = sum;
  }
};

struct InMemory {
  float* y;

  template <int kRow, int kVector>
  VECTON_VNNI_INLINE __m512 get() const {
    return _mm512_loadu_ps(y + kRow * kWidth + 16 * kVector);
  }
  template <int kRow, int kVector>
  VECTON_VNNI_INLINE void set(__m512 sum) {
    _mm512_storeu_ps(y + kRow * kWidth + 16 * kVector, sum);
  }
};

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
  float* at;  // of y

  VECTON_VNNI_INLINE Tile(const IntegerTile& t, int64_t row)
      : words(t.words),
        x(t.x->planes + row * t.x->row_bytes + t.first_group * t.group * 3),
        stride(t.x->row_bytes),
        bytes(_mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(t.bytes)))),
        groups(t.x->groups + row * t.x->row_groups + t.first_group),
        row_groups(t.x->row_groups),
        numbers(t.numbers),
        at(t.sums + (row - t.row) * kWidth) {}

  VECTON_VNNI_INLINE void begin(Sums (&sums)[kRows]) const {
    each<kRows>([&](auto r) VECTON_VNNI_LAMBDA { set_first(sums[r], groups[r * row_groups]); });
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

  // What several vectors need is loaded once where the registers have place: GCC would load it
  // again for each. Beside the sums of more rows it would push those out.
  static constexpr bool kHold = kRows <= 2;

  VECTON_VNNI_INLINE static __m512 held(__m512 v) {
    if constexpr (kHold) asm("" : "+v"(v));
    return v;
  }

  // Adds to y a group's sums times the weights' scales.
  template <class Y>
  VECTON_VNNI_INLINE void end(const Sums (&sums)[kRows], Y& y) const {
    const auto load = [&](int64_t at) VECTON_VNNI_LAMBDA { return _mm512_loadu_ps(numbers + at); };
    __m512 scales[2], offsets[2];
    each<kHold ? 2 : 0>([&](auto v) VECTON_VNNI_LAMBDA {
      scales[v] = held(load(16 * v));
      if constexpr (kOffset) offsets[v] = held(load(kWidth + 16 * v));
    });
    each<kRows>([&](auto r) VECTON_VNNI_LAMBDA {
      const IntegerRows::Group& group = groups[r * row_groups];
      const Sums& row = sums[r];
      const __m512 base[3] = {held(_mm512_set1_ps(group.base[0])),
                              held(_mm512_set1_ps(group.base[1])),
                              held(_mm512_set1_ps(group.base[2]))};
      each<2>([&](auto v) VECTON_VNNI_LAMBDA {
        const __m512 high = _mm512_sub_ps(_mm512_castsi512_ps(row.high[v]), base[0]),
                     middle = _mm512_sub_ps(_mm512_castsi512_ps(row.middle[v]), base[1]),
                     low = _mm512_sub_ps(_mm512_castsi512_ps(row.low[v]), base[2]);
        const __m512 products = _mm512_add_ps(_mm512_add_ps(high, middle), low);
        __m512 sum =
            _mm512_fmadd_ps(products, kHold ? scales[v] : load(16 * v), y.template get<r, v>());
        if constexpr (kOffset) {
          sum = _mm512_fmadd_ps(kHold ? offsets[v] : load(kWidth + 16 * v),
                                _mm512_set1_ps(group.sum), sum);
        }
        y.template set<r, v>(sum);
      });
    });
  }

  // y begins with the sums of k before the tile's.
  template <class Y>
  VECTON_VNNI_INLINE void begin_sums(const IntegerTile& t, Y& y) const {
    each<2 * kRows>([&](auto i) VECTON_VNNI_LAMBDA {
      y.template set<i / 2, i % 2>(t.first ? _mm512_setzero_ps() : _mm512_loadu_ps(at + 16 * i));
    });
  }

  template <class Y>
  VECTON_VNNI_INLINE void end_sums(const IntegerTile& t, const Y& y) const {
    const __m512 unit = _mm512_set1_ps(t.last ? IntegerKernels::kUnit : 1.0f);
    each<2 * kRows>([&](auto i) VECTON_VNNI_LAMBDA {
      _mm512_storeu_ps(at + 16 * i, _mm512_mul_ps(y.template get<i / 2, i % 2>(), unit));
    });
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
  InMemory y{tile.at};  // the registers have place for the sums of the group alone
  tile.begin_sums(t, y);
  for (int64_t left = t.k; left > 0; left -= t.group) {
    Sums sums[kRows];
    tile.begin(sums);
    for (int64_t k = std::min(t.group, left); k > 0; k -= 4 * kParts) {
      _mm_prefetch(ahead, _MM_HINT_T0);
      _mm_prefetch(ahead + 64, _MM_HINT_T0);
      if constexpr (kRows == 1) _mm_prefetch(ahead + 128, _MM_HINT_T0);
      ahead += ahead_step;
      tile.template add_all<kParts>(sums);
      tile.template step<kParts>();
    }
    tile.end(sums, y);
    tile.next_group();
  }
  tile.end_sums(t, y);
}

// One or two rows, of groups that have some multiple of kStep: one, where kOneStep.
template <int kBits, bool kLookup, bool kOffset, int kStep, bool kOneStep, int kRows>
VECTON_VNNI_INLINE void multiply_rows(const IntegerTile& t, int64_t row, FetchAhead& ahead) {
  constexpr int kParts = kStep / 4;
  const int64_t ahead_step = kStep / IntegerTile::kStep * ahead.step;
  Tile<kBits, kLookup, kOffset, kRows> tile(t, row);
  InRegisters<kRows> y;
  tile.begin_sums(t, y);
  for (int64_t left = t.k; left > 0; left -= kOneStep ? kStep : t.group) {
    Sums sums[kRows];
    tile.begin(sums);
    for (int64_t k = kOneStep ? kStep : std::min(t.group, left); k > 0; k -= kStep) {
      for (int64_t at = 0; at < ahead_step; at += 64)
        _mm_prefetch(reinterpret_cast<const char*>(ahead.at) + at, _MM_HINT_T0);
      ahead.at += ahead_step;
      tile.template add_all<kParts>(sums);
      tile.template step<kParts>();
    }
    tile.end(sums, y);
    tile.next_group();
  }
  tile.end_sums(t, y);
}

template <int kBits, bool kLookup, bool kOffset, int kStep, bool kOneStep>
VECTON_VNNI void multiply_in_steps(const IntegerTile& t) {
  FetchAhead ahead = t.ahead;
  const int64_t row_end = t.row + t.rows;
  int64_t row = t.row;
  for (; row + 2 <= row_end; row += 2)
    multiply_rows<kBits, kLookup, kOffset, kStep, kOneStep, 2>(t, row, ahead);
  if (row < row_end) multiply_rows<kBits, kLookup, kOffset, kStep, kOneStep, 1>(t, row, ahead);
}

template <int kBits, bool kLookup, bool kOffset>
void multiply(const IntegerTile& t) {
  const auto are_of = [&](int64_t steps) { return t.group % steps == 0 && t.k % steps == 0; };
  if (t.group == 64 && are_of(64)) return multiply_in_steps<kBits, kLookup, kOffset, 64, true>(t);
  if (t.group == 32 && are_of(32)) return multiply_in_steps<kBits, kLookup, kOffset, 32, true>(t);
  if (are_of(32)) return multiply_in_steps<kBits, kLookup, kOffset, 32, false>(t);
  multiply_in_steps<kBits, kLookup, kOffset, IntegerTile::kStep, false>(t);
}

// The largest of all lanes, in every lane.
VECTON_VNNI_INLINE __m512i largest_of(__m512i v) {
  v = _mm512_max_epu32(v, _mm512_shuffle_i32x4(v, v, 0x4e));
  v = _mm512_max_epu32(v, _mm512_shuffle_i32x4(v, v, 0xb1));
  v = _mm512_max_epu32(v, _mm512_shuffle_epi32(v, _MM_PERM_BADC));
  return _mm512_max_epu32(v, _mm512_shuffle_epi32(v, _MM_PERM_CDAB));
}

// The fours of lanes added up.
VECTON_VNNI_INLINE __m128i fours_of(__m512i v) {
  v = _mm512_add_epi32(v, _mm512_shuffle_i32x4(v, v, 0x4e));
  return _mm512_castsi512_si128(_mm512_add_epi32(v, _mm512_shuffle_i32x4(v, v, 0xb1)));
}

// A group's unit is 2^e, by which the largest of its numbers has 24 bits as an integer; from 127/64
// times a power of two on, its high plane would need 9.
//
// Of kWhole numbers, or of `count`, up to `padded` with zeros.
template <int kWhole>
VECTON_VNNI_INLINE void quantise_group(int zero, const float* x, int64_t count, int64_t padded,
                                       int8_t* planes, IntegerRows::Group& group) {
  if constexpr (kWhole > 0) count = padded = kWhole;
  constexpr int kInfinity = 0x7f800000, kLeast = 27 << 23;  // 2^-100
  constexpr int kOver = 0x020000, kMantissa = 22, kBias = 127;
  const auto load = [&](int64_t k) VECTON_VNNI_LAMBDA {
    if (k + 16 <= count) return _mm512_loadu_ps(x + k);
    const int64_t left = std::max<int64_t>(count - k, 0);
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << left) - 1), x + k);
  };
  __m512i most = _mm512_set1_epi32(kLeast);  // magnitudes in the order of their bits
  for (int64_t k = 0; k < padded; k += 16) {
    const __m512i bits = _mm512_castps_si512(load(k));
    most = _mm512_max_epu32(most, _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff)));
  }
  most = largest_of(most);
  // e + kMantissa + kBias.
  const __m512i exponent = _mm512_srli_epi32(_mm512_add_epi32(most, _mm512_set1_epi32(kOver)), 23);
  const __m512 inverse = _mm512_castsi512_ps(
      _mm512_slli_epi32(_mm512_sub_epi32(_mm512_set1_epi32(2 * kBias + kMantissa), exponent), 23));
  const __m128 unit = _mm_castsi128_ps(_mm_slli_epi32(
      _mm_sub_epi32(_mm512_castsi512_si128(exponent), _mm_set1_epi32(kMantissa)), 23));
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
    const __m512i packed = _mm512_permutexvar_epi32(whole, quads);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(planes), _mm512_castsi512_si256(packed));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(planes + 32), _mm512_extracti32x4_epi32(packed, 2));
  }
  // By plane, high to low, the last lane is zero.
  const __m128i total = fours_of(sums);
  constexpr float kUnit = 1 / IntegerKernels::kUnit;
  const __m128 weights = _mm_setr_ps(65536.0f, 256.0f, 1.0f, 0.0f);
  const __m128 parts = _mm_mul_ps(_mm_cvtepi32_ps(total), weights);
  const __m128 upper = _mm_add_ss(parts, _mm_movehdup_ps(parts));
  const __m128 sum = _mm_mul_ss(_mm_mul_ss(_mm_add_ss(upper, _mm_movehl_ps(parts, parts)), unit),
                                _mm_set_ss(kUnit));
  const __m128 base =
      _mm_mul_ps(unit, _mm_setr_ps(0x1.8p39f * kUnit, 0x1.8p31f * kUnit, 0x1.8p23f * kUnit, 0.0f));
  const __m128i first =
      _mm_sub_epi32(_mm_castps_si128(base), _mm_mullo_epi32(total, _mm_set1_epi32(zero)));
  _mm_storeu_ps(group.base, _mm_insert_ps(base, sum, 3 << 4));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(group.first), first);
  group.first[2] = _mm_extract_epi32(first, 2);
  if (_mm_cvtsi128_si32(_mm512_castsi512_si128(most)) >= kInfinity)
    group.base[0] = group.sum = std::numeric_limits<float>::quiet_NaN();
}

template <int kGroup>
VECTON_VNNI void quantise_row(const PackedCodes& codes, const float* x, int64_t k, int8_t* planes,
                              IntegerRows::Group* groups) {
  const int zero = codes.zero;
  const int64_t padded_k = codes.k, group = kGroup > 0 ? kGroup : codes.group;
  int64_t first = 0;
  if constexpr (kGroup > 0) {
    for (; first + group <= k; first += group, ++groups)
      quantise_group<kGroup>(zero, x + first, group, group, planes + 3 * first, *groups);
  }
  for (; first < padded_k; first += group, ++groups) {
    const int64_t padded = std::min(group, padded_k - first);
    quantise_group<0>(zero, x + first, std::min(padded, k - first), padded, planes + 3 * first,
                      *groups);
  }
}

void quantise(const PackedCodes& codes, const float* x, int64_t x_stride, int64_t k,
              const IntegerRows& rows, int64_t begin, int64_t end) {
  const auto row = codes.group == 32   ? &quantise_row<32>
                   : codes.group == 64 ? &quantise_row<64>
                                       : &quantise_row<0>;
  for (int64_t i = begin; i < end; ++i)
    row(codes, x + i * x_stride, k, rows.planes + i * rows.row_bytes,
        rows.groups + i * rows.row_groups);
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
