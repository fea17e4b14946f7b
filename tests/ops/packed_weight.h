// Packed weights for the op table: random codes and scales in any form that tensor/weight.h has,
// and, computed apart from any backend, the floats that they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ops/support.h"

namespace vecton::test {

struct PackedForm {
  using Type = tensor::BlockNumbers::Type;
  std::string name;
  tensor::Codes::Kind kind = tensor::Codes::Kind::kUint;
  int bits = 8, zero_point = 0;
  int64_t block = 32;  // columns; 0 = a row
  int64_t block_rows = 1;
  std::optional<Type> scale = Type::kF32, offset = {};
  std::optional<Type> units = {};  // of scales and, where there are any, offsets: by 256 columns
  float factor = 1;
  bool whole_table = true;  // kTable: numbers that bytes could stand for
};

// Forms of every kind of code, width, block and type of numbers.
const std::vector<PackedForm>& packed_forms();

struct PackedWeight {
  tensor::Weight weight;
  Matrix floats;
};
PackedWeight make_packed(Random& random, const PackedForm& form, int64_t rows, int64_t columns);

}  // namespace vecton::test
