#include "server/number_type.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/half.h"
#include "server/failure.h"

namespace vecton::server {

namespace {

struct Row {
  NumberType type;
  const char* name;
  double largest;  // of a number of it; 0 = float32's
};

constexpr Row kTypes[] = {
    {NumberType::kFloat32, "float32", 0},      {NumberType::kFloat16, "float16", 65504},
    {NumberType::kBfloat16, "bfloat16", 0},    {NumberType::kFp8E4m3, "fp8_e4m3", 448},
    {NumberType::kFp8E5m2, "fp8_e5m2", 57344}, {NumberType::kInt8, "int8", 0},
    {NumberType::kUint8, "uint8", 0},          {NumberType::kBinary, "binary", 0},
    {NumberType::kUbinary, "ubinary", 0},
};

const Row& row_of(NumberType type) { return kTypes[static_cast<size_t>(type)]; }

// An 8-bit float with so many bits of mantissa, rounded to the nearest, ties to even.
uint8_t to_fp8(float value, int mantissa, int bias) {
  const auto sign = static_cast<uint8_t>(std::signbit(value) ? 0x80 : 0);
  const double magnitude = std::abs(static_cast<double>(value));
  if (magnitude == 0) return sign;
  const int least = 1 - bias, exponent = std::max(std::ilogb(magnitude), least);
  // Rounding up to the next power of two carries into the exponent by itself.
  const auto whole = static_cast<int>(std::nearbyint(std::ldexp(magnitude, mantissa - exponent)));
  return static_cast<uint8_t>(sign | (((exponent - least) << mantissa) + whole));
}

uint16_t to_16_bits(float value, NumberType type) {
  return type == NumberType::kFloat16 ? base::float_to_f16(value) : base::float_to_bf16(value);
}

void check_range(std::span<const float> values, NumberType type) {
  const Row& row = row_of(type);
  for (const float value : values) {
    if (!std::isfinite(value))
      throw Failure(Cause::kInternal, "the model gave a number that is not finite");
    if (row.largest == 0 || std::abs(static_cast<double>(value)) <= row.largest) continue;
    std::string message = std::string("embed_dtype: ") + row.name + " holds numbers up to ";
    append_number(message, row.largest);
    message += ", and the model gave ";
    append_number(message, static_cast<double>(value));
    throw Failure(Cause::kInvalid, message + ": use float32 or bfloat16", "embed_dtype");
  }
}

std::vector<int> bytes_of_bits(std::span<const float> values, int offset) {
  std::vector<int> whole;
  for (size_t i = 0; i + 8 <= values.size(); i += 8) {
    int byte = 0;
    for (size_t bit = 0; bit < 8; ++bit) byte = byte << 1 | (values[i + bit] >= 0 ? 1 : 0);
    whole.push_back(byte - offset);
  }
  return whole;
}

std::vector<int> whole_numbers(std::span<const float> values, NumberType type) {
  check_range(values, type);
  if (is_bits(type)) return bytes_of_bits(values, type == NumberType::kBinary ? 128 : 0);
  double largest = 0;
  for (const float value : values)
    largest = std::max(largest, std::abs(static_cast<double>(value)));
  const double scale = largest > 0 ? 127 / largest : 0;
  const int offset = type == NumberType::kUint8 ? 128 : 0;
  std::vector<int> whole;
  for (const float value : values)
    whole.push_back(static_cast<int>(std::nearbyint(value * scale)) + offset);
  return whole;
}

}  // namespace

const char* to_string(NumberType type) { return row_of(type).name; }

std::optional<NumberType> number_type_from(std::string_view name) {
  if (name == "float") return NumberType::kFloat32;
  for (const Row& row : kTypes) {
    if (name == row.name) return row.type;
  }
  return {};
}

bool is_whole(NumberType type) { return type >= NumberType::kInt8; }
bool is_bits(NumberType type) { return type >= NumberType::kBinary; }

void check_size(NumberType type, int64_t size, const std::string& field) {
  if (!is_bits(type) || size % 8 == 0) return;
  throw Failure(
      Cause::kInvalid,
      "binary embeddings need a dimension that is a multiple of 8, found " + std::to_string(size),
      field);
}

std::string number_bytes(std::span<const float> values, NumberType type, Endian endian) {
  if (type == NumberType::kFloat32) return float_bytes(values, endian);
  std::string bytes;
  if (is_whole(type)) {
    for (const int number : whole_numbers(values, type)) bytes += static_cast<char>(number);
    return bytes;
  }
  check_range(values, type);
  for (const float value : values) {
    if (type == NumberType::kFp8E4m3) {
      bytes += static_cast<char>(to_fp8(value, 3, 7));
    } else if (type == NumberType::kFp8E5m2) {
      bytes += static_cast<char>(to_fp8(value, 2, 15));
    } else {
      const uint16_t bits = to_16_bits(value, type);
      const char low = static_cast<char>(bits & 0xff), high = static_cast<char>(bits >> 8);
      bytes += endian == Endian::kBig ? high : low;
      bytes += endian == Endian::kBig ? low : high;
    }
  }
  return bytes;
}

void append_whole(std::string& out, std::span<const float> values, NumberType type) {
  out += '[';
  for (const int number : whole_numbers(values, type)) {
    if (out.back() != '[') out += ',';
    append_number(out, static_cast<int64_t>(number));
  }
  out += ']';
}

}  // namespace vecton::server
