// The types that a client may ask a vector's numbers in: vLLM's embed_dtype, the embedding_types of
// Cohere and Jina, Voyage's output_dtype.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/render.h"

namespace vecton::server {

// int8 is round(127 v / m), m the largest |v| of the vector, so that its direction stays; uint8 is
// int8 + 128. A bit of ubinary is whether v is not negative, the first in the highest bit of a
// byte; binary is ubinary - 128.
enum class NumberType {
  kFloat32,
  kFloat16,
  kBfloat16,
  kFp8E4m3,
  kFp8E5m2,
  kInt8,
  kUint8,
  kBinary,
  kUbinary
};

const char* to_string(NumberType type);  // "float32", "fp8_e4m3", "int8"
// "float" is float32.
std::optional<NumberType> number_type_from(std::string_view name);

// Whether its numbers are whole: they are written as such where they are not bytes.
bool is_whole(NumberType type);
bool is_bits(NumberType type);

// Throws Failure (kInvalid) where `field` asks for bits of a vector whose size is no multiple of 8.
void check_size(NumberType type, int64_t size, const std::string& field);

// The bytes of one vector, numbers of several bytes in the order of `endian`. Throws Failure for a
// number that is not finite, or larger than the type's.
std::string number_bytes(std::span<const float> values, NumberType type, Endian endian);
// "[-3,127]": of a whole type.
void append_whole(std::string& out, std::span<const float> values, NumberType type);

}  // namespace vecton::server
