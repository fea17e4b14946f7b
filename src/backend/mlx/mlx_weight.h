// Weights as MLX multiplies by them: float32, or the codes of one of its quantised modes as a
// checkpoint has them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/mlx/mlx_device.h"
#include "ops/compute.h"
#include "ops/types.h"
#include "tensor/weight.h"

namespace vecton::backend {

// Rows of one form. `mode` empty: `values` [rows, k] are floats (bfloat16 where they are multiplied
// so), no scales. Otherwise `values` are
// words of codes, as mx::quantized_matmul takes them.
struct MlxSegment {
  mx::array values;
  std::string mode;
  int group = 0, bits = 0;
  std::optional<mx::array> scales, biases;
  float factor = 1;  // of the products

  mx::array product(const mx::array& x) const;  // x [m, k] -> [m, rows]
};

// Stacked weights: neighbours of one form are one segment.
struct MlxWeight final : ops::Prepared {
  std::vector<MlxSegment> segments;

  MlxWeight(std::span<const tensor::Weight> parts, ops::Compute compute);
  ~MlxWeight() override;
  mx::array product(const mx::array& x) const;  // x [m, k] -> [m, n]
};

// Rows that are looked up stay where the file has them.
struct MlxTable final : ops::Prepared {
  tensor::Weight weight;

  explicit MlxTable(const tensor::Weight& of);
};

}  // namespace vecton::backend
