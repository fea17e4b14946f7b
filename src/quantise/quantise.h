// Floats to MLX's quantised bytes and to other floats. The bytes are those that MLX's processor
// backend writes, on every machine. Called by the checkpoint's run-time quantisation and by
// convert/; functions of their arguments, for any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "quantise/scheme.h"
#include "tensor/dtype.h"

namespace vecton::quantise {

// Stored float32, float16 or bfloat16, of any alignment, widened.
void widen(tensor::DType from, std::span<const std::byte> stored, std::span<float> out);

// Rounds to nearest even. Errors (kInvalidArgument) name `tensor`: a number that `to` can't hold.
void narrow(tensor::DType to, std::span<const float> values, std::span<std::byte> out,
            const std::string& tensor);

// Where the parts of whole groups go.
struct Parts {
  std::byte* codes;    // Scheme::code_bytes
  std::byte* scales;   // per group: a `dtype` in affine mode, else a byte
  std::byte* offsets;  // the same; null in other modes
};

// Quantises whole groups of numbers. `dtype` is what the numbers are rounded to first, and what
// affine scales and offsets are stored as. `values` is scratch afterwards. Errors
// (kInvalidArgument) name `tensor`: numbers that are not finite or that `dtype` can't hold.
void quantise(const Scheme& scheme, tensor::DType dtype, std::span<float> values, const Parts& out,
              const std::string& tensor);

}  // namespace vecton::quantise
