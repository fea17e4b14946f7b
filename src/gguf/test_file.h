// GGUF files put together key by key and tensor by tensor, for tests. Included by *_test.cpp and
// fuzzers only.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/types.h"
#include "gguf/value.h"

namespace vecton::gguf {

class TestFile {
 public:
  // "general.architecture".
  explicit TestFile(std::string_view architecture = "llama") {
    text("general.architecture", architecture);
  }

  template <class T>
  static std::string raw(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
  }
  static std::string string(std::string_view text) {
    return raw<uint64_t>(text.size()) + std::string(text);
  }

  // A value's bytes as they are to lie in the file.
  TestFile& value(std::string_view key, ValueType type, const std::string& bytes) {
    keys_ += string(key) + raw(static_cast<uint32_t>(type)) + bytes;
    ++key_count_;
    return *this;
  }
  TestFile& text(std::string_view key, std::string_view text) {
    return value(key, ValueType::kString, string(text));
  }
  TestFile& integer(std::string_view key, uint32_t number) {
    return value(key, ValueType::kU32, raw(number));
  }
  TestFile& number(std::string_view key, float number) {
    return value(key, ValueType::kF32, raw(number));
  }
  TestFile& boolean(std::string_view key, bool flag) {
    return value(key, ValueType::kBool, std::string(1, static_cast<char>(flag)));
  }
  TestFile& texts(std::string_view key, const std::vector<std::string>& list) {
    std::string bytes = array(ValueType::kString, list.size());
    for (const std::string& each : list) bytes += string(each);
    return value(key, ValueType::kArray, bytes);
  }
  TestFile& integers(std::string_view key, const std::vector<int32_t>& list) {
    return value(key, ValueType::kArray, array(ValueType::kI32, list.size()) + bytes_of(list));
  }
  TestFile& numbers(std::string_view key, const std::vector<float>& list) {
    return value(key, ValueType::kArray, array(ValueType::kF32, list.size()) + bytes_of(list));
  }
  static std::string array(ValueType type, uint64_t count) {
    return raw(static_cast<uint32_t>(type)) + raw(count);
  }

  // `shape`: the slowest dimension first.
  TestFile& tensor(std::string_view name, TensorType type, std::vector<uint64_t> shape,
                   std::string_view bytes) {
    data_.resize((data_.size() + 31) / 32 * 32);
    tensors_ += string(name) + raw(static_cast<uint32_t>(shape.size()));
    for (auto size = shape.rbegin(); size != shape.rend(); ++size) tensors_ += raw(*size);
    tensors_ += raw(static_cast<uint32_t>(type)) + raw<uint64_t>(data_.size());
    data_ += bytes;
    ++tensor_count_;
    return *this;
  }
  TestFile& floats(std::string_view name, std::vector<uint64_t> shape,
                   const std::vector<float>& values) {
    return tensor(name, TensorType::kF32, std::move(shape), bytes_of(values));
  }

  std::string header() const {
    return "GGUF" + raw<uint32_t>(3) + raw(tensor_count_) + raw(key_count_) + keys_ + tensors_;
  }
  std::string bytes() const {
    std::string file = header();
    file.resize((file.size() + 31) / 32 * 32);
    return file + data_;
  }

  template <class T>
  static std::string bytes_of(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
  }

 private:
  std::string keys_, tensors_, data_;
  uint64_t key_count_ = 0, tensor_count_ = 0;
};

}  // namespace vecton::gguf
