#include "cli/tensor_spool.h"

#include <cerrno>
#include <cstring>

#include "cli/failure.h"

namespace vecton::cli {

namespace fs = std::filesystem;

TensorSpool::File TensorSpool::open(const fs::path& file) {
  File opened(std::fopen(file.c_str(), "wb+"), std::fclose);
  if (!opened) throw Failure(ExitStatus::kInput, file.string() + ": " + std::strerror(errno));
  return opened;
}

TensorSpool::TensorSpool(const fs::path& file)
    : file_(file),
      values_path_(file.string() + ".values"),
      whole_path_(file.string() + ".new"),
      values_(open(values_path_)) {}

TensorSpool::~TensorSpool() {
  std::error_code error;
  fs::remove(values_path_, error);
  fs::remove(whole_path_, error);
}

void TensorSpool::write(std::FILE* file, const void* bytes, size_t size) const {
  if (size > 0 && std::fwrite(bytes, 1, size, file) != size) {
    throw Failure(ExitStatus::kInternal, file_.string() + ": " + std::strerror(errno));
  }
}

void TensorSpool::add(TensorEntry tensor, std::span<const float> values) {
  write(values_.get(), values.data(), values.size_bytes());
  tensors_.push_back(std::move(tensor));
}

void TensorSpool::finish(const std::vector<std::pair<std::string, std::string>>& metadata) {
  const std::string header = safetensors_header(tensors_, metadata);
  const File whole = open(whole_path_);
  write(whole.get(), header.data(), header.size());
  std::rewind(values_.get());
  std::vector<char> block(1 << 20);
  while (const size_t got = std::fread(block.data(), 1, block.size(), values_.get())) {
    write(whole.get(), block.data(), got);
  }
  if (std::fflush(whole.get()) != 0 || std::ferror(values_.get()) != 0) {
    throw Failure(ExitStatus::kInternal, file_.string() + ": " + std::strerror(errno));
  }
  fs::rename(whole_path_, file_);
}

}  // namespace vecton::cli
