// Tensors and config.json of models that are not there, for tests of what is made of them. Included
// by *_test.cpp only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "checkpoint/safetensors.h"
#include "convert/layout.h"
#include "convert/rows.h"
#include "vecton/error.h"

namespace vecton::convert {

template <typename F>
std::string refusal(F action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

inline checkpoint::StoredTensor stored(const std::string& name, std::vector<int64_t> shape) {
  static const std::vector<std::byte> zeros(1 << 16);
  int64_t numbers = 1;
  for (const int64_t size : shape) numbers *= size;
  checkpoint::StoredTensor tensor;
  tensor.name = name;
  tensor.source = "model.safetensors";
  tensor.shape = std::move(shape);
  tensor.bytes = std::span(zeros).first(static_cast<size_t>(numbers) * sizeof(float));
  return tensor;
}

inline Tensors tensors_of(const std::vector<std::pair<std::string, std::vector<int64_t>>>& list) {
  Tensors tensors;
  for (const auto& [name, shape] : list) tensors.emplace(name, stored(name, shape));
  return tensors;
}

inline std::vector<std::string> names_of(const std::vector<NewTensor>& tensors) {
  std::vector<std::string> names;
  for (const NewTensor& tensor : tensors) names.push_back(tensor.name);
  return names;
}

inline json::object config_of(const char* type, const char* architecture) {
  return {{"model_type", type}, {"architectures", {architecture}}, {"num_hidden_layers", 8}};
}

inline checkpoint::StoredTensor floats(const std::string& name, std::vector<int64_t> shape,
                                       const std::vector<float>& values) {
  checkpoint::StoredTensor tensor = stored(name, std::move(shape));
  auto copy = std::make_shared<std::vector<std::byte>>();
  const auto bytes = std::as_bytes(std::span(values));
  copy->assign(bytes.begin(), bytes.end());
  tensor.bytes = *copy;
  tensor.copy = std::move(copy);
  return tensor;
}

inline std::vector<float> numbers_of(const NewTensor& tensor) {
  const Rows rows(tensor.sources.front());
  std::vector<float> values(static_cast<size_t>(rows.numbers()));
  rows.read(0, values);
  return values;
}

}  // namespace vecton::convert
