// A quantised tensor of a GGUF file as the one Weight form: its blocks, which hold scales and codes
// side by side, taken apart into rows of codes and rows of numbers. Called by gguf_tensors().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "checkpoint/quantised/quantised_tensor.h"
#include "gguf/file.h"

namespace vecton::checkpoint {

// Not of floats. `source_row` tells where row `i` of the matrix lies in the tensor's bytes, which
// may have more rows than its shape says; empty = there. The bytes are read when the weight is
// asked for.
std::shared_ptr<const QuantisedTensor> gguf_blocks(const gguf::Tensor& tensor,
                                                   std::function<int64_t(int64_t)> source_row = {});

}  // namespace vecton::checkpoint
