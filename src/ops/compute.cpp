#include "ops/compute.h"

#include <algorithm>
#include <string>

#include "vecton/error.h"

namespace vecton::ops {

std::string_view to_string(Compute compute) {
  switch (compute) {
    case Compute::kFloat32:
      return "float32";
    case Compute::kBFloat16:
      return "bfloat16";
    case Compute::kFloat16:
      return "float16";
    case Compute::kInt8:
      return "int8";
  }
  return "";
}

std::optional<Compute> compute_named(std::string_view name) {
  const auto* place =
      std::ranges::find(kComputes, name, [](Compute compute) { return to_string(compute); });
  if (place == std::end(kComputes)) return std::nullopt;
  return *place;
}

double least_cosine(Compute compute) {
  switch (compute) {
    case Compute::kFloat32:
      return 1;
    case Compute::kBFloat16:
    case Compute::kFloat16:
      return 0.9999;
    case Compute::kInt8:
      return 0.999;
  }
  return 0;
}

void check_compute(Compute compute, std::span<const tensor::Weight> weights) {
  if (rounds_to(compute) == tensor::DType::kF32) return;
  for (const tensor::Weight& weight : weights) {
    if (weight.is_dense()) continue;
    throw Error(ErrorCode::kUnsupported,
                weight.name + ": quantised: compute " + std::string(to_string(compute)) +
                    " is for float weights; float32 and int8 multiply codes as they are",
                "compute");
  }
}

}  // namespace vecton::ops
