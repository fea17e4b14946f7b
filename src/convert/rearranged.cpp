#include "convert/rearranged.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "checkpoint/name_text.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "checkpoint/shape.h"
#include "checkpoint/weight_rows.h"
#include "convert/rows.h"
#include "quantise/quantise.h"
#include "vecton/error.h"

namespace vecton::convert {

namespace {

using checkpoint::StoredTensor;
using Bytes = std::vector<std::byte>;

// The bytes of a tensor that is not quantised, for as long as they are worked on.
class Stored {
 public:
  explicit Stored(const StoredTensor& tensor)
      : tensor_(tensor), made_(tensor.compute ? tensor.compute() : Bytes()) {}
  ~Stored() {
    if (tensor_.file) tensor_.file->release(tensor_.bytes);
  }
  Stored(const Stored&) = delete;
  Stored& operator=(const Stored&) = delete;

  std::span<const std::byte> bytes() const {
    return tensor_.compute ? std::span<const std::byte>(made_) : tensor_.bytes;
  }

 private:
  const StoredTensor& tensor_;
  Bytes made_;
};

// `tensor` as one of this shape, whose bytes `make` makes of it.
StoredTensor made_of(const StoredTensor& tensor, std::vector<int64_t> shape,
                     std::function<Bytes(const StoredTensor&)> make) {
  StoredTensor made = tensor;
  made.shape = std::move(shape);
  const auto size = static_cast<size_t>(
      checkpoint::shape_product(made.shape, tensor::size_of(made.dtype)).value_or(0));
  made.bytes = tensor.bytes.first(std::min(size, tensor.bytes.size()));  // to be counted
  made.file = nullptr;
  made.compute = [tensor, make = std::move(make)] { return make(tensor); };
  return made;
}

// Float32 that `make` makes, in the place of what is quantised and has the format of `tensor`.
StoredTensor dequantised(const StoredTensor& tensor, std::vector<int64_t> shape, int64_t bytes,
                         std::function<std::vector<float>()> make) {
  StoredTensor made = tensor;
  made.shape = std::move(shape);
  made.compute = nullptr;
  const int64_t rows = made.shape[0], columns = made.shape[1];
  auto matrix = std::make_shared<checkpoint::QuantisedTensor>(*tensor.quantised);
  matrix->bytes = bytes;
  matrix->kept_bytes = rows * columns * static_cast<int64_t>(sizeof(float));
  matrix->weight = [name = tensor.name, rows, columns, make = std::move(make)] {
    const auto numbers = std::make_shared<const std::vector<float>>(make());
    tensor::Weight weight;
    weight.name = name;
    weight.rows = rows;
    weight.columns = columns;
    weight.codes.bytes = std::as_bytes(std::span(*numbers));
    weight.keep = numbers;
    return weight;
  };
  made.quantised = std::move(matrix);
  return made;
}

int64_t stored_bytes(const StoredTensor& tensor) {
  return tensor.quantised ? tensor.quantised->bytes : static_cast<int64_t>(tensor.bytes.size());
}

// Units of `size` things each, in the order given.
template <typename T>
void pick(const T* from, const std::vector<int64_t>& order, size_t size, T* out) {
  for (const int64_t unit : order)
    out = std::copy_n(from + static_cast<size_t>(unit) * size, size, out);
}

std::vector<float> numbers_of(const StoredTensor& tensor) {
  const Rows rows(tensor);
  std::vector<float> numbers(static_cast<size_t>(rows.numbers()));
  rows.read(0, numbers);
  return numbers;
}

}  // namespace

void refuse_shape(const StoredTensor& tensor, const std::string& expected) {
  throw Error(ErrorCode::kCorrupt, checkpoint::title(tensor) + ": expected " + expected +
                                       ", found " + checkpoint::shape_text(tensor.shape));
}

StoredTensor some_rows(const StoredTensor& tensor, int64_t columns, std::vector<int64_t> rows,
                       std::vector<int64_t> shape) {
  if (!tensor.quantised) {
    const auto width = static_cast<size_t>(columns * tensor::size_of(tensor.dtype));
    return made_of(tensor, std::move(shape), [width, rows = std::move(rows)](const auto& whole) {
      const Stored stored(whole);
      Bytes made(rows.size() * width);
      for (size_t i = 0; i < rows.size(); ++i) {
        std::memcpy(made.data() + i * width,
                    stored.bytes().data() + static_cast<size_t>(rows[i]) * width, width);
      }
      return made;
    });
  }
  StoredTensor part = tensor;
  auto made = std::make_shared<checkpoint::QuantisedTensor>(*tensor.quantised);
  const int64_t all = checkpoint::shape_product(tensor.shape).value_or(0) / columns,
                kept = static_cast<int64_t>(rows.size());
  made->bytes = made->bytes / all * kept;
  made->kept_bytes = made->kept_bytes / all * kept;
  made->weight = [whole = tensor.quantised, rows = std::move(rows)] {
    return checkpoint::pick_rows(whole->weight(), rows);
  };
  part.shape = std::move(shape);
  part.quantised = std::move(made);
  return part;
}

StoredTensor some_columns(const StoredTensor& tensor, std::vector<int64_t> columns) {
  const auto rows = static_cast<size_t>(tensor.shape[0]),
             count = static_cast<size_t>(tensor.shape[1]);
  const auto in_order = [rows, count, columns = std::move(columns)](const auto* from, size_t size,
                                                                    auto* out) {
    for (size_t row = 0; row < rows; ++row)
      pick(from + row * count * size, columns, size, out + row * columns.size() * size);
  };
  if (tensor.quantised) {
    return dequantised(tensor, tensor.shape, tensor.quantised->bytes, [tensor, in_order] {
      const std::vector<float> numbers = numbers_of(tensor);
      std::vector<float> made(numbers.size());
      in_order(numbers.data(), 1, made.data());
      return made;
    });
  }
  return made_of(tensor, tensor.shape, [in_order](const StoredTensor& whole) {
    const Stored stored(whole);
    Bytes made(stored.bytes().size());
    in_order(stored.bytes().data(), static_cast<size_t>(tensor::size_of(whole.dtype)), made.data());
    return made;
  });
}

StoredTensor joined_rows(const StoredTensor& first, const StoredTensor& second,
                         std::vector<int64_t> rows) {
  const std::vector<int64_t> shape{static_cast<int64_t>(rows.size()), first.shape[1]};
  const auto columns = static_cast<size_t>(shape[1]);
  if (!first.quantised && !second.quantised && first.dtype == second.dtype) {
    StoredTensor made = made_of(first, shape, [second, columns, rows](const StoredTensor& one) {
      const size_t row = columns * static_cast<size_t>(tensor::size_of(one.dtype));
      Bytes both;
      for (const StoredTensor* part : {&one, &second}) {
        const Stored stored(*part);
        both.insert(both.end(), stored.bytes().begin(), stored.bytes().end());
      }
      Bytes in_order(rows.size() * row);
      pick(both.data(), rows, row, in_order.data());
      return in_order;
    });
    return made;
  }
  const auto numbers = [first, second, columns, rows = std::move(rows)] {
    std::vector<float> both = numbers_of(first);
    const std::vector<float> others = numbers_of(second);
    both.insert(both.end(), others.begin(), others.end());
    std::vector<float> made(rows.size() * columns);
    pick(both.data(), rows, columns, made.data());
    return made;
  };
  const StoredTensor& quantised = first.quantised ? first : second;
  if (quantised.quantised)
    return dequantised(quantised, shape, stored_bytes(first) + stored_bytes(second), numbers);
  StoredTensor made = first;
  made.dtype = tensor::DType::kF32;
  made.shape = shape;
  made.file = nullptr;
  made.compute = [numbers] {
    const std::vector<float> values = numbers();
    const auto bytes = std::as_bytes(std::span(values));
    return Bytes(bytes.begin(), bytes.end());
  };
  return made;
}

StoredTensor transposed(const StoredTensor& tensor) {
  const int64_t count = tensor.shape[0], rows = tensor.shape[1], columns = tensor.shape[2];
  std::vector<int64_t> shape{count, columns, rows};
  if (tensor.quantised) {
    StoredTensor made = tensor;
    made.dtype = tensor::DType::kF32;
    made.quantised = nullptr;
    made.file = nullptr;
    made.compute = [tensor] {
      const std::vector<float> numbers = numbers_of(tensor);
      const auto bytes = std::as_bytes(std::span(numbers));
      return Bytes(bytes.begin(), bytes.end());
    };
    return transposed(made);
  }
  return made_of(tensor, std::move(shape), [=](const StoredTensor& whole) {
    const Stored stored(whole);
    const auto width = static_cast<size_t>(tensor::size_of(whole.dtype));
    Bytes made(static_cast<size_t>(count * rows * columns) * width);
    std::byte* out = made.data();
    for (int64_t matrix = 0; matrix < count; ++matrix) {
      const std::byte* from =
          stored.bytes().data() + static_cast<size_t>(matrix * rows * columns) * width;
      for (int64_t j = 0; j < columns; ++j) {
        for (int64_t i = 0; i < rows; ++i, out += width)
          std::memcpy(out, from + static_cast<size_t>(i * columns + j) * width, width);
      }
    }
    return made;
  });
}

StoredTensor plus_one(const StoredTensor& tensor) {
  return made_of(tensor, tensor.shape, [](const StoredTensor& whole) {
    std::vector<float> numbers = numbers_of(whole);
    for (float& number : numbers) number += 1;
    Bytes made(numbers.size() * static_cast<size_t>(tensor::size_of(whole.dtype)));
    quantise::narrow(whole.dtype, numbers, made, checkpoint::title(whole));
    return made;
  });
}

}  // namespace vecton::convert
