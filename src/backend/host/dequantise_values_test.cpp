// What a weight's codes mean, against the formula of tensor/weight.h worked out one bit at a time:
// every kind of code, every width, every type of scale, blocks that end within a row.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "backend/host/dequantise.h"

namespace vecton::host {
namespace {

using tensor::BlockNumbers;
using tensor::Codes;
using tensor::DType;
using tensor::Weight;

using Bytes = std::vector<std::byte>;

Bytes random_bytes(std::mt19937& random, size_t count) {
  Bytes bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// Bits begin .. begin + count of a row, the low bits of a byte first.
uint32_t bits_of(std::span<const std::byte> row, int64_t begin, int count) {
  uint32_t value = 0;
  for (int i = 0; i < count; ++i) {
    const int64_t bit = begin + i;
    const auto byte = std::to_integer<uint32_t>(row[static_cast<size_t>(bit / 8)]);
    value |= (byte >> (bit % 8) & 1u) << i;
  }
  return value;
}

// A float of few bits by its definition: sign, exponent, mantissa.
double small_float(uint32_t bits, int exponent_bits, int mantissa_bits, int bias) {
  const uint32_t mantissa = bits & ((1u << mantissa_bits) - 1);
  const uint32_t exponent = bits >> mantissa_bits & ((1u << exponent_bits) - 1);
  const double sign = bits >> (mantissa_bits + exponent_bits) & 1u ? -1 : 1;
  const double fraction = std::ldexp(mantissa, -mantissa_bits);
  return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias)
                               : std::ldexp(1 + fraction, static_cast<int>(exponent) - bias));
}

double number_of(BlockNumbers::Type type, std::span<const std::byte> bytes, int64_t i) {
  const auto at = [&](int64_t byte) {
    return std::to_integer<uint32_t>(bytes[static_cast<size_t>(byte)]);
  };
  switch (type) {
    case BlockNumbers::Type::kF32: {
      float value;
      std::memcpy(&value, bytes.data() + 4 * i, 4);
      return value;
    }
    case BlockNumbers::Type::kF16: {
      const uint32_t bits = at(2 * i) | at(2 * i + 1) << 8;
      return small_float(bits, 5, 10, 15);
    }
    case BlockNumbers::Type::kBF16: {
      const uint32_t bits = at(2 * i) | at(2 * i + 1) << 8;
      return small_float(bits, 8, 7, 127);
    }
    case BlockNumbers::Type::kE8M0:
      return std::ldexp(1.0, static_cast<int>(at(i)) - 127);
    case BlockNumbers::Type::kE4M3:
      return small_float(at(i), 4, 3, 7);
    case BlockNumbers::Type::kU8:
      return at(i);
    case BlockNumbers::Type::kI8:
      return static_cast<int8_t>(at(i));
  }
  return 0;
}

// Numbers of blocks whose bytes are tame: nothing that is not finite, nothing that overflows.
struct Blocks {
  BlockNumbers numbers;
  Bytes bytes;

  void make(std::mt19937& random, BlockNumbers::Type type, int64_t rows, int64_t columns,
            int64_t block_rows, int64_t block_columns) {
    numbers.type = type;
    numbers.block_rows = block_rows;
    numbers.block_columns = block_columns;
    const int64_t count =
        ((rows - 1) / block_rows + 1) * ((columns - 1) / block_columns + 1) * numbers.size();
    bytes = random_bytes(random, static_cast<size_t>(count));
    for (size_t i = 0; i < bytes.size(); ++i) {
      auto& byte = bytes[i];
      const size_t in_number = i % static_cast<size_t>(numbers.size());
      const bool high = in_number + 1 == static_cast<size_t>(numbers.size());
      if (type == BlockNumbers::Type::kE8M0) byte = static_cast<std::byte>(120 + random() % 16);
      if (type == BlockNumbers::Type::kE4M3) byte &= std::byte{0xbf};
      if (type == BlockNumbers::Type::kF16 && high) byte &= std::byte{0xbf};
      if ((type == BlockNumbers::Type::kF32 || type == BlockNumbers::Type::kBF16) && high)
        byte = static_cast<std::byte>(0x3c + random() % 8);
    }
    numbers.bytes = bytes;
  }
  double at(int64_t row, int64_t column, int64_t columns) const {
    if (bytes.empty()) return 1;
    const int64_t per_row = (columns - 1) / numbers.block_columns + 1;
    return number_of(numbers.type, bytes,
                     row / numbers.block_rows * per_row + column / numbers.block_columns);
  }
};

struct Packed {
  Weight weight;
  Bytes codes;
  Blocks scale, offset, scale_unit, offset_unit;

