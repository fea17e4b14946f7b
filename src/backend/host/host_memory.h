// Memory that the processor itself reads: what the handles of backends on the host (cpu, ref) are
// made of, and the way from a handle to its numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/indices.h"
#include "tensor/tensor.h"

namespace vecton::host {

struct FloatMemory : tensor::Storage {
  float* const floats;
  explicit FloatMemory(float* at) : floats(at) {}
};

struct IndexMemory final : tensor::Storage {
  const std::vector<int32_t> values;
  explicit IndexMemory(std::vector<int32_t> list) : values(std::move(list)) {}
};

// Null for a default Tensor.
inline float* data(const Tensor& x) {
  const auto* memory = static_cast<const FloatMemory*>(x.storage());
  return memory ? memory->floats + x.offset() : nullptr;
}
inline float* row(const Tensor& x, int64_t i) { return data(x) + i * x.stride(); }

// The same of a cache in whatever type; its memory is counted in floats all the same.
inline std::byte* stored_row(const Tensor& x, int64_t i) {
  const auto* memory = static_cast<const FloatMemory*>(x.storage());
  return reinterpret_cast<std::byte*>(memory->floats) +
         (x.offset() + i * x.stride()) * tensor::size_of(x.dtype());
}

// A dense matrix in memory of somebody else, which nothing writes to: a Tensor never is.
inline Tensor borrowed(std::span<const float> values, int64_t rows, int64_t columns) {
  return {std::make_shared<FloatMemory>(const_cast<float*>(values.data())), rows, columns, columns};
}

inline tensor::Indices keep(std::vector<int32_t> values) {
  const auto size = static_cast<int64_t>(values.size());
  return {std::make_shared<const IndexMemory>(std::move(values)), size};
}
inline std::span<const int32_t> view(const tensor::Indices& indices) {
  if (!indices.storage()) return {};
  return static_cast<const IndexMemory*>(indices.storage())->values;
}

}  // namespace vecton::host
