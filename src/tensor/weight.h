// Weight: a matrix of the checkpoint as the file has it, in one form that dense floats and every
// quantised format share: codes, and scales and offsets of blocks of them.
//
//     w[i, j] = factor * (scale[block of i, j] * code[i, j] + offset[block of i, j])
//
// Each product and each sum is rounded to float32. Where scales (or offsets) are codes themselves,
// as in double quantisation, scale[block] = scale_unit[block of blocks] * stored scale[block].
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "tensor/dtype.h"

namespace vecton::tensor {

// One code per number, row by row. Codes of less than a byte are one stream of bits per row, the
// low bits of a byte first; a row begins at a byte.
struct Codes {
  enum class Kind {
    kFloat,    // the numbers themselves, of type `dtype`
    kUint,     // whole numbers of `bits` bits (1 to 8), from -zero_point
    kFp4E2M1,  // 0, .5, 1, 1.5, 2, 3, 4, 6, the high bit is the sign
    kFp8E4M3,
    kTable,  // 4 bits: places in `table`
  };
  Kind kind = Kind::kFloat;
  DType dtype = DType::kF32;
  int bits = 0;        // kUint
  int zero_point = 0;  // kUint: what is stored for 0
  std::array<float, 16> table{};
  std::span<const std::byte> bytes;

  int stored_bits() const {
    switch (kind) {
      case Kind::kFloat:
        return static_cast<int>(8 * size_of(dtype));
      case Kind::kUint:
        return bits;
      case Kind::kFp8E4M3:
        return 8;
      default:
        return 4;
    }
  }
};

// One number per block of block_rows x block_columns codes, row by row. The last blocks may reach
// past the matrix. Blocks wider than the matrix: one number per row.
struct BlockNumbers {
  enum class Type { kF32, kF16, kBF16, kE8M0, kE4M3, kU8, kI8 };
  Type type = Type::kF32;
  int64_t block_rows = 1, block_columns = 1;
  std::span<const std::byte> bytes;

  bool exists() const { return !bytes.empty(); }
  int64_t size() const { return type == Type::kF32 ? 4 : type <= Type::kBF16 ? 2 : 1; }
};

// [rows, columns]. For a linear layer rows = output features, columns = input features. Only
// backends read the bytes; a backend that has copied them calls release(), so that the file's pages
// stop counting as resident.
struct Weight {
  std::string name;  // the tensor's name in the file, for messages
  int64_t rows = 0, columns = 0;
  Codes codes;
  BlockNumbers scale, offset;            // absent = 1 and 0
  BlockNumbers scale_unit, offset_unit;  // absent = 1
  float factor = 1;
  std::shared_ptr<const void> keep;  // owns the bytes
  std::function<void()> release = [] {};

  bool exists() const { return !codes.bytes.empty(); }
  // Floats as they are, nothing to be undone.
  bool is_dense() const {
    return codes.kind == Codes::Kind::kFloat && is_float(codes.dtype) && !scale.exists() &&
           !offset.exists() && factor == 1;
  }
  int64_t row_bytes() const { return (columns * codes.stored_bits() + 7) / 8; }
};

}  // namespace vecton::tensor
