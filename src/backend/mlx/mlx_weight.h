// Weights as MLX multiplies by them: float32, or the codes of one of its quantised modes as a
// checkpoint has them.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/mlx/mlx_device.h"
#include "ops/compute.h"
#include "ops/types.h"
#include "tensor/weight.h"

namespace vecton::backend {

// Rows of one form. `mode` empty: `values` [rows, k] are floats, of 16 bits where they are
// multiplied so, no scales. Otherwise `values` are words of codes, as mx::quantized_matmul takes
// them.
struct MlxSegment {
  mx::array values;
  std::string mode;
  int group = 0, bits = 0;
  std::optional<mx::array> scales, biases;
  float factor = 1;  // of the products

  mx::array product(const mx::array& x) const;  // x [m, k] -> [m, rows]
};

struct MlxWeight;

// Weights of one form, the same of every expert, and their biases: of each row its own's product.
struct MlxStack {
  MlxSegment all;                            // [weights, rows, ...]
  std::optional<mx::array> factors, biases;  // [weights, 1], [weights, rows]
  std::vector<const MlxWeight*> of;

  // x [m, k], chosen [m], ascending -> [m, rows]
  mx::array product(const mx::array& x, const mx::array& chosen) const;
};

// Stacked weights: neighbours of one form are one segment.
struct MlxWeight final : ops::Prepared {
  // Within a Turn. Once the weight is in a stack, its segment is a part of that.
  mutable std::vector<MlxSegment> segments;
  mutable std::shared_ptr<const MlxStack> stack;  // of those of which it is the first

  MlxWeight(std::span<const tensor::Weight> parts, ops::Compute compute);
  ~MlxWeight() override;
  mx::array product(const mx::array& x) const;  // x [m, k] -> [m, n]
};

// Within a Turn. The stack of these, which is made when it is first asked for; null where their
// forms differ, or MLX has no product for it.
struct MlxStackPart {
  const MlxWeight* weight;
  const ops::Vector* bias;  // may be absent, then of all
};
std::shared_ptr<const MlxStack> stack_of(std::span<const MlxStackPart> parts);

// Rows that are looked up stay where the file has them.
struct MlxTable final : ops::Prepared {
  tensor::Weight weight;

  explicit MlxTable(const tensor::Weight& of);
};

}  // namespace vecton::backend
