// HeaderReader: reads what stands before the data of one GGUF file. Used by File.
#pragma once

#include "gguf/file.h"

namespace vecton::gguf {

class HeaderReader {
 public:
  HeaderReader(std::span<const std::byte> bytes, const std::string& what)
      : bytes_(bytes), what_(what) {}

  File read();

 private:
  struct Place {
    size_t tensor;  // index
    uint64_t offset;
  };

  [[noreturn]] void fail(const std::string& message) const;
  uint64_t left() const { return bytes_.size() - at_; }
  std::span<const std::byte> take(uint64_t count, std::string_view of);
  template <class T>
  T number(std::string_view of);
  std::string_view string(std::string_view of);
  void version();
  uint64_t count_of(std::string_view of, uint64_t least_bytes);
  Value value(std::string_view key);
  Value single(ValueType type, std::string_view key);
  ValueType value_type(std::string_view key);
  void metadata(uint64_t count, File& file);
  void tensor(File& file, std::vector<Place>& places);
  void place(File& file, std::span<const Place> places);

  std::span<const std::byte> bytes_;
  const std::string& what_;
  uint64_t at_ = 0;
};

}  // namespace vecton::gguf
