// The JSON header of a safetensors file, read as it streams by: memory follows what is kept, not
// what a hostile header says, and no key is read twice. Called by safetensors.cpp; for any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/dtype.h"

namespace vecton::checkpoint {

struct HeaderTensor {
  tensor::DType dtype = tensor::DType::kF32;
  std::vector<int64_t> shape;  // each >= 0
  int64_t begin = 0, end = 0;  // bytes of the data, 0 <= begin <= end
};

// Errors (kCorrupt, kUnsupported for an unknown dtype) name `what` and the tensor.
std::map<std::string, HeaderTensor> read_safetensors_header(std::string_view text,
                                                            const std::string& what);

// What the header calls it: "F32", "BF16", "F8_E4M3".
std::string_view safetensors_dtype(tensor::DType dtype);

}  // namespace vecton::checkpoint
