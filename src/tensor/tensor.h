// Tensor: a matrix of float32 activations, [rows, columns], row-major with a row stride.
//
// A value: cheap to copy, never written after the operation that made it has returned. Its storage
// goes back to the arena it came from when the last Tensor that refers to it is gone, so a forward
// pass holds what it needs and no more. `data` is an address of the backend that made it; only a
// backend may follow it.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

namespace vecton {

class Tensor {
 public:
  Tensor() = default;
  Tensor(std::shared_ptr<float> storage, int64_t rows, int64_t columns, int64_t stride)
      : storage_(std::move(storage)),
        data_(storage_.get()),
        rows_(rows),
        columns_(columns),
        stride_(stride) {}

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  int64_t stride() const { return stride_; }  // floats from one row to the next, >= columns
  bool empty() const { return rows_ == 0 || columns_ == 0; }

  float* data() const { return data_; }
  float* row(int64_t i) const { return data_ + i * stride_; }

  // Views: they share the storage.
  Tensor slice_columns(int64_t begin, int64_t count) const {
    Tensor view = *this;
    view.data_ += begin;
    view.columns_ = count;
    return view;
  }
  Tensor slice_rows(int64_t begin, int64_t count) const {
    Tensor view = *this;
    view.data_ += begin * stride_;
    view.rows_ = count;
    return view;
  }

  // Nobody else refers to the storage: an operation that was given this tensor for good may reuse
  // it.
  bool unique() const { return storage_.use_count() == 1; }

 private:
  std::shared_ptr<float> storage_;
  float* data_ = nullptr;
  int64_t rows_ = 0, columns_ = 0, stride_ = 0;
};

}  // namespace vecton
