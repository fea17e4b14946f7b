// Rows: the numbers of a tensor that is converted, in float32, a piece at a time. What is
// dequantised is a layer's codes at most. For any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "checkpoint/safetensors.h"
#include "tensor/weight.h"

namespace vecton::convert {

class Rows {
 public:
  explicit Rows(const checkpoint::StoredTensor& tensor);

  int64_t numbers() const { return numbers_; }
  // Pieces begin and end at a multiple of it.
  int64_t columns() const { return columns_; }
  // How an affine format of 16-bit scales is dequantised by MLX: in that type, product and sum
  // rounded each; none = exact float32.
  void round_as(tensor::DType type) { rounded_ = type; }
  // Null where it is dense.
  const tensor::Weight* weight() const { return weight_.get(); }

  // Numbers [begin, begin + out.size()).
  void read(int64_t begin, std::span<float> out) const;

 private:
  int64_t numbers_ = 0, columns_ = 1;
  checkpoint::StoredTensor dense_;
  std::vector<std::byte> computed_;
  std::shared_ptr<const tensor::Weight> weight_;
  tensor::DType rounded_ = tensor::DType::kF32;
};

}  // namespace vecton::convert
