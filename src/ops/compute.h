// Compute: how linear layers multiply, by the name that options have for it.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "tensor/weight.h"

namespace vecton::ops {

// Weights are rounded once, when they are prepared, rows of x in each call. Sums, biases and what
// follows are float32.
enum class Compute {
  kFloat32,
  kBFloat16,  // x and W are rounded to bfloat16 (to nearest, ties to even)
  kFloat16,   // alike to float16: a W beyond its 65504 can't be prepared, an x there is infinite
  kInt8,      // x and W become whole numbers of 8 bits: backend/host/int8.h. The same bits on every
              // backend and instruction set, up to what follows the sums
};

inline constexpr Compute kComputes[] = {Compute::kFloat32, Compute::kBFloat16, Compute::kFloat16,
                                        Compute::kInt8};

// What x and W are rounded to as floats; kF32: to nothing.
constexpr tensor::DType rounds_to(Compute compute) {
  if (compute == Compute::kBFloat16) return tensor::DType::kBF16;
  return compute == Compute::kFloat16 ? tensor::DType::kF16 : tensor::DType::kF32;
}

std::string_view to_string(Compute compute);  // "float32", "bfloat16", "float16", "int8"
std::optional<Compute> compute_named(std::string_view name);

// What it costs a small model: the least cosine between a vector of all-MiniLM-L6-v2 computed so
// and in kFloat32, over 500 texts (src/engine/compute_test.cpp).
double least_cosine(Compute compute);

// Throws kUnsupported, naming the weight, unless all of them can be prepared for it: what is not
// dense is not rounded a second time, to floats of 16 bits.
void check_compute(Compute compute, std::span<const tensor::Weight> weights);

}  // namespace vecton::ops
