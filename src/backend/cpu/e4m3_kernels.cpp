#include "backend/cpu/e4m3_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <array>
#include <bit>

#include "base/small_floats.h"
#endif

namespace vecton::cpu {

#if defined(__x86_64__)

namespace {

// Of the codes without a sign, whose bits as floats end in 16 zeros: the two other bytes.
struct Tables {
  alignas(64) std::array<uint8_t, 128> high, low;
  Tables() {
    for (int code = 0; code < 128; ++code) {
      const auto bits = std::bit_cast<uint32_t>(base::e4m3_to_float(static_cast<uint8_t>(code)));
      high[static_cast<size_t>(code)] = static_cast<uint8_t>(bits >> 24);
      low[static_cast<size_t>(code)] = static_cast<uint8_t>(bits >> 16);
    }
  }
};

__attribute__((target("avx512f,avx512bw,avx512vbmi"))) void expand(const uint32_t* words,
                                                                   int64_t rows,
                                                                   const float* scales,
                                                                   float* out) {
  static const Tables tables;
  constexpr int kLanes = 16, kWidth = 2 * kLanes;
  const __m512i high[2] = {_mm512_load_si512(tables.high.data()),
                           _mm512_load_si512(tables.high.data() + 64)},
                low[2] = {_mm512_load_si512(tables.low.data()),
                          _mm512_load_si512(tables.low.data() + 64)};
  const __m512 scale[2] = {_mm512_loadu_ps(scales), _mm512_loadu_ps(scales + kLanes)};
  const __m512i sign = _mm512_set1_epi8(static_cast<char>(0x80));
  // Of a word's first code: its low byte third, its high byte last; those of the next lie one on.
  const __m512i first = _mm512_add_epi32(
      _mm512_set1_epi32(0x40000000),
      _mm512_mullo_epi32(_mm512_set1_epi32(0x04040000),
                         _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
  const __m512i next = _mm512_set1_epi32(0x01010000);
  constexpr __mmask64 kUpper = 0xcccccccccccccccc;
  for (int64_t row = 0; row < rows; ++row, words += kWidth, out += 4 * kWidth) {
    for (int v = 0; v < 2; ++v) {
      const __m512i codes = _mm512_loadu_si512(words + v * kLanes);
      const __m512i lows = _mm512_permutex2var_epi8(low[0], codes, low[1]),
                    highs = _mm512_or_si512(_mm512_permutex2var_epi8(high[0], codes, high[1]),
                                            _mm512_and_si512(codes, sign));
      __m512i at = first;
      for (int j = 0; j < 4; ++j, at = _mm512_add_epi32(at, next)) {
        const __m512 value =
            _mm512_castsi512_ps(_mm512_maskz_permutex2var_epi8(kUpper, lows, at, highs));
        _mm512_storeu_ps(out + j * kWidth + v * kLanes, _mm512_mul_ps(scale[v], value));
      }
    }
  }
}

}  // namespace

ExpandE4M3 expand_e4m3() {
  static const bool here =
      __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw");
  return here ? &expand : nullptr;
}

#else

ExpandE4M3 expand_e4m3() { return nullptr; }

#endif

}  // namespace vecton::cpu
