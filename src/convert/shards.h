// Shards: the safetensors files of a new checkpoint. Every tensor has its place before the first
// byte is written; then any part of any tensor may be written, from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace vecton::convert {

struct FileTensor {
  std::string name;
  tensor::DType dtype = tensor::DType::kF32;
  std::vector<int64_t> shape;
  int64_t bytes = 0;
};

class Shards {
 public:
  // Files of at most `most` bytes of tensors (5 GiB, as MLX has them), in the order given;
  // model.safetensors, or model-00001-of-0000N.safetensors. Makes them in `folder`.
  static constexpr int64_t kMost = int64_t{5} << 30;
  Shards(std::vector<FileTensor> tensors, const std::filesystem::path& folder,
         int64_t most = kMost);
  ~Shards();
  Shards(const Shards&) = delete;
  Shards& operator=(const Shards&) = delete;

  // Bytes [at, at + bytes.size()) of tensor `i`. Error (kIo) names the file.
  void write(size_t i, int64_t at, std::span<const std::byte> bytes);
  // All bytes are on the disk when it returns.
  void finish();

  int64_t total_bytes() const { return total_; }
  // What the index says, by name.
  const std::string& file_of(size_t i) const { return files_[places_[i].file].name; }
  const std::vector<FileTensor>& tensors() const { return tensors_; }

  // Bytes that the files will have at most, headers included.
  static int64_t size_of(const std::vector<FileTensor>& tensors);

 private:
  struct File {
    std::string name;
    int descriptor = -1;
    std::vector<size_t> tensors;
  };
  struct Place {
    size_t file = 0;
    int64_t offset = 0;
  };
  void begin(File& file);
  void write_at(const File& file, int64_t at, std::span<const std::byte> bytes) const;
  [[noreturn]] void fail(const File& file, const char* what) const;

  std::filesystem::path folder_;
  std::vector<FileTensor> tensors_;
  std::vector<File> files_;
  std::vector<Place> places_;
  int64_t total_ = 0;
};

}  // namespace vecton::convert
