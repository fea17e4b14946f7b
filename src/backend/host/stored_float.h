// Numbers where a file has them, at addresses that are aligned to nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "tensor/dtype.h"

namespace vecton::host {

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// A float32, float16 or bfloat16.
inline float stored_float(tensor::DType dtype, const std::byte* at) {
  switch (dtype) {
    case tensor::DType::kF16:
      return base::f16_to_float(load<uint16_t>(at));
    case tensor::DType::kBF16:
      return base::bf16_to_float(load<uint16_t>(at));
    default:
      return load<float>(at);
  }
}

}  // namespace vecton::host
