#include "checkpoint/quantised/compressed_scheme.h"

#include <cstring>
#include <utility>

#include "checkpoint/float_bytes.h"
#include "checkpoint/quantised/group_order.h"
#include "checkpoint/quantised/small_floats.h"
#include "checkpoint/quantised/zero_points.h"
#include "checkpoint/shape.h"

namespace vecton::checkpoint {

namespace {

constexpr int64_t kWordBits = 32;

// How many words hold so many codes.
int64_t words_of(int64_t codes, int64_t bits) { return (codes * bits - 1) / kWordBits + 1; }

// Codes [rows, columns] that are packed column by column.
std::vector<uint8_t> unpacked_columns(const StoredTensor& words, int64_t bits, int64_t rows) {
  const int64_t columns = words.shape[1];
  const auto mask = static_cast<uint64_t>((1 << bits) - 1);
  std::vector<uint8_t> codes;
  codes.reserve(static_cast<size_t>(rows * columns));
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t bit = row * bits, word = bit / kWordBits;
    for (int64_t column = 0; column < columns; ++column) {
      uint64_t two = word_at(words, word * columns + column);
      if (word + 1 < words.shape[0])
        two |= uint64_t{word_at(words, (word + 1) * columns + column)} << kWordBits;
      codes.push_back(static_cast<uint8_t>(two >> bit % kWordBits & mask));
    }
  }
  return codes;
}

// Of weight_packed, weight_shape, weight_scale and, where there are zero points,
// weight_zero_point.
Parts::Made packed_weight(std::span<const StoredTensor> stored, const CompressedScheme& scheme,
                          int64_t columns, BlockShape blocks) {
  const int64_t bits = scheme.bits;
  struct Copy {
    std::vector<std::byte> codes;
    std::vector<float> offsets;
  };
  const auto copy = std::make_shared<Copy>();
  const StoredTensor &words = stored[0], &scales = stored[2];
  Parts::Made made;
  tensor::Weight& weight = made.weight;
  weight.codes.kind = tensor::Codes::Kind::kUint;
  weight.codes.bits = static_cast<int>(bits);
  weight.codes.bytes = words.bytes;
  const int64_t row_bytes = (columns * bits - 1) / 8 + 1, stored_bytes = words.shape[1] * 4;
  if (row_bytes < stored_bytes) {  // the last word of a row is not full
    for (int64_t row = 0; row < words.shape[0]; ++row) {
      const auto begin = words.bytes.begin() + row * stored_bytes;
      copy->codes.insert(copy->codes.end(), begin, begin + row_bytes);
    }
    weight.codes.bytes = copy->codes;
  }
  weight.scale = numbers_of(scales, blocks.columns, blocks.rows);
  if (!scheme.has_zeros) {
    weight.codes.zero_point = 1 << (bits - 1);
  } else {
    copy->offsets = set_zeros(weight, read_floats(scales.dtype, scales.bytes),
                              unpacked_columns(stored[3], bits, words.shape[0]));
  }
  made.copy = copy;
  return made;
}

// The same where columns are grouped in an order of their own.
Parts::Made ordered_weight(std::span<const StoredTensor> stored, const CompressedScheme& scheme,
                           std::span<const int32_t> order) {
  const StoredTensor &words = stored[0], &scales = stored[2];
  const std::vector<float> widened = read_floats(scales.dtype, scales.bytes);
  const std::vector<uint8_t> zeros =
      scheme.has_zeros ? unpacked_columns(stored[3], scheme.bits, words.shape[0])
                       : std::vector(widened.size(), static_cast<uint8_t>(1 << (scheme.bits - 1)));
  return weight_of(OrderedCodes{.codes = words.bytes,
                                .row_bytes = words.shape[1] * 4,
                                .bits = static_cast<int>(scheme.bits),
                                .scales = widened,
                                .zeros = zeros,
                                .order = order});
}

// Codes plus half of their range, one stream of bits per row from the low bits of int32 words on:
// weight_packed [out, words], weight_shape, weight_scale. Zero points are packed likewise, but
// column by column: weight_zero_point [words, in / group]. weight_g_idx [in], where it is there,
// has the group of each column.
void gather_packed(Parts& parts, const CompressedScheme& scheme) {
  const int64_t bits = scheme.bits, two[] = {2};
  const StoredTensor& words = parts.take(".weight_packed", {tensor::DType::kI32});
  const int64_t out = words.shape[0], most = words.shape[1] * kWordBits / bits;
  const StoredTensor& shape = parts.take(".weight_shape", {tensor::DType::kI64}, two);
  int64_t size[2];
  std::memcpy(size, shape.bytes.data(), sizeof size);
  const int64_t in = size[1];
  if (size[0] != out || in < 1 || in > most || words_of(in, bits) != words.shape[1]) {
    fail(shape, "says " + shape_text(size) + ", and the packed codes of " + std::to_string(bits) +
                    " bits are " + shape_text(std::vector{out, most}));
  }
  const int64_t group = scheme.blocks.columns;
  if (group > 0 && in % group != 0)
    fail(shape, shape_text(size) + " is not in groups of " + std::to_string(group));
  const BlockShape blocks = take_scales(parts, ".weight_scale", size, scheme.blocks);
  int64_t more_bytes = 0;
  if (scheme.has_zeros) {
    const int64_t groups = in / blocks.columns, zeros[] = {words_of(out, bits), groups};
    parts.take(".weight_zero_point", {tensor::DType::kI32}, zeros);
    more_bytes = 4 * groups * (out - zeros[0]);  // they become floats
  }
  std::vector<int32_t> order = take_group_order(parts, ".weight_g_idx", in, blocks.columns);
  const std::string format = "compressed-tensors int" + std::to_string(bits);
  if (!order.empty()) {
    parts.replace_by_floats(
        ".weight", {out, in}, format + " as float32",
        [scheme, order = std::move(order)](std::span<const StoredTensor> stored) {
          return ordered_weight(stored, scheme, order);
        });
    return;
  }
  parts.replace(
      ".weight", {out, in}, format, static_cast<int>(bits),
      [scheme, in, blocks](std::span<const StoredTensor> stored) {
        return packed_weight(stored, scheme, in, blocks);
      },
      more_bytes);
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
    case CompressedScheme::Format::kNvfp4:
      gather_nvfp4(parts,
                   {.codes = ".weight_packed", .whole = ".weight_global_scale", .divides = true},
                   scheme.blocks.columns, "compressed-tensors nvfp4");
      break;
    case CompressedScheme::Format::kMxfp4:
      gather_mxfp4(parts, scheme.blocks.columns, "compressed-tensors mxfp4");
      break;
    case CompressedScheme::Format::kMxfp8:
      gather_mxfp8(parts, scheme.blocks.columns, "compressed-tensors mxfp8");
      break;
  }
  // How activations would be rounded, which here they are not.
  parts.drop({".input_scale", ".input_zero_point", ".input_global_scale"});
}

}  // namespace vecton::checkpoint
