// Blocks written by hand: which bits of them are which code and which number.
#include "checkpoint/gguf/block_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "vecton/error.h"

namespace vecton::checkpoint {
namespace {

using gguf::TensorType;

OpenBlock opened(TensorType type, const std::vector<uint8_t>& block) {
  EXPECT_EQ(static_cast<int64_t>(block.size()), gguf::layout_of(type).bytes);
  OpenBlock out{};
  block_type(type).open(block.data(), out);
  return out;
}

std::vector<uint8_t> block_of(TensorType type) {
  return std::vector<uint8_t>(static_cast<size_t>(gguf::layout_of(type).bytes));
}

TEST(GgufBlockTypes, LowHalvesComeBeforeHighOnes) {
  std::vector<uint8_t> block = block_of(TensorType::kQ4_0);
  block[0] = 0x34;
  block[1] = 0x12;
  block[2] = 0xa5;   // codes 0 and 16
  block[17] = 0x0f;  // codes 15 and 31
  const OpenBlock open = opened(TensorType::kQ4_0, block);
  EXPECT_EQ(open.scale, 0x1234);
  EXPECT_EQ(open.codes[0], 5);
  EXPECT_EQ(open.codes[16], 10);
  EXPECT_EQ(open.codes[15], 15);
  EXPECT_EQ(open.codes[31], 0);
}

TEST(GgufBlockTypes, FifthBitsStandInAWord) {
  std::vector<uint8_t> block = block_of(TensorType::kQ5_1);
  block[2] = 0x78;
  block[3] = 0x56;
  block[4] = 0x02;  // of code 1
  block[7] = 0x80;  // of code 31
  block[8] = 0x31;  // codes 0 and 16
  const OpenBlock open = opened(TensorType::kQ5_1, block);
  EXPECT_EQ(open.offset, 0x5678);
  EXPECT_EQ(open.codes[0], 1);
  EXPECT_EQ(open.codes[16], 3);
  EXPECT_EQ(open.codes[1], 16);
  EXPECT_EQ(open.codes[31], 16);
}

TEST(GgufBlockTypes, SignedBytesAreCountedFromTheLeast) {
  std::vector<uint8_t> block = block_of(TensorType::kQ8_0);
  block[2] = 0x80;  // -128
  block[3] = 0xff;  // -1
  block[4] = 0x7f;  // 127
  const OpenBlock open = opened(TensorType::kQ8_0, block);
  const int zero = block_type(TensorType::kQ8_0).codes.zero_point;
  EXPECT_EQ(open.codes[0] - zero, -128);
  EXPECT_EQ(open.codes[1] - zero, -1);
  EXPECT_EQ(open.codes[2] - zero, 127);
  EXPECT_EQ(open.codes[3] - zero, 0);
}

TEST(GgufBlockTypes, WhatIsSubtractedIsAdded) {
  std::vector<uint8_t> block = block_of(TensorType::kQ2_K);
  block[0] = 0x94;       // scale 4, offset 9 of the first part
  block[82] = 0x01;      // dmin
  block[16 + 1] = 0xe4;  // codes 1, 33, 65, 97
  const OpenBlock open = opened(TensorType::kQ2_K, block);
  EXPECT_EQ(open.scales[0], 4);
  EXPECT_EQ(open.offsets[0], 9);
  EXPECT_EQ(open.offset, 0x8001);
  EXPECT_EQ(open.codes[1], 0);
  EXPECT_EQ(open.codes[33], 1);
  EXPECT_EQ(open.codes[65], 2);
  EXPECT_EQ(open.codes[97], 3);
}

// Eight scales and eight offsets: four each in the low bits of four bytes, the others in parts.
TEST(GgufBlockTypes, ScalesOfSixBits) {
  std::vector<uint8_t> block = block_of(TensorType::kQ4_K);
  block[4] = 0xc5;   // scale 0: 5; high bits of scale 4: 3
  block[8] = 0x87;   // offset 0: 7; high bits of offset 4: 2
  block[12] = 0x6a;  // low bits of scale 4: 10, of offset 4: 6
  const OpenBlock open = opened(TensorType::kQ4_K, block);
  EXPECT_EQ(open.scales[0], 5);
  EXPECT_EQ(open.offsets[0], 7);
  EXPECT_EQ(open.scales[4], 10 + 48);
  EXPECT_EQ(open.offsets[4], 6 + 32);
}

TEST(GgufBlockTypes, ScalesFromMinusThirtyTwo) {
  std::vector<uint8_t> block = block_of(TensorType::kQ3_K);
  block[96] = 0x21;      // low bits of scale 0: 1, of scale 8: 2
  block[96 + 8] = 0x13;  // high bits of scales 0, 4, 8, 12: 3, 0, 1, 0
  block[0] = 0x01;       // the highest bit of code 0
  const OpenBlock open = opened(TensorType::kQ3_K, block);
  EXPECT_EQ(static_cast<int8_t>(open.scales[0]), 1 + 48 - 32);
  EXPECT_EQ(static_cast<int8_t>(open.scales[8]), 2 + 16 - 32);
  EXPECT_EQ(static_cast<int8_t>(open.scales[1]), -32);
  EXPECT_EQ(open.codes[0], 4);
  EXPECT_EQ(open.codes[1], 0);
}

TEST(GgufBlockTypes, CodesOfSixBitsAreInTwoPlaces) {
  std::vector<uint8_t> block = block_of(TensorType::kQ6_K);
  block[0] = 0x21;    // low bits of codes 0 and 64
  block[128] = 0xe4;  // high bits of codes 0, 32, 64, 96
  block[192] = 0xff;  // scale -1
  const OpenBlock open = opened(TensorType::kQ6_K, block);
  EXPECT_EQ(open.codes[0], 1);
  EXPECT_EQ(open.codes[32], 16);
  EXPECT_EQ(open.codes[64], 2 + 32);
  EXPECT_EQ(open.codes[96], 48);
  EXPECT_EQ(static_cast<int8_t>(open.scales[0]), -1);
}

TEST(GgufBlockTypes, FiveTernaryDigitsInAByte) {
  std::vector<uint8_t> block = block_of(TensorType::kTQ1_0);
  // 2, 1, 0, 2, 1 to the base of 3 are 196; of 243 parts that is 207 of 256, rounded up.
  block[0] = 207;
  const OpenBlock open = opened(TensorType::kTQ1_0, block);
  EXPECT_EQ(open.codes[0], 2);
  EXPECT_EQ(open.codes[32], 1);
  EXPECT_EQ(open.codes[64], 0);
  EXPECT_EQ(open.codes[96], 2);
  EXPECT_EQ(open.codes[128], 1);
}

TEST(GgufBlockTypes, FloatsHaveNone) { EXPECT_THROW(block_type(TensorType::kF32), Error); }

// Codes of a block are whole bytes, and every kind of number has a place in OpenBlock.
TEST(GgufBlockTypes, AllFitTheirPlaces) {
  for (const TensorType type :
       {TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0, TensorType::kQ5_1,
        TensorType::kQ8_0, TensorType::kQ2_K, TensorType::kQ3_K, TensorType::kQ4_K,
        TensorType::kQ5_K, TensorType::kQ6_K, TensorType::kIQ4_NL, TensorType::kIQ4_XS,
        TensorType::kMXFP4, TensorType::kTQ1_0, TensorType::kTQ2_0}) {
    const BlockType& block = block_type(type);
    const int64_t size = gguf::layout_of(type).block;
    EXPECT_EQ(size * block.codes.stored_bits() % 8, 0);
    for (const BlockPart& part : {block.scale, block.offset}) {
      EXPECT_LE(part.parts, 16);
      EXPECT_EQ(size % part.parts, 0);
    }
    const OpenBlock open = opened(type, std::vector<uint8_t>(block_of(type).size(), 0xff));
    for (int64_t i = 0; i < size; ++i)
      EXPECT_LT(open.codes[static_cast<size_t>(i)], 1 << block.codes.stored_bits());
  }
}

}  // namespace
}  // namespace vecton::checkpoint