  void give() {
    weight.name = "test";
    weight.codes.bytes = codes;
    weight.scale = scale.numbers;
    weight.offset = offset.numbers;
    weight.scale_unit = scale_unit.numbers;
    weight.offset_unit = offset_unit.numbers;
  }

  double code_at(int64_t row, int64_t column) const {
    const Codes& c = weight.codes;
    const int bits = c.stored_bits();
    const auto bytes = std::span(codes).subspan(static_cast<size_t>(row * weight.row_bytes()),
                                                static_cast<size_t>(weight.row_bytes()));
    const uint32_t code = bits_of(bytes, column * bits, std::min(bits, 32));
    switch (c.kind) {
      case Codes::Kind::kUint:
        return static_cast<double>(code) - c.zero_point;
      case Codes::Kind::kFp4E2M1:
        return small_float(code, 2, 1, 1);
      case Codes::Kind::kFp8E4M3:
        return small_float(code, 4, 3, 7);
      case Codes::Kind::kTable:
        return static_cast<double>(c.table[code]);
      case Codes::Kind::kFloat:
        break;
    }
    if (c.dtype == DType::kF16) return small_float(code, 5, 10, 15);
    if (c.dtype == DType::kBF16) return small_float(code, 8, 7, 127);
    float value;
    std::memcpy(&value, &code, sizeof value);
    return value;
  }

  // Products and sums are rounded to float32 one by one.
  float expected(int64_t row, int64_t column) const {
    const auto f = [](double x) { return static_cast<float>(x); };
    const float s =
        f(f(scale_unit.at(row, column, weight.columns)) * f(scale.at(row, column, weight.columns)));
    float value = s * f(code_at(row, column));
    if (!offset.bytes.empty()) {
      value += f(offset_unit.at(row, column, weight.columns)) *
               f(offset.at(row, column, weight.columns));
    }
    return weight.factor * value;
  }

  void check() {
    give();
    ASSERT_NO_THROW(check_weight(weight));
    std::vector<float> row(static_cast<size_t>(weight.columns));
    for (int64_t i = 0; i < weight.rows; ++i) {
      dequantise_row(weight, i, row.data());
      for (int64_t j = 0; j < weight.columns; ++j) {
        ASSERT_EQ(row[static_cast<size_t>(j)], expected(i, j)) << "row " << i << " column " << j;
      }
    }
  }
};

Packed packed(std::mt19937& random, Codes::Kind kind, int bits, int64_t rows, int64_t columns) {
  Packed made;
  made.weight.rows = rows;
  made.weight.columns = columns;
  made.weight.codes.kind = kind;
  made.weight.codes.bits = bits;
  for (size_t i = 0; i < 16; ++i)
    made.weight.codes.table[i] = static_cast<float>(std::sin(static_cast<double>(i)));
  made.codes = random_bytes(random, static_cast<size_t>(rows * made.weight.row_bytes()));
  if (kind == Codes::Kind::kFp8E4M3) {  // no NaN
    for (std::byte& byte : made.codes) byte &= std::byte{0xbf};
  }
  return made;
}

TEST(DequantiseValues, WholeNumbersOfEveryWidth) {
  std::mt19937 random(1);
  for (int bits = 1; bits <= 8; ++bits) {
    for (const int64_t columns : {1, 7, 8, 31, 32, 33, 255, 256, 257, 600}) {
      SCOPED_TRACE(std::to_string(bits) + " bits, " + std::to_string(columns) + " columns");
      Packed made = packed(random, Codes::Kind::kUint, bits, 3, columns);
      made.weight.codes.zero_point = bits > 1 ? 1 << (bits - 1) : 0;
      made.scale.make(random, BlockNumbers::Type::kF32, 3, columns, 1, 32);
      made.check();
      made.offset.make(random, BlockNumbers::Type::kF32, 3, columns, 1, 32);
      made.check();
    }
  }
}

TEST(DequantiseValues, SmallFloatsAndTables) {
  std::mt19937 random(2);
  for (const Codes::Kind kind :
       {Codes::Kind::kFp4E2M1, Codes::Kind::kFp8E4M3, Codes::Kind::kTable}) {
    for (const int64_t columns : {1, 2, 15, 64, 300}) {
      Packed made = packed(random, kind, 0, 4, columns);
      made.check();  // without scales
      made.scale.make(random, BlockNumbers::Type::kE8M0, 4, columns, 1, 16);
      made.weight.factor = 0.37f;
      made.check();
    }
  }
}

TEST(DequantiseValues, EveryTypeOfScaleAndOffset) {
  std::mt19937 random(3);
  for (const auto type :
       {BlockNumbers::Type::kF32, BlockNumbers::Type::kF16, BlockNumbers::Type::kBF16,
        BlockNumbers::Type::kE8M0, BlockNumbers::Type::kE4M3, BlockNumbers::Type::kU8,
        BlockNumbers::Type::kI8}) {
    for (const auto& [block_rows, block_columns] :
         {std::pair<int64_t, int64_t>{1, 16}, {1, 7}, {3, 5}, {128, 128}, {1, 1}, {1, 1000}}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(type)) + " in blocks of " +
                   std::to_string(block_rows) + " x " + std::to_string(block_columns));
      Packed made = packed(random, Codes::Kind::kUint, 4, 7, 61);
      made.scale.make(random, type, 7, 61, block_rows, block_columns);
      made.offset.make(random, type, 7, 61, block_rows, block_columns);
      made.check();
    }
  }
}

