// Stored floats, widened or narrowed. The bytes may have any alignment.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace vecton::checkpoint {

// `from` is float32, float16 or bfloat16.
std::vector<float> read_floats(tensor::DType from, std::span<const std::byte> bytes);

// Rounds to nearest even. A finite number that float16 can't hold is an error that names `tensor`.
std::vector<std::byte> convert_floats(tensor::DType from, tensor::DType to,
                                      std::span<const std::byte> bytes, const std::string& tensor);

}  // namespace vecton::checkpoint
