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
#define VECTON_VNNI_INLINE __attribute__((always_inline)) VECTON_VNNI inline
#define VECTON_UNROLL _Pragma("GCC unroll 16")

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

template <int kBits, bool kLookup, int kRows, int kPart = 0>
VECTON_VNNI_INLINE void add_parts(__m512i (&sum)[kRows][3][2], __m512i low, __m512i high,
                                  __m512i table, const int8_t* x, int64_t stride) {
  const __m512i a = codes_of<kBits, kLookup, kPart>(low, table),
                b = codes_of<kBits, kLookup, kPart>(high, table);
  VECTON_UNROLL
  for (int r = 0; r < kRows; ++r) {
    VECTON_UNROLL
    for (int p = 0; p < 3; ++p) {
      const __m512i v = four(x + r * stride + 12 * kPart + 4 * p);
      add_dots(sum[r][p][0], a, v);
      add_dots(sum[r][p][1], b, v);
    }
  }
  if constexpr (kPart + 1 < 8 / kBits)
    add_parts<kBits, kLookup, kRows, kPart + 1>(sum, low, high, table, x, stride);
}

template <int kBits, bool kLookup, bool kOffset, int kRows>
VECTON_VNNI void tile(const IntegerTile& t) {
  constexpr int64_t kPerWord = 32 / kBits;
  const IntegerRows& rows = *t.x;
  const int64_t stride = rows.row_bytes;
  const int8_t* x = rows.planes + t.row * stride + t.k * 3;
  const IntegerRows::Group* groups = rows.groups + t.row * rows.row_groups + t.k / t.group;
  const uint32_t* words = t.words;
  const float* numbers = t.numbers;
  const auto* ahead = reinterpret_cast<const char*>(t.ahead.at);
  const int64_t ahead_step = t.ahead.step;
  __m512i table = _mm512_setzero_si512();
  if constexpr (kLookup) {
    table = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(t.bytes)));
  }
  for (int64_t k = t.k; k < t.k_end; k += t.group, ++groups, numbers += 2 * kWidth) {
    __m512i sum[kRows][3][2];
    VECTON_UNROLL
    for (int r = 0; r < kRows; ++r) {
      VECTON_UNROLL
      for (int p = 0; p < 3; ++p)
        sum[r][p][0] = sum[r][p][1] = _mm512_set1_epi32(groups[r * rows.row_groups].zero[p]);
    }
    for (int64_t left = std::min(t.group, t.k_end - k); left > 0; left -= kPerWord) {
      const __m512i low = _mm512_loadu_si512(words), high = _mm512_loadu_si512(words + 16);
      _mm_prefetch(ahead, _MM_HINT_T0);
      _mm_prefetch(ahead + 64, _MM_HINT_T0);
      if constexpr (kRows == 1) _mm_prefetch(ahead + 128, _MM_HINT_T0);
      ahead += ahead_step;
      add_parts<kBits, kLookup, kRows>(sum, low, high, table, x, stride);
      words += kWidth;
      x += 3 * kPerWord;
    }
    VECTON_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const IntegerRows::Group& group = groups[r * rows.row_groups];
      VECTON_UNROLL
      for (int v = 0; v < 2; ++v) {
        const __m512i upper = _mm512_add_epi32(_mm512_slli_epi32(sum[r][0][v], 8), sum[r][1][v]);
        const __m512 products = _mm512_fmadd_ps(_mm512_cvtepi32_ps(upper), _mm512_set1_ps(256),
                                                _mm512_cvtepi32_ps(sum[r][2][v]));
        const __m512 scale =
            _mm512_mul_ps(_mm512_loadu_ps(numbers + 16 * v), _mm512_set1_ps(group.scale));
        float* at = t.sums + r * kWidth + 16 * v;
        __m512 y = _mm512_fmadd_ps(products, scale, _mm512_loadu_ps(at));
        if constexpr (kOffset) {
          y = _mm512_fmadd_ps(_mm512_loadu_ps(numbers + kWidth + 16 * v), _mm512_set1_ps(group.sum),
                              y);
        }
        _mm512_storeu_ps(at, y);
      }
    }
  }
}