// Blocks of different sizes change the scale and the offset at different columns.
TEST(DequantiseValues, ScalesThatAreCodesThemselves) {
  std::mt19937 random(4);
  for (const int64_t unit_columns : {8, 24, 64, 4096}) {
    Packed made = packed(random, Codes::Kind::kUint, 5, 5, 100);
    made.scale.make(random, BlockNumbers::Type::kU8, 5, 100, 1, 8);
    made.scale_unit.make(random, BlockNumbers::Type::kF16, 5, 100, 1, unit_columns);
    made.offset.make(random, BlockNumbers::Type::kI8, 5, 100, 1, 12);
    made.offset_unit.make(random, BlockNumbers::Type::kF32, 5, 100, 5, unit_columns);
    made.weight.factor = -2.5f;
    made.check();
  }
}

TEST(DequantiseValues, FloatsWithScales) {
  std::mt19937 random(5);
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    Packed made = packed(random, Codes::Kind::kFloat, 0, 3, 37);
    made.weight.codes.dtype = dtype;
    made.codes = random_bytes(random, static_cast<size_t>(3 * made.weight.row_bytes()));
    const auto width = static_cast<size_t>(tensor::size_of(dtype));
    for (size_t i = width - 1; i < made.codes.size(); i += width)
      made.codes[i] = static_cast<std::byte>((dtype == DType::kF16 ? 0x30 : 0x3c) + random() % 8);
    made.check();
    made.scale.make(random, BlockNumbers::Type::kF32, 3, 37, 2, 10);
    made.check();
  }
}

TEST(DequantiseValues, CodesAreReadFromAnyColumn) {
  std::mt19937 random(6);
  for (int bits = 1; bits <= 8; ++bits) {
    Packed made = packed(random, Codes::Kind::kUint, bits, 2, 77);
    made.give();
    for (int64_t begin = 0; begin < 77; begin += 5) {
      for (const int64_t count : {int64_t{1}, int64_t{3}, 77 - begin}) {
        if (begin + count > 77) continue;
        std::vector<uint8_t> codes(static_cast<size_t>(count));
        read_codes(made.weight, 1, begin, codes);
        for (int64_t i = 0; i < count; ++i)
          ASSERT_EQ(codes[static_cast<size_t>(i)], made.code_at(1, begin + i))
              << bits << " bits, column " << begin + i;
      }
    }
  }
}

TEST(DequantiseValues, CodeValuesAreThoseOfEveryCode) {
  Codes codes{.kind = Codes::Kind::kUint, .bits = 3, .zero_point = 4, .table = {}, .bytes = {}};
  const std::array<float, 256> whole = code_values(codes);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(whole[static_cast<size_t>(i)], i - 4);
  EXPECT_EQ(whole[8], 0);  // no code
  codes.kind = Codes::Kind::kFp4E2M1;
  const std::array<float, 256> four = code_values(codes);
  for (uint32_t i = 0; i < 16; ++i) EXPECT_EQ(four[i], small_float(i, 2, 1, 1)) << i;
  EXPECT_TRUE(std::signbit(four[8]));  // -0
  codes.kind = Codes::Kind::kFp8E4M3;
  const std::array<float, 256> eight = code_values(codes);
  for (uint32_t i = 0; i < 256; ++i) {
    if ((i & 0x7f) == 0x7f) {
      EXPECT_TRUE(std::isnan(eight[i]));
    } else {
      EXPECT_EQ(eight[i], small_float(i, 4, 3, 7)) << i;
    }
  }
}

}  // namespace
}  // namespace vecton::host
