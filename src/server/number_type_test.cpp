#include "server/number_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "server/failure.h"

namespace vecton::server {
namespace {

using testing::ElementsAreArray;

const std::vector<float> kValues = {0.0f,    -0.0f,  1.0f,    -1.0f,        0.3f,    -0.017f,
                                    0.0019f, 1e-9f,  0x1p-9f, 3 * 0x1p-10f, 447.9f,  -448.0f,
                                    0.0625f, 0.068f, 240.1f,  1.0625f,      1.1875f, 17.5f};

std::vector<int> bytes(NumberType type, Endian endian = Endian::kLittle) {
  std::vector<int> out;
  for (const char c : number_bytes(kValues, type, endian))
    out.push_back(static_cast<unsigned char>(c));
  return out;
}

std::vector<int> pairs(NumberType type, Endian endian) {
  const std::vector<int> raw = bytes(type, endian);
  std::vector<int> out;
  for (size_t i = 0; i < raw.size(); i += 2) {
    const int bits = endian == Endian::kBig ? raw[i] << 8 | raw[i + 1] : raw[i + 1] << 8 | raw[i];
    out.push_back(bits >= 0x8000 ? bits - 0x10000 : bits);
  }
  return out;
}

// What torch makes of the same numbers.
TEST(NumberType, EightBitFloats) {
  EXPECT_THAT(bytes(NumberType::kFp8E4m3), ElementsAreArray({0, 128, 56, 184, 42, 137, 1, 0, 1, 2,
                                                             126, 254, 24, 25, 119, 56, 58, 89}));
  EXPECT_THAT(bytes(NumberType::kFp8E5m2), ElementsAreArray({0, 128, 60, 188, 53, 164, 24, 0, 24,
                                                             26, 95, 223, 44, 44, 92, 60, 61, 76}));
}

TEST(NumberType, SixteenBitFloats) {
  for (const Endian endian : {Endian::kLittle, Endian::kBig}) {
    EXPECT_THAT(pairs(NumberType::kFloat16, endian),
                ElementsAreArray({0, -32768, 15360, -17408, 13517, -23462, 6088, 0, 6144, 6656,
                                  24320, -8448, 11264, 11354, 23425, 15424, 15552, 19552}));
    EXPECT_THAT(pairs(NumberType::kBfloat16, endian),
                ElementsAreArray({0, -32768, 16256, -16512, 16026, -17269, 15097, 12425, 15104,
                                  15168, 17376, -15392, 15744, 15755, 17264, 16264, 16280, 16780}));
  }
}

TEST(NumberType, WholeNumbers) {
  const auto text = [](std::vector<float> values, NumberType type) {
    std::string out;
    append_whole(out, values, type);
    return out;
  };
  EXPECT_EQ(text({0.5f, -1.0f, 0.25f, 0.0f}, NumberType::kInt8), "[64,-127,32,0]");
  EXPECT_EQ(text({0.5f, -1.0f, 0.25f, 0.0f}, NumberType::kUint8), "[192,1,160,128]");
  EXPECT_EQ(text({0, 0}, NumberType::kInt8), "[0,0]");
  EXPECT_EQ(text({1, -1, 0, 0, -1, -1, -1, 1}, NumberType::kUbinary), "[177]");
  EXPECT_EQ(text({1, -1, 0, 0, -1, -1, -1, 1}, NumberType::kBinary), "[49]");
  EXPECT_EQ(number_bytes(std::vector<float>{1, -1}, NumberType::kInt8, Endian::kLittle),
            "\x7f\x81");
}

TEST(NumberType, NamesAndLimits) {
  for (const char* name : {"float32", "float16", "bfloat16", "fp8_e4m3", "fp8_e5m2", "int8",
                           "uint8", "binary", "ubinary"}) {
    EXPECT_STREQ(to_string(*number_type_from(name)), name);
  }
  EXPECT_EQ(number_type_from("float"), NumberType::kFloat32);
  EXPECT_FALSE(number_type_from("int4"));
  EXPECT_THROW(check_size(NumberType::kBinary, 12, "x"), Failure);
  check_size(NumberType::kInt8, 12, "x");
}

TEST(NumberType, WhatDoesNotFitIsAnError) {
  const auto cause = [](float value, NumberType type) {
    try {
      number_bytes(std::vector<float>{value}, type, Endian::kLittle);
    } catch (const Failure& failure) {
      return failure.cause;
    }
    return Cause::kSlow;
  };
  EXPECT_EQ(cause(449, NumberType::kFp8E4m3), Cause::kInvalid);
  EXPECT_EQ(cause(449, NumberType::kFp8E5m2), Cause::kSlow);
  EXPECT_EQ(cause(70000, NumberType::kFloat16), Cause::kInvalid);
  for (const auto type : {NumberType::kBfloat16, NumberType::kInt8, NumberType::kBinary})
    EXPECT_EQ(cause(std::numeric_limits<float>::infinity(), type), Cause::kInternal);
}

}  // namespace
}  // namespace vecton::server
