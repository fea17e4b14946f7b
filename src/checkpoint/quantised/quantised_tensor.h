// QuantisedTensor: a matrix that a checkpoint keeps as codes and scales, in tensors of their own.
// Made by the readers of this folder, from headers; `weight` reads. For any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tensor/weight.h"

namespace vecton::checkpoint {

struct QuantisedTensor {
  std::string format;      // "MLX affine 4 bits", for people
  int64_t bytes = 0;       // of all its tensors in the file
  int64_t kept_bytes = 0;  // about, of what a backend keeps of it
  // The matrix [rows, columns]; more dimensions of the tensor are rows. The bytes are the file's
  // where it has them in the order of Weight, else a copy.
  std::function<tensor::Weight()> weight;
};

// Codes are kept in the next of 2, 4 and 8 bits, and the numbers of blocks as Weight has them.
inline int64_t kept_code_bytes(int64_t codes, int bits) {
  return codes * (bits <= 2 ? 2 : bits <= 4 ? 4 : 8) / 8;
}

}  // namespace vecton::checkpoint
