// The tensors that make up one quantised matrix: found by the module's name, checked, and replaced
// by one. Called by the readers of this folder.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/quantised/quantisation.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "tensor/weight.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

// What of names is before `ending`, for every tensor whose name has it: "model.layers.0.mlp.up" of
// ".qweight".
std::vector<std::string> modules_with(const Tensors& tensors, std::string_view ending);

class Parts {
 public:
  Parts(Tensors& tensors, std::string module) : tensors_(tensors), module_(std::move(module)) {}

  bool has(std::string_view ending) const;
  // The module's tensor of this ending. Errors (kCorrupt) where it is missing, of none of these
  // types, has no bytes or another rank (0 = any).
  const StoredTensor& take(std::string_view ending, std::initializer_list<tensor::DType> types,
                           size_t rank = 2);
  const StoredTensor& take(std::string_view ending, std::initializer_list<tensor::DType> types,
                           std::span<const int64_t> shape);

  // Takes those of these endings that are there out of the checkpoint: the matrix is the same
  // without them.
  void drop(std::initializer_list<std::string_view> endings);

  // What the matrix is made of: the bytes of the parts stay while it does.
  struct Made {
    tensor::Weight weight;
    std::shared_ptr<const void> copy;  // owns bytes that are not the file's
  };
  // Replaces what was taken by a matrix `name` of this shape; make(parts) gives it when asked,
  // parts in the order in which they were taken.
  using Make = std::function<Made(std::span<const StoredTensor> parts)>;
  // Codes have `bits`; `more_bytes`: by how many more than the file's other parts are kept.
  void replace(std::string_view name, std::vector<int64_t> shape, std::string format, int bits,
               Make make, int64_t more_bytes = 0);
  // The same by float32 numbers.
  void replace_by_floats(std::string_view name, std::vector<int64_t> shape, std::string format,
                         Make make);

 private:
  void put(std::string_view name, std::vector<int64_t> shape, std::string format, Make make,
           int64_t kept_bytes);
  int64_t taken_bytes() const;

  Tensors& tensors_;
  std::string module_;
  std::vector<std::string> taken_;
};

[[noreturn]] void fail(const StoredTensor& tensor, const std::string& message,
                       ErrorCode code = ErrorCode::kCorrupt);

// The word at `place` of a tensor of int32; the bytes have no alignment.
uint32_t word_at(const StoredTensor& tensor, int64_t place);

// Of stored floats: float32, float16 or bfloat16.
tensor::BlockNumbers::Type number_type(const StoredTensor& tensor);

// One number per row and `columns` columns, as stored.
tensor::BlockNumbers numbers_of(const StoredTensor& tensor, int64_t columns, int64_t rows = 1);

// [out, in] of what a format keeps as [in, out]: stored floats, widened.
std::vector<float> transposed_floats(const StoredTensor& tensor);

}  // namespace vecton::checkpoint
