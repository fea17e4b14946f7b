#include "convert/interleaved_experts.h"

#include <cstring>
#include <string>
#include <utility>

#include "checkpoint/name_text.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "checkpoint/shape.h"
#include "checkpoint/weight_rows.h"
#include "convert/rows.h"
#include "vecton/error.h"

namespace vecton::convert {

namespace {

using checkpoint::StoredTensor;

constexpr std::string_view kExperts = ".mlp.experts.";

[[noreturn]] void fail(const StoredTensor& tensor, const std::string& expected) {
  throw Error(ErrorCode::kCorrupt, tensor.source + ": " + checkpoint::name_text(tensor.name) +
                                       ": expected " + expected + ", found " +
                                       checkpoint::shape_text(tensor.shape));
}

// Rows `first`, `first` + 2 and so on of a matrix of codes.
StoredTensor every_second_row(const StoredTensor& tensor, int64_t first) {
  if (tensor.shape.size() != 3 || tensor.shape[1] % 2 != 0)
    fail(tensor, "experts of an even number of rows");
  StoredTensor half = tensor;
  half.shape[1] /= 2;
  const int64_t rows = half.shape[0] * half.shape[1];
  auto made = std::make_shared<checkpoint::QuantisedTensor>(*tensor.quantised);
  made->bytes /= 2;
  made->kept_bytes /= 2;
  made->weight = [whole = tensor.quantised, rows, first] {
    std::vector<int64_t> chosen;
    for (int64_t i = 0; i < rows; ++i) chosen.push_back(2 * i + first);
    return checkpoint::pick_rows(whole->weight(), chosen);
  };
  half.quantised = std::move(made);
  return half;
}

// Columns `first`, `first` + `step` and so on of each expert's dense matrix, as rows.
StoredTensor columns_as_rows(const StoredTensor& tensor, int64_t first, int64_t step) {
  if (tensor.shape.size() != 3 || tensor.shape[2] % step != 0)
    fail(tensor, "experts of matrices, inputs by outputs");
  const int64_t count = tensor.shape[0], inputs = tensor.shape[1], columns = tensor.shape[2],
                outputs = columns / step;
  StoredTensor made = tensor;
  made.shape = {count, outputs, inputs};
  made.dtype = tensor::DType::kF32;
  made.compute = [=] {
    const Rows rows(tensor);
    std::vector<float> one(static_cast<size_t>(inputs * columns));
    std::vector<std::byte> bytes(static_cast<size_t>(count * outputs * inputs) * sizeof(float));
    auto* out = reinterpret_cast<float*>(bytes.data());
    for (int64_t expert = 0; expert < count; ++expert) {
      rows.read(expert * inputs * columns, one);
      for (int64_t i = 0; i < outputs; ++i) {
        for (int64_t k = 0; k < inputs; ++k)
          *out++ = one[static_cast<size_t>(k * columns + first + i * step)];
      }
    }
    return bytes;
  };
  return made;
}

// Numbers `first`, `first` + 2 and so on of each expert's bias, in their own type.
StoredTensor every_second_number(const StoredTensor& tensor, int64_t first) {
  if (tensor.shape.size() != 2 || tensor.shape[1] % 2 != 0 || tensor.bytes.empty())
    fail(tensor, "an even number of values for each expert");
  const auto width = static_cast<size_t>(tensor::size_of(tensor.dtype));
  auto bytes = std::make_shared<std::vector<std::byte>>(tensor.bytes.size() / 2);
  for (size_t i = 0; i * width < bytes->size(); ++i) {
    std::memcpy(bytes->data() + i * width,
                tensor.bytes.data() + (2 * i + static_cast<size_t>(first)) * width, width);
  }
  StoredTensor half = tensor;
  half.shape[1] /= 2;
  half.bytes = *bytes;
  half.copy = std::move(bytes);
  half.file = nullptr;
  return half;
}

}  // namespace

void split_interleaved_experts(const json::object& config, Tensors& tensors) {
  if (!mlx_rules(config).interleaved_experts) return;
  Tensors made;
  for (auto& [name, tensor] : tensors) {
    const size_t at = name.find(kExperts);
    const size_t begin = at + kExperts.size();
    const std::string before = at == name.npos ? "" : name.substr(0, begin),
                      part = at == name.npos ? "" : name.substr(begin);
    if (part == "gate_up_proj.weight" && tensor.quantised) {
      made.emplace(before + "gate_proj.weight", every_second_row(tensor, 0));
      made.emplace(before + "up_proj.weight", every_second_row(tensor, 1));
    } else if (part == "gate_up_proj") {
      made.emplace(before + "gate_proj.weight", columns_as_rows(tensor, 0, 2));
      made.emplace(before + "up_proj.weight", columns_as_rows(tensor, 1, 2));
    } else if (part == "down_proj") {
      made.emplace(before + "down_proj.weight", columns_as_rows(tensor, 0, 1));
    } else if (part == "gate_up_proj_bias") {
      made.emplace(before + "gate_proj.bias", every_second_number(tensor, 0));
      made.emplace(before + "up_proj.bias", every_second_number(tensor, 1));
    } else if (part == "down_proj_bias") {
      made.emplace(before + "down_proj.bias", std::move(tensor));
    } else {
      made.emplace(name, std::move(tensor));
    }
  }
  tensors = std::move(made);
}

}  // namespace vecton::convert