// The bytes of one plane from 16 integers, and what is left above them.
VECTON_VNNI_INLINE __m512i low_byte(__m512i& v) {
  const __m512i low = _mm512_srai_epi32(_mm512_slli_epi32(v, 24), 24);
  v = _mm512_srai_epi32(_mm512_sub_epi32(v, low), 8);
  return low;
}

VECTON_VNNI void quantise_group(const PackedCodes& codes, const float* x, int64_t count,
                                int64_t padded, int8_t* planes, IntegerRows::Group& group) {
  constexpr float kLargest = 127 * 65536, kLeast = 0x1p-100f;
  constexpr uint32_t kInfinity = 0x7f800000u;
  const auto load = [&](int64_t k) VECTON_VNNI {
    const int64_t left = std::clamp<int64_t>(count - k, 0, 16);
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << left) - 1), x + k);
  };
  __m512i most = _mm512_setzero_si512();  // magnitudes in the order of their bits
  for (int64_t k = 0; k < padded; k += 16) {
    const __m512i bits = _mm512_castps_si512(load(k));
    most = _mm512_max_epu32(most, _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff)));
  }
  const uint32_t largest_bits = _mm512_reduce_max_epu32(most);
  const bool finite = largest_bits < kInfinity;
  float largest;
  std::memcpy(&largest, &largest_bits, sizeof largest);
  largest = finite ? std::max(largest, kLeast) : 1;
  group.scale = largest / kLargest;
  const __m512 inverse = _mm512_set1_ps(kLargest / largest);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, 12, 12, 12, 12);
  __m512i sums[3] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
  for (int64_t k = 0; k < padded; k += 16, planes += 48) {
    __m512i v = _mm512_cvtps_epi32(_mm512_mul_ps(load(k), inverse));
    const __m512i low = low_byte(v), middle = low_byte(v);
    sums[0] = _mm512_add_epi32(sums[0], v);
    sums[1] = _mm512_add_epi32(sums[1], middle);
    sums[2] = _mm512_add_epi32(sums[2], low);
    __m512i all = _mm512_castsi128_si512(_mm512_cvtepi32_epi8(v));
    all = _mm512_inserti32x4(all, _mm512_cvtepi32_epi8(middle), 1);
    all = _mm512_inserti32x4(all, _mm512_cvtepi32_epi8(low), 2);
    _mm512_mask_storeu_epi32(planes, 0x0fff, _mm512_permutexvar_epi32(order, all));
  }
  int64_t total[3];  // what is not finite gives any numbers, whose sum need not fit 32 bits
  for (int p = 0; p < 3; ++p) {
    total[p] = _mm512_reduce_add_epi32(sums[p]);
    group.zero[p] = static_cast<int32_t>(-codes.zero * total[p]);
  }
  group.sum = group.scale * static_cast<float>(65536 * total[0] + 256 * total[1] + total[2]);
  if (!finite) group.scale = group.sum = std::numeric_limits<float>::quiet_NaN();
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

template <int kBits, bool kLookup, bool kOffset, size_t... I>
constexpr IntegerKernels::Tiles tiles_with(std::index_sequence<I...>) {
  return {nullptr, &tile<kBits, kLookup, kOffset, static_cast<int>(I) + 1>...};
}
template <int kBits, bool kLookup, bool kOffset>
constexpr IntegerKernels::Tiles tiles_of() {
  return tiles_with<kBits, kLookup, kOffset>(std::make_index_sequence<IntegerKernels::kMostRows>());
}

constexpr IntegerKernels kKernels = {&quantise,
                                     {{tiles_of<2, false, false>(), tiles_of<2, false, true>()},
                                      {tiles_of<4, false, false>(), tiles_of<4, false, true>()},
                                      {tiles_of<8, false, false>(), tiles_of<8, false, true>()}},
                                     {tiles_of<4, true, false>(), tiles_of<4, true, true>()}};

}  // namespace

const IntegerKernels* integer_kernels(Isa isa) {
  static const bool here = __builtin_cpu_supports("avx512vnni");
  return isa == Isa::kAvx512 && here ? &kKernels : nullptr;
}

#else

const IntegerKernels* integer_kernels(Isa) { return nullptr; }

#endif

}  // namespace vecton::cpu
