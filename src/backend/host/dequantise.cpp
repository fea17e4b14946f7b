#include "backend/host/dequantise.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "backend/host/stored_float.h"
#include "base/half.h"
#include "base/small_floats.h"
#include "tensor/narrow.h"
#include "vecton/error.h"

namespace vecton::host {

namespace {

int64_t blocks(int64_t size, int64_t block) { return size == 0 ? 0 : (size - 1) / block + 1; }

int64_t blocks_per_row(const tensor::Weight& weight, const tensor::BlockNumbers& numbers) {
  return blocks(weight.columns, numbers.block_columns);
}

void check_numbers(const tensor::Weight& weight, const tensor::BlockNumbers& numbers,
                   const char* what) {
  if (!numbers.exists()) return;
  if (numbers.block_rows < 1 || numbers.block_columns < 1) {
    throw Error(ErrorCode::kCorrupt, weight.name + ": " + what + ": blocks of " +
                                         std::to_string(numbers.block_rows) + " x " +
                                         std::to_string(numbers.block_columns) + " numbers");
  }
  const auto needed = static_cast<size_t>(blocks(weight.rows, numbers.block_rows) *
                                          blocks_per_row(weight, numbers) * numbers.size());
  if (numbers.bytes.size() < needed) {
    throw Error(ErrorCode::kCorrupt, weight.name + ": " + what + ": expected " +
                                         std::to_string(needed) + " bytes, found " +
                                         std::to_string(numbers.bytes.size()));
  }
}

}  // namespace

void check_weight(const tensor::Weight& weight) {
  const tensor::Codes& codes = weight.codes;
  if (codes.kind == tensor::Codes::Kind::kFloat && !tensor::is_float(codes.dtype)) {
    throw Error(ErrorCode::kUnsupported, weight.name + ": a weight matrix of " +
                                             std::string(tensor::to_string(codes.dtype)) +
                                             "; float32, float16 and bfloat16 are served");
  }
  if (codes.kind == tensor::Codes::Kind::kUint && (codes.bits < 1 || codes.bits > 8)) {
    throw Error(ErrorCode::kUnsupported, weight.name + ": codes of " + std::to_string(codes.bits) +
                                             " bits; 1 to 8 are served");
  }
  const auto needed = static_cast<size_t>(weight.rows * weight.row_bytes());
  if (codes.bytes.size() < needed) {
    throw Error(ErrorCode::kCorrupt, weight.name + ": expected " + std::to_string(needed) +
                                         " bytes, found " + std::to_string(codes.bytes.size()));
  }
  check_numbers(weight, weight.scale, "scales");
  check_numbers(weight, weight.offset, "offsets");
  check_numbers(weight, weight.scale_unit, "scales of scales");
  check_numbers(weight, weight.offset_unit, "scales of offsets");
}

float stored_number(const tensor::BlockNumbers& numbers, int64_t i) {
  const std::byte* at = numbers.bytes.data() + i * numbers.size();
  switch (numbers.type) {
    case tensor::BlockNumbers::Type::kF32:
      return load<float>(at);
    case tensor::BlockNumbers::Type::kF16:
      return base::f16_to_float(load<uint16_t>(at));
    case tensor::BlockNumbers::Type::kBF16:
      return base::bf16_to_float(load<uint16_t>(at));
    case tensor::BlockNumbers::Type::kE8M0:
      return base::e8m0_to_float(load<uint8_t>(at));
    case tensor::BlockNumbers::Type::kE4M3:
      return base::e4m3_to_float(load<uint8_t>(at));
    case tensor::BlockNumbers::Type::kU8:
      return load<uint8_t>(at);
    case tensor::BlockNumbers::Type::kI8:
      return load<int8_t>(at);
  }
  return 0;
}

float block_number(const tensor::Weight& weight, const tensor::BlockNumbers& numbers, int64_t row,
                   int64_t column) {
  if (!numbers.exists()) return 1;
  return stored_number(numbers, row / numbers.block_rows * blocks_per_row(weight, numbers) +
                                    column / numbers.block_columns);
}

std::array<float, 256> code_values(const tensor::Codes& codes) {
  std::array<float, 256> values{};
  for (int i = 0; i < 1 << codes.stored_bits(); ++i) {
    const auto code = static_cast<size_t>(i);
    switch (codes.kind) {
      case tensor::Codes::Kind::kUint:
        values[code] = static_cast<float>(i - codes.zero_point);
        break;
      case tensor::Codes::Kind::kFp4E2M1:
        values[code] = base::kE2M1[code];
        break;
      case tensor::Codes::Kind::kFp8E4M3:
        values[code] = base::e4m3_to_float(static_cast<uint8_t>(i));
        break;
      case tensor::Codes::Kind::kTable:
        values[code] = codes.table[code];
        break;
      case tensor::Codes::Kind::kFloat:
        break;
    }
  }
  return values;
}

void read_codes(const tensor::Weight& weight, int64_t row, int64_t begin, std::span<uint8_t> out) {
  const auto bits = static_cast<uint32_t>(weight.codes.stored_bits());
  const int64_t row_bytes = weight.row_bytes();
  const std::byte* from = weight.codes.bytes.data() + row * row_bytes;
  if (bits == 8) {
    std::memcpy(out.data(), from + begin, out.size());
    return;
  }
  const uint32_t mask = (1u << bits) - 1;
  for (size_t i = 0; i < out.size(); ++i) {
    const auto bit = static_cast<int64_t>((static_cast<uint64_t>(begin) + i) * bits);
    const int64_t byte = bit / 8;
    uint32_t word = std::to_integer<uint32_t>(from[byte]);
    if (byte + 1 < row_bytes) word |= std::to_integer<uint32_t>(from[byte + 1]) << 8;
    out[i] = static_cast<uint8_t>(word >> bit % 8 & mask);
  }
}

void dequantise_row(const tensor::Weight& weight, int64_t row, float* out) {
  constexpr int64_t kPiece = 256;
  const bool floats = weight.codes.kind == tensor::Codes::Kind::kFloat;
  const std::array<float, 256> values =
      floats ? std::array<float, 256>{} : code_values(weight.codes);
  uint8_t codes[kPiece];
  // Numbers of blocks change at multiples of these columns alone.
  float scale = 1, offset = 0;
  int64_t known = 0;  // columns up to here have this scale and offset
  for (int64_t begin = 0; begin < weight.columns; begin += kPiece) {
    const int64_t count = std::min(kPiece, weight.columns - begin);
    if (!floats) read_codes(weight, row, begin, {codes, static_cast<size_t>(count)});
    for (int64_t j = begin; j < begin + count; ++j) {
      if (j >= known) {
        known = weight.columns;
        for (const tensor::BlockNumbers* numbers :
             {&weight.scale, &weight.offset, &weight.scale_unit, &weight.offset_unit}) {
          if (!numbers->exists()) continue;
          const int64_t block = std::min(numbers->block_columns, weight.columns);
          known = std::min(known, (j / block + 1) * block);
        }
        scale = block_number(weight, weight.scale_unit, row, j) *
                block_number(weight, weight.scale, row, j);
        if (weight.offset.exists()) {
          offset = block_number(weight, weight.offset_unit, row, j) *
                   block_number(weight, weight.offset, row, j);
        }
      }
      const float code = floats
                             ? stored_float(weight.codes.dtype,
                                            weight.codes.bytes.data() + row * weight.row_bytes() +
                                                j * tensor::size_of(weight.codes.dtype))
                             : values[codes[j - begin]];
      const float product = scale * code;
      const float sum = weight.offset.exists() ? product + offset : product;
      out[j] = weight.factor * sum;
    }
  }
}

void rounded_row(const tensor::Weight& weight, int64_t row, tensor::DType dtype, float* out) {
  dequantise_row(weight, row, out);
  for (float& number : std::span(out, static_cast<size_t>(weight.columns))) {
    const float rounded = tensor::rounded(number, dtype);
    if (std::isinf(rounded) && !std::isinf(number)) {
      throw Error(ErrorCode::kUnsupported, weight.name + ": " + std::to_string(number) +
                                               " is beyond the largest " +
                                               std::string(tensor::to_string(dtype)));
    }
    number = rounded;
  }
}

}  // namespace vecton::host
