// TensorSpool: a safetensors file of any number of tensors, written with little memory: values go
// to a temporary file beside it, and behind their header once all are known.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/array_header.h"

namespace vecton::cli {

class TensorSpool {
 public:
  // Failure (kInput) when the file can't be created.
  explicit TensorSpool(const std::filesystem::path& file);
  ~TensorSpool();  // without finish() nothing stays behind
  TensorSpool(const TensorSpool&) = delete;
  TensorSpool& operator=(const TensorSpool&) = delete;

  void add(TensorEntry tensor, std::span<const float> values);
  void finish(const std::vector<std::pair<std::string, std::string>>& metadata);

 private:
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  static File open(const std::filesystem::path& file);
  void write(std::FILE* file, const void* bytes, size_t size) const;

  std::filesystem::path file_, values_path_, whole_path_;
  File values_;
  std::vector<TensorEntry> tensors_;
};

}  // namespace vecton::cli
