#include "ops/packed_weight.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/half.h"

namespace vecton::test {

namespace {

using Type = tensor::BlockNumbers::Type;
using Bytes = std::vector<std::byte>;

// A float of a byte by its definition, in double.
float small_float(uint32_t bits, int exponent_bits, int mantissa_bits, int bias) {
  const auto mantissa =
      static_cast<double>(bits & ((1u << mantissa_bits) - 1)) / std::pow(2.0, mantissa_bits);
  const int exponent = static_cast<int>(bits >> mantissa_bits & ((1u << exponent_bits) - 1));
  const double value =
      exponent == 0 ? std::ldexp(mantissa, 1 - bias) : std::ldexp(1 + mantissa, exponent - bias);
  return static_cast<float>(bits >> (exponent_bits + mantissa_bits) & 1 ? -value : value);
}

// Scales of blocks: their bytes, and what these mean.
struct Scales {
  tensor::BlockNumbers stored;
  std::vector<float> values;
  int64_t per_row = 0;

  float at(int64_t row, int64_t column) const {
    if (values.empty()) return 1;
    return values[row / stored.block_rows * per_row + column / stored.block_columns];
  }
};

Scales make_numbers(Random& random, Type type, int64_t rows, int64_t columns, int64_t block_rows,
                    int64_t block_columns, float magnitude, Bytes& storage) {
  Scales made;
  made.stored.type = type;
  made.stored.block_rows = block_rows;
  made.stored.block_columns = block_columns;
  made.per_row = (columns + block_columns - 1) / block_columns;
  const int64_t count = (rows + block_rows - 1) / block_rows * made.per_row;
  storage.assign(1, std::byte{});  // of no alignment
  for (int64_t i = 0; i < count; ++i) {
    const float wanted = uniform(random, -magnitude, magnitude);
    uint32_t bits = 0;
    float value = 0;
    switch (type) {
      case Type::kF32:
        bits = std::bit_cast<uint32_t>(wanted), value = wanted;
        break;
      case Type::kF16:
        bits = base::float_to_f16(wanted), value = base::f16_to_float(static_cast<uint16_t>(bits));
        break;
      case Type::kBF16:
        bits = base::float_to_bf16(wanted),
        value = base::bf16_to_float(static_cast<uint16_t>(bits));
        break;
      case Type::kE8M0:
        bits = 115 + random() % 10, value = std::ldexp(1.0f, static_cast<int>(bits) - 127);
        break;
      case Type::kE4M3:
        bits = random() % 0x60, value = small_float(bits, 4, 3, 7);
        break;
      case Type::kU8:
        bits = random() % 64, value = static_cast<float>(bits);
        break;
      case Type::kI8:
        bits = random() % 256, value = static_cast<float>(static_cast<int8_t>(bits));
        break;
    }
    const size_t size = storage.size(), more = static_cast<size_t>(made.stored.size());
    storage.resize(size + more);
    std::memcpy(storage.data() + size, &bits, more);
    made.values.push_back(value);
  }
  made.stored.bytes = std::span(storage).subspan(1);
  return made;
}

std::array<float, 16> table_of(const PackedForm& form) {
  std::array<float, 16> table;
  for (size_t i = 0; i < 16; ++i) {
    const float x = static_cast<float>(i) - 8;
    table[i] = form.whole_table ? std::round(x * std::abs(x) * 1.9f) : std::sin(x);
  }
  return table;
}

float code_value(const PackedForm& form, uint32_t code) {
  switch (form.kind) {
    case tensor::Codes::Kind::kFp4E2M1:
      return small_float(code, 2, 1, 1);
    case tensor::Codes::Kind::kFp8E4M3:
      return small_float(code, 4, 3, 7);
    case tensor::Codes::Kind::kTable:
      return table_of(form)[code];
    default:
      return static_cast<float>(static_cast<int>(code) - form.zero_point);
  }
}

std::vector<PackedForm> make_forms() {
  using Kind = tensor::Codes::Kind;
  std::vector<PackedForm> forms;
  for (int bits = 1; bits <= 8; ++bits) {
    const std::string name = "uint" + std::to_string(bits);
    for (const int64_t block : {16, 32, 64, 128, 256, 0}) {
      forms.push_back({.name = name, .bits = bits, .block = block, .scale = Type::kF16});
      forms.back().zero_point = block % 3 == 0 ? 0 : 1 << (bits - 1);
    }
    forms.push_back(
        {.name = name, .bits = bits, .block = 64, .scale = Type::kF32, .offset = Type::kF32});
    forms.push_back(
        {.name = name, .bits = bits, .block = 64, .scale = Type::kBF16, .offset = Type::kBF16});
    forms.push_back({.name = name,
                     .bits = bits,
                     .block = 32,
                     .scale = Type::kU8,
                     .offset = Type::kU8,
                     .units = Type::kF16});
    forms.push_back({.name = name,
                     .bits = bits,
                     .zero_point = 1 << (bits - 1),
                     .block = 16,
                     .scale = Type::kI8,
                     .units = Type::kF16});
  }
  for (const Type scale : {Type::kF32, Type::kF16, Type::kBF16, Type::kE8M0, Type::kE4M3}) {
    for (const int64_t block : {16, 32}) {
      forms.push_back({.name = "fp4", .kind = Kind::kFp4E2M1, .block = block, .scale = scale});
      forms.push_back({.name = "table", .kind = Kind::kTable, .block = block, .scale = scale});
      forms.push_back({.name = "fp8", .kind = Kind::kFp8E4M3, .block = block, .scale = scale});
    }
  }
  forms.push_back({.name = "table", .kind = Kind::kTable, .block = 32, .whole_table = false});
  forms.push_back({.name = "table",
                   .kind = Kind::kTable,
                   .block = 32,
                   .scale = Type::kI8,
                   .units = Type::kF16});
  forms.push_back(
      {.name = "fp4", .kind = Kind::kFp4E2M1, .block = 16, .scale = Type::kE4M3, .factor = 0.037f});
  forms.push_back({.name = "fp8", .kind = Kind::kFp8E4M3, .block = 128, .block_rows = 128});
  forms.push_back(
      {.name = "fp8", .kind = Kind::kFp8E4M3, .block = 0, .scale = {}, .factor = 0.11f});
  forms.push_back({.name = "uint8",
                   .block = 0,
                   .block_rows = 64,
                   .scale = Type::kF32,
                   .offset = Type::kF16,
                   .factor = 0.3f});
  forms.push_back({.name = "uint4", .bits = 4, .block = 512, .scale = Type::kF16});
  forms.push_back({.name = "uint4", .bits = 4, .block = 48, .scale = Type::kF16});
  return forms;
}

}  // namespace

const std::vector<PackedForm>& packed_forms() {
  static const std::vector<PackedForm> forms = make_forms();
  return forms;
}

PackedWeight make_packed(Random& random, const PackedForm& form, int64_t rows, int64_t columns) {
  struct Storage {
    Bytes codes, scale, offset, scale_unit, offset_unit;
  };
  auto storage = std::make_shared<Storage>();
  const int64_t block = form.block == 0 ? columns : form.block;
  const auto numbers = [&](std::optional<Type> type, int64_t block_columns, float magnitude,
                           Bytes& bytes) {
    return type ? make_numbers(random, *type, rows, columns, form.block_rows, block_columns,
                               magnitude, bytes)
                : Scales();
  };
  const Scales scale = numbers(form.scale, block, 0.01f, storage->scale);
  const Scales offset = numbers(form.offset, block, 0.5f, storage->offset);
  const Scales scale_unit = numbers(form.units, 256, 0.001f, storage->scale_unit);
  const Scales offset_unit =
      numbers(form.offset ? form.units : std::optional<Type>(), 256, 0.01f, storage->offset_unit);

  PackedWeight made;
  tensor::Weight& weight = made.weight;
  weight.name = "test.weight";
  weight.rows = rows;
  weight.columns = columns;
  weight.codes.kind = form.kind;
  weight.codes.bits = form.kind == tensor::Codes::Kind::kUint ? form.bits : 0;
  weight.codes.zero_point = form.zero_point;
  if (form.kind == tensor::Codes::Kind::kTable) weight.codes.table = table_of(form);
  weight.scale = scale.stored;
  weight.offset = offset.stored;
  weight.scale_unit = scale_unit.stored;
  weight.offset_unit = offset_unit.stored;
  weight.factor = form.factor;
  weight.keep = storage;

  const int bits = weight.codes.stored_bits();
  const int64_t row_bytes = (columns * bits + 7) / 8;
  storage->codes.assign(static_cast<size_t>(rows * row_bytes + 1), std::byte{});
  made.floats = Matrix(rows, columns);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      uint32_t code = random() >> 8 & ((1u << bits) - 1);
      if (form.kind == tensor::Codes::Kind::kFp8E4M3 && (code & 0x7f) == 0x7f) code ^= 1;  // NaN
      for (int b = 0; b < bits; ++b) {
        const int64_t at = j * bits + b;
        if (code >> b & 1) storage->codes[1 + i * row_bytes + at / 8] |= std::byte{1} << (at % 8);
      }
      const float s = scale_unit.at(i, j) * scale.at(i, j);
      const float product = s * code_value(form, code);
      float sum = product;
      if (form.offset) {
        const float o = offset_unit.at(i, j) * offset.at(i, j);
        sum = product + o;
      }
      made.floats.at(i, j) = form.factor * sum;
    }
  }
  weight.codes.bytes = std::span(storage->codes).subspan(1);
  return made;
}

}  // namespace vecton::test
