#include "checkpoint/quantised/parts.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "checkpoint/float_bytes.h"
#include "checkpoint/name_text.h"
#include "checkpoint/shape.h"

namespace vecton::checkpoint {

std::vector<std::string> modules_with(const Tensors& tensors, std::string_view ending) {
  std::vector<std::string> modules;
  for (const auto& [name, tensor] : tensors) {
    if (name.size() > ending.size() && name.ends_with(ending))
      modules.push_back(name.substr(0, name.size() - ending.size()));
  }
  return modules;
}

void fail(const StoredTensor& tensor, const std::string& message, ErrorCode code) {
  throw Error(code, title(tensor) + ": " + message);
}

bool Parts::has(std::string_view ending) const {
  return tensors_.contains(module_ + std::string(ending));
}

const StoredTensor& Parts::take(std::string_view ending, std::initializer_list<tensor::DType> types,
                                size_t rank) {
  std::string name = module_ + std::string(ending);
  const auto place = tensors_.find(name);
  if (place == tensors_.end()) {
    const std::string where = tensors_.empty() ? "" : tensors_.begin()->second.source + ": ";
    throw Error(ErrorCode::kCorrupt, where + name_text(name) + ": missing");
  }
  const StoredTensor& tensor = place->second;
  if (std::ranges::find(types, tensor.dtype) == types.end()) {
    std::string names;
    for (const tensor::DType type : types)
      names += (names.empty() ? "" : ", ") + std::string(tensor::to_string(type));
    fail(tensor,
         "stored as " + std::string(tensor::to_string(tensor.dtype)) + ": expected " + names);
  }
  if (tensor.bytes.empty()) fail(tensor, "has no numbers");
  if (rank > 0 && tensor.shape.size() != rank) {
    fail(tensor,
         "expected " + std::to_string(rank) + " dimensions, found " + shape_text(tensor.shape));
  }
  taken_.push_back(std::move(name));
  return tensor;
}

const StoredTensor& Parts::take(std::string_view ending, std::initializer_list<tensor::DType> types,
                                std::span<const int64_t> shape) {
  const StoredTensor& tensor = take(ending, types, 0);
  if (!std::ranges::equal(tensor.shape, shape))
    fail(tensor, "expected " + shape_text(shape) + ", found " + shape_text(tensor.shape));
  return tensor;
}

void Parts::drop(std::initializer_list<std::string_view> endings) {
  for (const std::string_view ending : endings) tensors_.erase(module_ + std::string(ending));
}

int64_t Parts::taken_bytes() const {
  int64_t bytes = 0;
  for (const std::string& part : taken_)
    bytes += static_cast<int64_t>(tensors_.at(part).bytes.size());
  return bytes;
}

void Parts::replace(std::string_view name, std::vector<int64_t> shape, std::string format, int bits,
                    Make make, int64_t more_bytes) {
  const int64_t numbers = *shape_product(shape),
                kept = taken_bytes() - numbers * bits / 8 + kept_code_bytes(numbers, bits);
  put(name, std::move(shape), std::move(format), std::move(make), kept + more_bytes);
}

void Parts::replace_by_floats(std::string_view name, std::vector<int64_t> shape, std::string format,
                              Make make) {
  const int64_t bytes = 4 * *shape_product(shape);
  put(name, std::move(shape), std::move(format), std::move(make), bytes);
}

void Parts::put(std::string_view name, std::vector<int64_t> shape, std::string format, Make make,
                int64_t kept_bytes) {
  const auto parts = std::make_shared<std::vector<StoredTensor>>();
  auto made = std::make_shared<QuantisedTensor>();
  made->bytes = taken_bytes();
  made->kept_bytes = kept_bytes;
  for (const std::string& part : taken_) {
    const auto place = tensors_.find(part);
    parts->push_back(std::move(place->second));
    tensors_.erase(place);
  }
  made->format = std::move(format);
  const std::string full = module_ + std::string(name);
  const int64_t numbers = *shape_product(shape), columns = shape.back(), rows = numbers / columns;
  made->weight = [parts, make = std::move(make), rows, columns] {
    Made result = make(*parts);
    tensor::Weight& weight = result.weight;
    weight.name = parts->front().name;
    weight.rows = rows;
    weight.columns = columns;
    weight.keep =
        std::make_shared<std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>>(
            parts, std::move(result.copy));
    weight.release = [parts] {
      for (const StoredTensor& part : *parts) {
        if (part.file) part.file->release(part.bytes);
      }
    };
    return std::move(weight);
  };
  StoredTensor tensor;
  tensor.name = full;
  tensor.source = parts->front().source;
  tensor.shape = std::move(shape);
  tensor.bytes = parts->front().bytes;
  tensor.quantised = std::move(made);
  if (!tensors_.emplace(full, tensor).second)
    fail(tensor, "is there twice, quantised (" + parts->front().name + ") and not");
}

uint32_t word_at(const StoredTensor& tensor, int64_t place) {
  uint32_t word;
  std::memcpy(&word, tensor.bytes.data() + place * 4, sizeof word);
  return word;
}

tensor::BlockNumbers::Type number_type(const StoredTensor& tensor) {
  switch (tensor.dtype) {
    case tensor::DType::kF32:
      return tensor::BlockNumbers::Type::kF32;
    case tensor::DType::kF16:
      return tensor::BlockNumbers::Type::kF16;
    case tensor::DType::kBF16:
      return tensor::BlockNumbers::Type::kBF16;
    default:
      fail(tensor, "stored as " + std::string(tensor::to_string(tensor.dtype)) +
                       ": expected float32, float16 or bfloat16");
  }
}

tensor::BlockNumbers numbers_of(const StoredTensor& tensor, int64_t columns, int64_t rows) {
  return {.type = number_type(tensor),
          .block_rows = rows,
          .block_columns = columns,
          .bytes = tensor.bytes};
}

std::vector<float> transposed_floats(const StoredTensor& tensor) {
  const std::vector<float> stored = read_floats(tensor.dtype, tensor.bytes);
  const auto rows = static_cast<size_t>(tensor.shape[0]),
             columns = static_cast<size_t>(tensor.shape[1]);
  std::vector<float> result(stored.size());
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) result[j * rows + i] = stored[i * columns + j];
  }
  return result;
}

}  // namespace vecton::checkpoint
