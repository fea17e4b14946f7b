#include "checkpoint/gguf/block_types.h"

#include <algorithm>
#include <cstring>

#include "vecton/error.h"

// Layouts: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
namespace vecton::checkpoint {

namespace {

using gguf::TensorType;

uint16_t half_at(const uint8_t* at) {
  uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return bits;
}

uint32_t word_at(const uint8_t* at) {
  uint32_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return bits;
}

// What is subtracted in the file is added here.
uint16_t negated(uint16_t half) { return half ^ 0x8000u; }

// 16 bytes: their low halves are codes 0 .. 15, their high halves 16 .. 31.
void halves_of_16(const uint8_t* from, uint8_t* codes) {
  for (int i = 0; i < 16; ++i) {
    codes[i] = from[i] & 0xf;
    codes[16 + i] = from[i] >> 4;
  }
}

// Of codes of 5 bits: bit i of `high` is the highest of code i.
void add_high_bits(uint32_t high, uint8_t* codes) {
  for (uint32_t i = 0; i < 32; ++i) codes[i] |= static_cast<uint8_t>((high >> i & 1) << 4);
}

void q4_0(const uint8_t* block, OpenBlock& out) {
  out.scale = half_at(block);
  halves_of_16(block + 2, out.codes.data());
}

void q4_1(const uint8_t* block, OpenBlock& out) {
  out.scale = half_at(block);
  out.offset = half_at(block + 2);
  halves_of_16(block + 4, out.codes.data());
}

void q5_0(const uint8_t* block, OpenBlock& out) {
  out.scale = half_at(block);
  halves_of_16(block + 6, out.codes.data());
  add_high_bits(word_at(block + 2), out.codes.data());
}

void q5_1(const uint8_t* block, OpenBlock& out) {
  out.scale = half_at(block);
  out.offset = half_at(block + 2);
  halves_of_16(block + 8, out.codes.data());
  add_high_bits(word_at(block + 4), out.codes.data());
}

// Signed bytes; codes are whole numbers from 0.
void q8_0(const uint8_t* block, OpenBlock& out) {
  out.scale = half_at(block);
  for (int i = 0; i < 32; ++i) out.codes[i] = block[2 + i] ^ 0x80;
}

// Two bits of 32 bytes after another, twice.
void quarters(const uint8_t* from, uint8_t* codes) {
  for (int half = 0; half < 2; ++half, from += 32) {
    for (int shift = 0; shift < 8; shift += 2, codes += 32) {
      for (int i = 0; i < 32; ++i) codes[i] = from[i] >> shift & 3;
    }
  }
}

void q2_k(const uint8_t* block, OpenBlock& out) {
  for (int i = 0; i < 16; ++i) {
    out.scales[i] = block[i] & 0xf;
    out.offsets[i] = block[i] >> 4;
  }
  quarters(block + 16, out.codes.data());
  out.scale = half_at(block + 80);
  out.offset = negated(half_at(block + 82));
}

// Scales of 6 bits, from -32: the low four in the halves of 8 bytes, the high two in 4 more.
void q3_k(const uint8_t* block, OpenBlock& out) {
  const uint8_t *high = block, *scales = block + 96;
  quarters(block + 32, out.codes.data());
  for (int part = 0; part < 8; ++part) {
    uint8_t* codes = out.codes.data() + 32 * part;
    for (int i = 0; i < 32; ++i) codes[i] |= static_cast<uint8_t>((high[i] >> part & 1) << 2);
  }
  for (int i = 0; i < 16; ++i) {
    const int low = i < 8 ? scales[i] & 0xf : scales[i - 8] >> 4;
    const int top = scales[8 + i % 4] >> (2 * (i / 4)) & 3;
    out.scales[i] = static_cast<uint8_t>((low | top << 4) - 32);
  }
  out.scale = half_at(block + 108);
}

// Eight scales and eight offsets of 6 bits in 12 bytes.
void read_scales_of_6_bits(const uint8_t* from, OpenBlock& out) {
  for (int i = 0; i < 4; ++i) {
    out.scales[i] = from[i] & 63;
    out.offsets[i] = from[4 + i] & 63;
    out.scales[4 + i] = static_cast<uint8_t>((from[8 + i] & 0xf) | (from[i] >> 6) << 4);
    out.offsets[4 + i] = static_cast<uint8_t>(from[8 + i] >> 4 | (from[4 + i] >> 6) << 4);
  }
}

// 32 bytes: their low halves are the next 32 codes, their high halves the 32 after those.
void halves_of_32(const uint8_t* from, uint8_t* codes) {
  for (int chunk = 0; chunk < 4; ++chunk, from += 32, codes += 64) {
    for (int i = 0; i < 32; ++i) {
      codes[i] = from[i] & 0xf;
      codes[32 + i] = from[i] >> 4;
    }
  }
}

void q4_k(const uint8_t* block, OpenBlock& out) {
  out.scale = half_at(block);
  out.offset = negated(half_at(block + 2));
  read_scales_of_6_bits(block + 4, out);
  halves_of_32(block + 16, out.codes.data());
}

void q5_k(const uint8_t* block, OpenBlock& out) {
  out.scale = half_at(block);
  out.offset = negated(half_at(block + 2));
  read_scales_of_6_bits(block + 4, out);
  const uint8_t* high = block + 16;
  halves_of_32(block + 48, out.codes.data());
  for (int part = 0; part < 8; ++part) {
    uint8_t* codes = out.codes.data() + 32 * part;
    for (int i = 0; i < 32; ++i) codes[i] |= static_cast<uint8_t>((high[i] >> part & 1) << 4);
  }
}

void q6_k(const uint8_t* block, OpenBlock& out) {
  const uint8_t *low = block, *high = block + 128;
  uint8_t* codes = out.codes.data();
  for (int half = 0; half < 2; ++half, low += 64, high += 32, codes += 128) {
    for (int i = 0; i < 32; ++i) {
      codes[i] = static_cast<uint8_t>((low[i] & 0xf) | (high[i] & 3) << 4);
      codes[32 + i] = static_cast<uint8_t>((low[32 + i] & 0xf) | (high[i] >> 2 & 3) << 4);
      codes[64 + i] = static_cast<uint8_t>(low[i] >> 4 | (high[i] >> 4 & 3) << 4);
      codes[96 + i] = static_cast<uint8_t>(low[32 + i] >> 4 | (high[i] >> 6) << 4);
    }
  }
  std::copy_n(block + 192, 16, out.scales.data());
  out.scale = half_at(block + 208);
}

void iq4_xs(const uint8_t* block, OpenBlock& out) {
  out.scale = half_at(block);
  const uint32_t high = half_at(block + 2);
  for (uint32_t i = 0; i < 8; ++i) {
    const uint32_t low = block[4 + i / 2] >> (4 * (i % 2)) & 0xf;
    out.scales[i] = static_cast<uint8_t>((low | (high >> (2 * i) & 3) << 4) - 32);
    halves_of_16(block + 8 + 16 * i, out.codes.data() + 32 * i);
  }
}

void mxfp4(const uint8_t* block, OpenBlock& out) {
  out.scales[0] = block[0];
  halves_of_16(block + 1, out.codes.data());
}

// Digits to the base of 3, five in a byte: the byte is their fraction of 256, the highest first.
uint8_t digit(uint8_t byte, int place) {
  constexpr uint8_t kPowers[] = {1, 3, 9, 27, 81};
  const auto rest = static_cast<uint8_t>(byte * kPowers[place]);
  return static_cast<uint8_t>(uint32_t{rest} * 3 >> 8);
}

void tq1_0(const uint8_t* block, OpenBlock& out) {
  uint8_t* codes = out.codes.data();
  const auto digits = [&](const uint8_t* from, int bytes, int places) {
    for (int place = 0; place < places; ++place) {
      for (int i = 0; i < bytes; ++i) *codes++ = digit(from[i], place);
    }
  };
  digits(block, 32, 5);
  digits(block + 32, 16, 5);
  digits(block + 48, 4, 4);
  out.scale = half_at(block + 52);
}

void tq2_0(const uint8_t* block, OpenBlock& out) {
  quarters(block, out.codes.data());
  out.scale = half_at(block + 64);
}

constexpr std::array<float, 16> kIq4Values = {-127, -104, -83, -65, -49, -35, -22, -10,
                                              1,    13,   25,  38,  53,  69,  89,  113};

constexpr tensor::Codes whole(int bits, int zero_point = 0) {
  return {.kind = tensor::Codes::Kind::kUint, .bits = bits, .zero_point = zero_point};
}
constexpr tensor::Codes places() {
  return {.kind = tensor::Codes::Kind::kTable, .table = kIq4Values};
}
constexpr BlockPart half() { return {.exists = true}; }
constexpr BlockPart bytes(tensor::BlockNumbers::Type type, int64_t parts) {
  return {.exists = true, .type = type, .parts = parts};
}
using NumberType = tensor::BlockNumbers::Type;

const BlockType kBlockTypes[] = {
    {TensorType::kQ4_0, whole(4, 8), half(), {}, false, q4_0},
    {TensorType::kQ4_1, whole(4), half(), half(), false, q4_1},
    {TensorType::kQ5_0, whole(5, 16), half(), {}, false, q5_0},
    {TensorType::kQ5_1, whole(5), half(), half(), false, q5_1},
    {TensorType::kQ8_0, whole(8, 128), half(), {}, false, q8_0},
    {TensorType::kQ2_K, whole(2), bytes(NumberType::kU8, 16), bytes(NumberType::kU8, 16), true,
     q2_k},
    {TensorType::kQ3_K, whole(3, 4), bytes(NumberType::kI8, 16), {}, true, q3_k},
    {TensorType::kQ4_K, whole(4), bytes(NumberType::kU8, 8), bytes(NumberType::kU8, 8), true, q4_k},
    {TensorType::kQ5_K, whole(5), bytes(NumberType::kU8, 8), bytes(NumberType::kU8, 8), true, q5_k},
    {TensorType::kQ6_K, whole(6, 32), bytes(NumberType::kI8, 16), {}, true, q6_k},
    {TensorType::kIQ4_NL, places(), half(), {}, false, q4_0},
    {TensorType::kIQ4_XS, places(), bytes(NumberType::kI8, 8), {}, true, iq4_xs},
    {TensorType::kMXFP4,
     {.kind = tensor::Codes::Kind::kFp4E2M1},
     bytes(NumberType::kE8M0, 1),
     {},
     false,
     mxfp4},
    {TensorType::kTQ1_0, whole(2, 1), half(), {}, false, tq1_0},
    {TensorType::kTQ2_0, whole(2, 1), half(), {}, false, tq2_0},
};

}  // namespace

const BlockType& block_type(TensorType type) {
  const auto* found = std::ranges::find(kBlockTypes, type, &BlockType::type);
  if (found == std::end(kBlockTypes))
    throw Error(ErrorCode::kInternal, "a type of floats has no blocks");
  return *found;
}

}  // namespace vecton::checkpoint
