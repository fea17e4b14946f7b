// Floats of a byte and less as stored bit patterns (OCP Microscaling Formats 1.0), to float32.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace vecton::base {

// 4 bits of exponent, 3 of mantissa; no infinities, 0x7f and 0xff are NaN.
inline float e4m3_to_float(uint8_t bits) {
  const uint32_t exponent = bits >> 3 & 0xfu, mantissa = bits & 7u;
  if ((bits & 0x7fu) == 0x7fu) return std::numeric_limits<float>::quiet_NaN();
  const float value = exponent == 0 ? static_cast<float>(mantissa) * 0x1p-9f
                                    : std::bit_cast<float>((exponent + 120) << 23 | mantissa << 20);
  return bits & 0x80u ? -value : value;
}

// Powers of two from 2^-127; 0xff is NaN.
inline float e8m0_to_float(uint8_t bits) {
  if (bits == 0xffu) return std::numeric_limits<float>::quiet_NaN();
  return bits == 0 ? 0x1p-127f : std::bit_cast<float>(static_cast<uint32_t>(bits) << 23);
}

// 2 bits of exponent, 1 of mantissa.
inline constexpr float kE2M1[16] = {0,     0.5f,  1,     1.5f,  2,     3,     4,     6,
                                    -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};

}  // namespace vecton::base
