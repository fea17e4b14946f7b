// Writing arrays to files that other tools read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "vecton/export.h"

namespace vecton {

struct NamedArray {
  std::string name{};
  std::vector<int64_t> shape{};
  std::vector<float> values{};  // row-major
};

// A safetensors file of F32 tensors, written whole or not at all (temporary file, then rename).
VECTON_API void write_safetensors(
    const std::filesystem::path& file, std::span<const NamedArray> arrays,
    const std::vector<std::pair<std::string, std::string>>& metadata = {});

}  // namespace vecton
