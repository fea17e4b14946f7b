// Safetensors files that tests and fuzzers write. Included by them only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace vecton::testing {

// A safetensors file of any header text.
inline std::string safetensors_of(std::string_view header, std::string_view data) {
  const auto length = static_cast<uint64_t>(header.size());
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(length >> (8 * i) & 0xff);
  return file.append(header).append(data);
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

struct NamedArray {
  std::string name{};
  std::vector<int64_t> shape{};
  std::vector<float> values{};  // row-major
};

inline void write_safetensors(const std::filesystem::path& file,
                              std::span<const NamedArray> arrays) {
  json::object header;
  std::string data;
  for (const NamedArray& array : arrays) {
    const size_t begin = data.size();
    data += bytes_of(array.values);
    header[array.name] = {{"dtype", "F32"},
                          {"shape", json::array(array.shape.begin(), array.shape.end())},
                          {"data_offsets", {begin, data.size()}}};
  }
  std::string text = json::serialize(header);
  text.append((64 - (8 + text.size()) % 64) % 64, ' ');  // the data begin where floats may
  std::filesystem::remove(file);                         // an earlier one may be mapped
  std::ofstream(file, std::ios::binary) << safetensors_of(text, data);
}

}  // namespace vecton::testing
