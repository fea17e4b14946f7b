// Tensors of a checkpoint in another order: some rows, matrices transposed. Nothing is read before
// the new tensor is; what is made then is as large as it. Used by mlx_form.cpp, from one thread;
// what they return, from any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"

namespace vecton::convert {

// kCorrupt: "FILE: TENSOR: expected EXPECTED, found SHAPE".
[[noreturn]] void refuse_shape(const checkpoint::StoredTensor& tensor, const std::string& expected);

// Rows of `columns` numbers each, in the order given, as a tensor of this shape. What is quantised
// stays so.
checkpoint::StoredTensor some_rows(const checkpoint::StoredTensor& tensor, int64_t columns,
                                   std::vector<int64_t> rows, std::vector<int64_t> shape);

// Columns of a matrix in the order given. What is quantised becomes a matrix of float32 that counts
// as quantised still, and so do two that joined_rows() makes one.
checkpoint::StoredTensor some_columns(const checkpoint::StoredTensor& tensor,
                                      std::vector<int64_t> columns);

// Rows of two matrices of as many columns, those of the first counted before those of the second,
// in the order given.
checkpoint::StoredTensor joined_rows(const checkpoint::StoredTensor& first,
                                     const checkpoint::StoredTensor& second,
                                     std::vector<int64_t> rows);

// Each of the matrices [count, rows, columns]; numbers of what is quantised become float32.
checkpoint::StoredTensor transposed(const checkpoint::StoredTensor& tensor);

// A vector with 1 added to every number, in the type that it has.
checkpoint::StoredTensor plus_one(const checkpoint::StoredTensor& tensor);

}  // namespace vecton::convert
