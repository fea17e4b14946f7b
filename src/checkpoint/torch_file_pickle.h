// The tensors that data.pkl of a torch file describes. A pickle is a program for a stack machine;
// this reader knows the few instructions and the few names that a state_dict of dense tensors is
// made of, refuses all others by name, and never runs or looks up anything.
// Called by torch_file.cpp; a function of its arguments, for any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/dtype.h"

namespace vecton::checkpoint {

// As the pickle has it: sizes are those it claims.
struct PickledTensor {
  std::string_view name;     // printable ASCII
  std::string_view storage;  // the entry data/<storage>
  tensor::DType dtype = tensor::DType::kF32;
  int64_t storage_size = 0;  // numbers in the storage
  int64_t offset = 0;        // of the tensor's first number
  std::vector<int64_t> shape, strides;
};

// Names lie within `pickle`. Errors (kCorrupt, kUnsupported) name `what`.
std::vector<PickledTensor> read_state_dict(std::span<const std::byte> pickle,
                                           const std::string& what);

}  // namespace vecton::checkpoint
