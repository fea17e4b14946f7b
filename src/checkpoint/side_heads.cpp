#include "checkpoint/side_heads.h"

#include <string>

#include "base/files.h"

namespace vecton::checkpoint {

namespace {

constexpr std::string_view kTensorFileEndings[] = {".safetensors", ".pt"};

bool has(const std::filesystem::path& folder, std::string_view name) {
  for (const std::string_view ending : kTensorFileEndings) {
    if (base::is_file(folder / (std::string(name) + std::string(ending)))) return true;
  }
  return false;
}

}  // namespace

bool has_side_heads(const std::filesystem::path& folder) {
  return has(folder, kSparseLinear) && has(folder, kColbertLinear);
}

bool is_side_head(std::string_view file) {
  for (const std::string_view name : {kSparseLinear, kColbertLinear}) {
    for (const std::string_view ending : kTensorFileEndings) {
      if (file.starts_with(name) && file.substr(name.size()) == ending) return true;
    }
  }
  return false;
}

}  // namespace vecton::checkpoint
