// The opening bytes of array files. Their length does not depend on the number of rows, so that
// they can be written again once all rows are there.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace vecton::cli {

// NumPy format 1.0, little-endian float32, C order: 128 bytes.
std::string npy_header(int64_t rows, int64_t columns);

// Safetensors with one F32 tensor [rows, columns] and metadata, padded with spaces to a length that
// fits any `rows`.
std::string safetensors_header(const std::string& name, int64_t rows, int64_t columns,
                               const std::vector<std::pair<std::string, std::string>>& metadata);

struct TensorEntry {
  std::string name;
  std::vector<int64_t> shape;
};
// Safetensors with F32 tensors that follow each other in this order.
std::string safetensors_header(const std::vector<TensorEntry>& tensors,
                               const std::vector<std::pair<std::string, std::string>>& metadata);

}  // namespace vecton::cli
