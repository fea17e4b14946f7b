// What the blocks of each quantised type of GGUF hold, block by block. Functions of their
// arguments.
#pragma once

#include <array>
#include <cstdint>

#include "gguf/types.h"
#include "tensor/weight.h"

namespace vecton::checkpoint {

// One block taken apart: a code per number, in order, and the numbers of its parts.
struct OpenBlock {
  std::array<uint8_t, 256> codes;
  std::array<uint8_t, 16> scales, offsets;  // U8, I8 or E8M0 of each part
  uint16_t scale = 0, offset = 0;  // float16 of the block: scale and offset, or their units
};

// A kind of numbers of a block: `parts` of them, each for as many codes.
struct BlockPart {
  bool exists = false;
  tensor::BlockNumbers::Type type = tensor::BlockNumbers::Type::kF16;
  int64_t parts = 1;
};

struct BlockType {
  gguf::TensorType type = gguf::TensorType::kF32;
  tensor::Codes codes;      // without bytes
  BlockPart scale, offset;  // of OpenBlock: float16 = `scale`, else `scales`
  bool units = false;       // `scale` and `offset` are those of scales and offsets
  void (*open)(const uint8_t* block, OpenBlock& out) = nullptr;

  BlockPart scale_unit() const { return {.exists = units}; }
  BlockPart offset_unit() const { return {.exists = units && offset.exists}; }
};

const BlockType& block_type(gguf::TensorType type);

}  // namespace vecton::checkpoint
