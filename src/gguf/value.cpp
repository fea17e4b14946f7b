#include "gguf/value.h"

#include <bit>
#include <cstring>
#include <limits>

namespace vecton::gguf {

namespace {

static_assert(std::endian::native == std::endian::little, "GGUF files are read as they lie");

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

std::optional<int64_t> integer_at(ValueType type, const std::byte* at) {
  switch (type) {
    case ValueType::kU8:
      return load<uint8_t>(at);
    case ValueType::kI8:
      return load<int8_t>(at);
    case ValueType::kU16:
      return load<uint16_t>(at);
    case ValueType::kI16:
      return load<int16_t>(at);
    case ValueType::kU32:
      return load<uint32_t>(at);
    case ValueType::kI32:
      return load<int32_t>(at);
    case ValueType::kI64:
      return load<int64_t>(at);
    case ValueType::kU64: {
      const auto value = load<uint64_t>(at);
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
      return static_cast<int64_t>(value);
    }
    default:
      return std::nullopt;
  }
}

std::optional<double> number_at(ValueType type, const std::byte* at) {
  if (type == ValueType::kF32) return load<float>(at);
  if (type == ValueType::kF64) return load<double>(at);
  const std::optional<int64_t> integer = integer_at(type, at);
  return integer ? std::optional(static_cast<double>(*integer)) : std::nullopt;
}

}  // namespace

int64_t size_of(ValueType type) {
  switch (type) {
    case ValueType::kU8:
    case ValueType::kI8:
    case ValueType::kBool:
      return 1;
    case ValueType::kU16:
    case ValueType::kI16:
      return 2;
    case ValueType::kU32:
    case ValueType::kI32:
    case ValueType::kF32:
      return 4;
    case ValueType::kU64:
    case ValueType::kI64:
    case ValueType::kF64:
      return 8;
    case ValueType::kString:
    case ValueType::kArray:
      return 0;
  }
  return 0;
}

std::string_view words_of(ValueType type) {
  switch (type) {
    case ValueType::kF32:
    case ValueType::kF64:
      return "a float";
    case ValueType::kBool:
      return "a boolean";
    case ValueType::kString:
      return "a string";
    case ValueType::kArray:
      return "an array";
    default:
      return "an integer";
  }
}

std::optional<int64_t> Value::integer() const {
  return is_array ? std::nullopt : integer_at(type, bytes.data());
}

std::optional<double> Value::number() const {
  return is_array ? std::nullopt : number_at(type, bytes.data());
}

std::optional<bool> Value::boolean() const {
  if (is_array || type != ValueType::kBool) return std::nullopt;
  return load<uint8_t>(bytes.data()) != 0;
}

std::optional<std::string_view> Value::text() const {
  if (is_array || type != ValueType::kString) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::optional<std::vector<int64_t>> Value::integers() const {
  if (!is_array || type == ValueType::kString) return std::nullopt;
  const ValueType as = type == ValueType::kBool ? ValueType::kU8 : type;
  std::vector<int64_t> result(count);
  const int64_t size = size_of(type);
  for (size_t i = 0; i < result.size(); ++i) {
    const auto one = integer_at(as, bytes.data() + static_cast<int64_t>(i) * size);
    if (!one) return std::nullopt;
    result[i] = *one;
  }
  return result;
}

std::optional<std::vector<double>> Value::numbers() const {
  if (!is_array || type == ValueType::kString || type == ValueType::kBool) return std::nullopt;
  std::vector<double> result(count);
  const int64_t size = size_of(type);
  for (size_t i = 0; i < result.size(); ++i) {
    const auto one = number_at(type, bytes.data() + static_cast<int64_t>(i) * size);
    if (!one) return std::nullopt;
    result[i] = *one;
  }
  return result;
}

// Their lengths were checked when the file was read.
std::optional<std::vector<std::string_view>> Value::texts() const {
  if (!is_array || type != ValueType::kString) return std::nullopt;
  std::vector<std::string_view> result;
  result.reserve(count);
  const std::byte* at = bytes.data();
  for (uint64_t i = 0; i < count; ++i) {
    const auto length = load<uint64_t>(at);
    at += sizeof length;
    result.emplace_back(reinterpret_cast<const char*>(at), length);
    at += length;
  }
  return result;
}

}  // namespace vecton::gguf
