// Value: what a GGUF file's metadata has under a key: a view into the file, which must outlive it.
// Any thread may read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace vecton::gguf {

// With the numbers of the file.
enum class ValueType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};
constexpr uint32_t kLastValueType = 12;

// Bytes of one; 0 for strings and arrays.
int64_t size_of(ValueType type);
// "an integer", for messages.
std::string_view words_of(ValueType type);

struct Value {
  ValueType type = ValueType::kU8;  // of an array, of its elements
  bool is_array = false;
  uint64_t count = 1;                // of an array
  std::span<const std::byte> bytes;  // as they lie in the file; a string's own without its length

  // Of a single value; none where it is another kind of thing. An integer above 2^63 - 1 is none.
  std::optional<int64_t> integer() const;
  std::optional<double> number() const;  // of integers and floats
  std::optional<bool> boolean() const;
  std::optional<std::string_view> text() const;

  // Of an array.
  std::optional<std::vector<int64_t>> integers() const;  // and of booleans, as 0 and 1
  std::optional<std::vector<double>> numbers() const;
  std::optional<std::vector<std::string_view>> texts() const;
};

}  // namespace vecton::gguf
