// What a weight must be before a backend prepares it. Its numbers are in the operation table.
#include "backend/host/dequantise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "vecton/error.h"

namespace vecton::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal_of(const tensor::Weight& weight) {
  try {
    check_weight(weight);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

struct CheckWeight : ::testing::Test {
  CheckWeight() {
    weight.name = "layer.weight";
    weight.rows = 4;
    weight.columns = 32;
    weight.codes.bytes = bytes;
  }
  std::vector<std::byte> bytes{4 * 32 * 4};
  tensor::Weight weight;
};

TEST_F(CheckWeight, TakesFloats) { EXPECT_EQ(refusal_of(weight), ""); }

TEST_F(CheckWeight, NamesTheTensorAndTheTypeThatIsNoFloat) {
  weight.codes.dtype = tensor::DType::kI32;
  EXPECT_THAT(refusal_of(weight), AllOf(HasSubstr("layer.weight"), HasSubstr("float32, float16")));
}

TEST_F(CheckWeight, NamesTheBytesThatAreMissing) {
  weight.codes.bytes = std::span(bytes).first(511);
  EXPECT_THAT(refusal_of(weight),
              AllOf(HasSubstr("layer.weight"), HasSubstr("512"), HasSubstr("511")));
}

TEST_F(CheckWeight, NamesCodesOfTooManyBits) {
  weight.codes.kind = tensor::Codes::Kind::kUint;
  weight.codes.bits = 9;
  EXPECT_THAT(refusal_of(weight), AllOf(HasSubstr("layer.weight"), HasSubstr("9 bits")));
}

TEST_F(CheckWeight, ABlocksScalesMustAllBeThere) {
  weight.scale = {.block_columns = 16, .bytes = std::span(bytes).first(8 * 4)};
  EXPECT_EQ(refusal_of(weight), "");
  weight.scale.bytes = weight.scale.bytes.first(7 * 4);
  EXPECT_THAT(refusal_of(weight), AllOf(HasSubstr("layer.weight: scales"), HasSubstr("32")));
  weight.scale.block_columns = 0;
  EXPECT_THAT(refusal_of(weight), HasSubstr("blocks of 1 x 0"));
}

}  // namespace
}  // namespace vecton::host
