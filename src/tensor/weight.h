// Weight: a matrix or vector of the checkpoint, as the file has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "tensor/dtype.h"

namespace vecton {

// [rows, columns], row-major and dense; a vector has one row. For a linear layer rows = output
// features, columns = input features. Only backends read the bytes; a backend that has copied them
// calls release(), so that the file's pages stop counting as resident.
struct Weight {
  std::string name;  // the tensor's name in the file, for messages
  DType dtype = DType::kF32;
  int64_t rows = 0, columns = 0;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> keep;  // owns the bytes
  std::function<void()> release = [] {};

  bool exists() const { return !bytes.empty(); }
};

}  // namespace vecton
