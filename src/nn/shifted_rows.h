// Rows moved along their sequences: what a convolution over neighbouring tokens reads.
#pragma once

#include <cstdint>

#include "nn/forward_pass.h"

namespace vecton::nn {

// Row t of the result is row t + by of the same sequence of `x`, which has a row for every token,
// or 0 where it has none.
Tensor shifted_rows(const ForwardPass& pass, const Tensor& x, int64_t by);

}  // namespace vecton::nn
