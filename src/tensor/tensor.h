// Tensor: a handle to a matrix in a backend's memory, [rows, columns], row-major with a row stride.
//
// A value: cheap to copy, never written after the operation that made it has returned. Its storage
// goes back to where it came from when the last Tensor that refers to it is gone, so a forward pass
// holds what it needs and no more. Where the numbers are only the backend that made it knows.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "tensor/dtype.h"
#include "tensor/storage.h"

namespace vecton::tensor {

class Tensor {
 public:
  Tensor() = default;
  Tensor(std::shared_ptr<Storage> storage, int64_t rows, int64_t columns, int64_t stride,
         DType dtype = DType::kF32)
      : storage_(std::move(storage)),
        rows_(rows),
        columns_(columns),
        stride_(stride),
        dtype_(dtype) {}

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  int64_t stride() const { return stride_; }  // numbers from one row to the next, >= columns
  DType dtype() const { return dtype_; }
  bool empty() const { return rows_ == 0 || columns_ == 0; }

  // Of backends: the memory, and how many numbers lie before the first one of this tensor. A
  // default Tensor has none.
  Storage* storage() const { return storage_.get(); }
  int64_t offset() const { return offset_; }

  // Views: they share the storage.
  Tensor slice_columns(int64_t begin, int64_t count) const {
    Tensor view = *this;
    view.offset_ += begin;
    view.columns_ = count;
    return view;
  }
  Tensor slice_rows(int64_t begin, int64_t count) const {
    Tensor view = *this;
    view.offset_ += begin * stride_;
    view.rows_ = count;
    return view;
  }

  // Nobody else refers to the storage: an operation that was given this tensor for good may reuse
  // it.
  bool unique() const { return storage_.use_count() == 1; }

 private:
  std::shared_ptr<Storage> storage_;
  int64_t offset_ = 0, rows_ = 0, columns_ = 0, stride_ = 0;
  DType dtype_ = DType::kF32;
};

}  // namespace vecton::tensor

namespace vecton {
using tensor::Tensor;  // every folder speaks of tensors
}  // namespace vecton
