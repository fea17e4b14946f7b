#include "convert/shards.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/json.h"
#include "checkpoint/safetensors_header.h"
#include "vecton/error.h"

namespace vecton::convert {

namespace {

constexpr int64_t kAlignment = 64;  // of the data in a file

std::string shard_name(size_t number, size_t count) {
  if (count == 1) return "model.safetensors";
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", number, count);
  return name;
}

}  // namespace

int64_t Shards::size_of(const std::vector<FileTensor>& tensors) {
  int64_t bytes = 4096;
  for (const FileTensor& tensor : tensors)
    bytes += tensor.bytes + static_cast<int64_t>(tensor.name.size()) + 200;
  return bytes;
}

Shards::Shards(std::vector<FileTensor> tensors, const std::filesystem::path& folder, int64_t most)
    : folder_(folder), tensors_(std::move(tensors)), places_(tensors_.size()) {
  int64_t size = 0;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (files_.empty() || size + tensors_[i].bytes > most) {
      files_.emplace_back();
      size = 0;
    }
    files_.back().tensors.push_back(i);
    places_[i].file = files_.size() - 1;
    size += tensors_[i].bytes;
    total_ += tensors_[i].bytes;
  }
  for (size_t i = 0; i < files_.size(); ++i) {
    files_[i].name = shard_name(i + 1, files_.size());
    begin(files_[i]);
  }
}

Shards::~Shards() {
  for (const File& file : files_) {
    if (file.descriptor >= 0) ::close(file.descriptor);
  }
}

void Shards::fail(const File& file, const char* what) const {
  const std::string reason = std::strerror(errno);
  throw Error(ErrorCode::kIo, (folder_ / file.name).string() + ": " + what + ": " + reason);
}

void Shards::begin(File& file) {
  // Wide types first: every tensor is aligned to its own type.
  std::vector<size_t> order = file.tensors;
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    return tensor::size_of(tensors_[a].dtype) > tensor::size_of(tensors_[b].dtype);
  });
  json::object header{{"__metadata__", {{"format", "mlx"}}}};
  int64_t at = 0;
  for (const size_t i : order) {
    const FileTensor& tensor = tensors_[i];
    header[tensor.name] = {{"dtype", checkpoint::safetensors_dtype(tensor.dtype)},
                           {"shape", json::array(tensor.shape.begin(), tensor.shape.end())},
                           {"data_offsets", {at, at + tensor.bytes}}};
    places_[i].offset = at;
    at += tensor.bytes;
  }
  std::string text = json::serialize(header);
  const auto used = static_cast<int64_t>(sizeof(uint64_t) + text.size());
  text.append(static_cast<size_t>((kAlignment - used % kAlignment) % kAlignment), ' ');
  std::string start;
  for (int i = 0; i < 8; ++i) start += static_cast<char>(text.size() >> (8 * i) & 0xff);
  start += text;
  for (const size_t i : order) places_[i].offset += static_cast<int64_t>(start.size());

  file.descriptor =
      ::open((folder_ / file.name).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file.descriptor < 0) fail(file, "can't be created");
  if (::ftruncate(file.descriptor, static_cast<int64_t>(start.size()) + at) != 0)
    fail(file, "can't be made as long as needed");
  write_at(file, 0, std::as_bytes(std::span(start)));
}

void Shards::write_at(const File& file, int64_t at, std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(file.descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail(file, "can't be written");
    bytes = bytes.subspan(static_cast<size_t>(n));
    at += n;
  }
}

void Shards::write(size_t i, int64_t at, std::span<const std::byte> bytes) {
  write_at(files_[places_[i].file], places_[i].offset + at, bytes);
}

void Shards::finish() {
  for (File& file : files_) {
    if (::fsync(file.descriptor) != 0 && errno != EINVAL) fail(file, "can't be written");
    const int descriptor = std::exchange(file.descriptor, -1);
    if (::close(descriptor) != 0) fail(file, "can't be written");
  }
}

}  // namespace vecton::convert
