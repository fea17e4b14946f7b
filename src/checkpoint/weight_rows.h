// Some rows of a matrix of the checkpoint, whatever its numbers are stored as. Called by Weights
// and by families whose checkpoints keep several matrices in one; functions of their arguments.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/weight.h"

namespace vecton::checkpoint {

// Rows begin .. begin + n, in the file's own bytes where they can be used as they are.
tensor::Weight row_slice(const tensor::Weight& whole, int64_t begin, int64_t n);

// Any rows, in the order given: a copy.
tensor::Weight pick_rows(const tensor::Weight& whole, std::span<const int64_t> rows);

// Each of `count` matrices [rows, columns] that stand under each other, transposed; of dense ones
// alone (kUnsupported, by the weight's name): a copy.
tensor::Weight transposed(const tensor::Weight& whole, int64_t count);

}  // namespace vecton::checkpoint
