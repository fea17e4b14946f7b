// Floats of a byte and less as stored bit patterns (OCP 8-bit Floating Point Specification 1.0, OCP
// Microscaling Formats 1.0), to float32, and those of a byte from it.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "base/half.h"

namespace vecton::base {

// 4 bits of exponent, 3 of mantissa; no infinities, 0x7f and 0xff are NaN.
inline float e4m3_to_float(uint8_t bits) {
  const uint32_t exponent = bits >> 3 & 0xfu, mantissa = bits & 7u;
  if ((bits & 0x7fu) == 0x7fu) return std::numeric_limits<float>::quiet_NaN();
  const float value = exponent == 0 ? static_cast<float>(mantissa) * 0x1p-9f
                                    : std::bit_cast<float>((exponent + 120) << 23 | mantissa << 20);
  return bits & 0x80u ? -value : value;
}

// Rounded to nearest, ties to even; what is larger than the largest number becomes that, infinities
// and NaN become NaN.
inline uint8_t float_to_e4m3(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7fffffffu;
  const auto sign = static_cast<uint8_t>(bits >> 24 & 0x80u);
  if (magnitude >= 0x7f800000u) return sign | 0x7fu;
  if (magnitude > std::bit_cast<uint32_t>(448.0f)) return sign | 0x7eu;
  if (magnitude < std::bit_cast<uint32_t>(0x1p-6f)) {  // subnormal: let the float adder round
    const float sum = std::bit_cast<float>(magnitude) + 0x1p14f;
    return static_cast<uint8_t>(sign |
                                (std::bit_cast<uint32_t>(sum) - std::bit_cast<uint32_t>(0x1p14f)));
  }
  const uint32_t rounded = magnitude + 0x7ffffu + (magnitude >> 20 & 1u);
  return static_cast<uint8_t>(sign | (rounded - (120u << 23)) >> 20);
}

// 5 bits of exponent, 2 of mantissa: the upper byte of an IEEE half.
inline float e5m2_to_float(uint8_t bits) { return f16_to_float(static_cast<uint16_t>(bits << 8)); }

// As float_to_e4m3(), but infinities stay.
inline uint8_t float_to_e5m2(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7fffffffu;
  const auto sign = static_cast<uint8_t>(bits >> 24 & 0x80u);
  if (magnitude > 0x7f800000u) return sign | 0x7fu;
  if (magnitude == 0x7f800000u) return sign | 0x7cu;
  if (magnitude > std::bit_cast<uint32_t>(57344.0f)) return sign | 0x7bu;
  if (magnitude < std::bit_cast<uint32_t>(0x1p-14f)) {
    const float sum = std::bit_cast<float>(magnitude) + 0x1p7f;
    return static_cast<uint8_t>(sign |
                                (std::bit_cast<uint32_t>(sum) - std::bit_cast<uint32_t>(0x1p7f)));
  }
  const uint32_t rounded = magnitude + 0xfffffu + (magnitude >> 21 & 1u);
  return static_cast<uint8_t>(sign | (rounded - (112u << 23)) >> 21);
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
