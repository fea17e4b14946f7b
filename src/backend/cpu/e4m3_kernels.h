// Codes of E4M3 (OCP 8-bit floating point) as floats, by tables of their bytes (AVX-512 VBMI).
// Called by expand-inl.h.
#pragma once

#include <cstdint>

namespace vecton::cpu {

// `rows` rows of 32 words, four codes of neighbouring k in each, times a scale for each of the 32
// columns: out [4 rows][32].
using ExpandE4M3 = void (*)(const uint32_t* words, int64_t rows, const float* scales, float* out);

// Null on machines without the instructions.
ExpandE4M3 expand_e4m3();

}  // namespace vecton::cpu
