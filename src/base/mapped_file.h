// MappedFile: a file's bytes, read-only, through the page cache.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace vecton::base {

class MappedFile {
 public:
  // Errors: kNotFound, kIo. An empty file is an empty span.
  explicit MappedFile(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

  // Tells the system that these bytes of the map will not be read again soon: they stop counting as
  // resident.
  void release(std::span<const std::byte> part) const;

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace vecton::base
