// Rows moved along their sequences: what a convolution over neighbouring tokens reads.
#pragma once

#include <cstdint>

#include "ops/ops.h"
#include "tensor/batch.h"

namespace vecton::nn {

// Row t of the result is row t + by of the same sequence of `x`, or 0 where it has none.
Tensor shifted_rows(Ops& ops, const Tensor& x, int64_t by, const Rows& rows);

}  // namespace vecton::nn
