// Weights as the linear kernels read them: panels of `width` output columns, each [k][width], one
// after another; the last one is padded with zeros. Numbers keep their stored width.
//
// Made once at load by CpuOps::prepare_*, read by linear_kernels.cpp, immutable afterwards. What a
// panel of codes looks like is in packed_codes.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "backend/cpu/packed_codes.h"
#include "backend/cpu/panel_memory.h"
#include "base/thread_pool.h"
#include "ops/compute.h"
#include "ops/types.h"
#include "tensor/weight.h"

namespace vecton::cpu {

// A panel is two vectors wide. Of a gated matrix the first is of gate columns and the second of the
// same up columns, so that a tile holds what the product needs. bfloat16 columns are interleaved,
// (first vector's, second vector's) in one 32-bit lane: a shift and a mask widen a pair of vectors.
// Where bfloat16 is multiplied by an instruction of its own, a 32-bit word has two neighbouring k
// of a column instead (`pairs`), as has x; the k after the last one is 0. Where that instruction
// multiplies tiles (`matrices`, amx.h), k is padded with zeros to whole ones.
struct PackedMatrix final : ops::Prepared {
  static constexpr int64_t kMatrixSteps = 16;  // of a tile

  ops::Compute compute = ops::Compute::kFloat32;
  bool pairs = false, matrices = false;
  tensor::DType dtype = tensor::DType::kF32;
  PackedCodes codes;  // where it has codes instead of floats
  bool gated = false;
  int64_t width = 0;  // columns of a panel
  int64_t panels = 0;
  std::shared_ptr<std::byte> data;

  // What a tile multiplies one after another: k, or pairs of them.
  int64_t steps() const {
    if (matrices) return (k + 2 * kMatrixSteps - 1) / (2 * kMatrixSteps) * kMatrixSteps;
    return pairs ? (k + 1) / 2 : k;
  }
  int64_t step_bytes() const { return width * (pairs ? 4 : tensor::size_of(dtype)); }
  int64_t panel_bytes() const {
    return codes.exists() ? codes.panel_bytes : steps() * step_bytes();
  }
  int64_t outputs() const { return gated ? width / 2 : width; }  // columns of y per panel
};

// How a matrix is laid out.
struct PanelForm {
  bool gated = false;
  ops::Compute compute = ops::Compute::kFloat32;
  bool pairs = false, matrices = false;  // of kBFloat16; `matrices` are of pairs
};

// Parts stacked, or (gated) gate and up. All dense, those of different types are widened to
// float32, or all rounded to what `compute` multiplies; or all of codes in one form (same_form),
// or, in kInt8, all without a grid (host/int8.h).
std::shared_ptr<PackedMatrix> pack(base::ThreadPool& pool, PanelMemory& memory,
                                   std::span<const tensor::Weight> parts, const PanelForm& form,
                                   int64_t lanes);

// Stacked weights: parts of one form after another are a matrix of their own, `segments` side by
// side in y. A gated matrix is one segment.
struct PackedStack final : ops::Prepared {
  std::vector<std::shared_ptr<const PackedMatrix>> segments;

  void add(std::shared_ptr<const PackedMatrix> segment) {
    n += segment->n;
    k = segment->k;
    bytes += segment->bytes;
    segments.push_back(std::move(segment));
  }
};

// Rows for embed(), where the file has them.
struct Table final : ops::Prepared {
  tensor::DType dtype = tensor::DType::kF32;
  std::span<const std::byte> rows;
  std::shared_ptr<const void> keep;
};

}  // namespace vecton::cpu
