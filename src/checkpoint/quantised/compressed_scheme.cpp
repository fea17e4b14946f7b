#include "checkpoint/quantised/compressed_scheme.h"

#include <cstring>

#include "checkpoint/shape.h"

namespace vecton::checkpoint {

namespace {

constexpr int64_t kWordBits = 32;

// Codes plus half of their range, eight of 4 bits to an int32 word from its low bits on:
// weight_packed [out, in / 8], weight_scale, weight_shape.
void gather_packed(Parts& parts, const CompressedScheme& scheme) {
  const StoredTensor& words = parts.take(".weight_packed", {tensor::DType::kI32});
  const int64_t bits = scheme.bits, out = words.shape[0], in = words.shape[1] * kWordBits / bits;
  if (scheme.blocks.columns > 0 && in % scheme.blocks.columns != 0) {
    fail(words,
         shape_text(words.shape) + " is not in groups of " + std::to_string(scheme.blocks.columns));
  }
  const int64_t two[] = {2}, size[] = {out, in};
  const BlockShape blocks = take_scales(parts, ".weight_scale", size, scheme.blocks);
  const StoredTensor& shape = parts.take(".weight_shape", {tensor::DType::kI64}, two);
  int64_t said[2];
  std::memcpy(said, shape.bytes.data(), sizeof said);
  if (said[0] != out || said[1] != in) {
    fail(shape, "says " + shape_text(said) + ", and the packed codes are " +
                    shape_text(std::vector{out, in}));
  }
  parts.replace(".weight", {out, in}, "compressed-tensors int" + std::to_string(bits),
                static_cast<int>(bits), [bits, blocks](std::span<const StoredTensor> stored) {
                  Parts::Made made;
                  made.weight.codes.kind = tensor::Codes::Kind::kUint;
                  made.weight.codes.bits = static_cast<int>(bits);
                  made.weight.codes.zero_point = 1 << (bits - 1);
                  made.weight.codes.bytes = stored[0].bytes;
                  made.weight.scale = numbers_of(stored[1], blocks.columns, blocks.rows);
                  return made;
                });
}

void gather_int8(Parts& parts, const CompressedScheme& scheme) {
  const std::vector<int64_t> shape = parts.take(".weight", {tensor::DType::kI8}).shape;
  const BlockShape blocks = take_scales(parts, ".weight_scale", shape, scheme.blocks);
  parts.replace(".weight", shape, "compressed-tensors int8", 8,
                [blocks](std::span<const StoredTensor> stored) {
                  // Codes from -128 as codes from 0.
                  const auto copy = std::make_shared<std::vector<std::byte>>(
                      stored[0].bytes.begin(), stored[0].bytes.end());
                  for (std::byte& code : *copy) code ^= std::byte{0x80};
                  Parts::Made made;
                  made.weight.codes.kind = tensor::Codes::Kind::kUint;
                  made.weight.codes.bits = 8;
                  made.weight.codes.zero_point = 128;
                  made.weight.codes.bytes = *copy;
                  made.weight.scale = numbers_of(stored[1], blocks.columns, blocks.rows);
                  made.copy = copy;
                  return made;
                });
}

}  // namespace

void gather_compressed(Parts& parts, const CompressedScheme& scheme) {
  switch (scheme.format) {
    case CompressedScheme::Format::kPackQuantized:
      gather_packed(parts, scheme);
      break;
    case CompressedScheme::Format::kIntQuantized:
      gather_int8(parts, scheme);
      break;
    case CompressedScheme::Format::kFloatQuantized:
      gather_fp8(parts, ".weight_scale", scheme.blocks, "compressed-tensors FP8");
      break;
  }
  // How activations would be rounded, which here they are not.
  parts.drop({".input_scale", ".input_zero_point"});
}

}  // namespace vecton::checkpoint
