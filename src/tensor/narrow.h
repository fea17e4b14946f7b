// Numbers of the types that a cache may have (float32, bfloat16, float8_e4m3, float8_e5m2), and of
// float16, one by one; kernels have vector versions of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "base/small_floats.h"
#include "tensor/dtype.h"

namespace vecton::tensor {

// Number `i` of what is stored at `from`.
inline float stored_number(const std::byte* from, DType type, int64_t i) {
  if (type == DType::kF8E4M3) return base::e4m3_to_float(std::to_integer<uint8_t>(from[i]));
  if (type == DType::kF8E5M2) return base::e5m2_to_float(std::to_integer<uint8_t>(from[i]));
  if (type == DType::kBF16) {
    uint16_t bits = 0;
    std::memcpy(&bits, from + 2 * i, sizeof bits);
    return base::bf16_to_float(bits);
  }
  if (type == DType::kF16) {
    uint16_t bits = 0;
    std::memcpy(&bits, from + 2 * i, sizeof bits);
    return base::f16_to_float(bits);
  }
  float value = 0;
  std::memcpy(&value, from + 4 * i, sizeof value);
  return value;
}

// `value` as number `i` of what is stored at `to`: rounded to nearest, ties to even.
inline void store_number(float value, std::byte* to, DType type, int64_t i) {
  if (type == DType::kF8E4M3) {
    to[i] = std::byte{base::float_to_e4m3(value)};
  } else if (type == DType::kF8E5M2) {
    to[i] = std::byte{base::float_to_e5m2(value)};
  } else if (type == DType::kBF16) {
    const uint16_t bits = base::float_to_bf16(value);
    std::memcpy(to + 2 * i, &bits, sizeof bits);
  } else if (type == DType::kF16) {
    const uint16_t bits = base::float_to_f16(value);
    std::memcpy(to + 2 * i, &bits, sizeof bits);
  } else {
    std::memcpy(to + 4 * i, &value, sizeof value);
  }
}

// What reading it back gives.
inline float rounded(float value, DType type) {
  std::byte stored[sizeof(float)]{};
  store_number(value, stored, type, 0);
  return stored_number(stored, type, 0);
}

}  // namespace vecton::tensor
