#include "quantise/quantise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "backend/cpu/isa.h"
#include "base/half.h"
#include "base/small_floats.h"
#include "quantise/kernels.h"
#include "quantise/pack.h"
#include "vecton/error.h"

namespace vecton::quantise {
namespace {

using ::testing::HasSubstr;

std::vector<float> random_values(size_t count, float width, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, width);
  std::vector<float> values(count);
  for (float& value : values) value = normal(engine);
  return values;
}

struct Bytes {
  std::vector<std::byte> codes, scales, offsets;
  friend bool operator==(const Bytes&, const Bytes&) = default;
};

Bytes quantised(const Scheme& scheme, tensor::DType dtype, std::vector<float> values) {
  const auto count = static_cast<int64_t>(values.size()), groups = count / scheme.group;
  const int64_t width = scheme.affine() ? size_of(dtype) : 1;
  Bytes bytes;
  bytes.codes.resize(static_cast<size_t>(scheme.code_bytes(count)));
  bytes.scales.resize(static_cast<size_t>(groups * width));
  if (scheme.affine()) bytes.offsets.resize(bytes.scales.size());
  quantise(
      scheme, dtype, values,
      {bytes.codes.data(), bytes.scales.data(), scheme.affine() ? bytes.offsets.data() : nullptr},
      "file: w");
  return bytes;
}

uint8_t byte_at(const std::vector<std::byte>& bytes, size_t i) {
  return std::to_integer<uint8_t>(bytes[i]);
}
float float_at(const std::vector<std::byte>& bytes, size_t i) {
  float value;
  std::memcpy(&value, &bytes[i * sizeof value], sizeof value);
  return value;
}

// The rule said plainly, one number at a time.
std::vector<uint8_t> plain_affine(const float* values, int64_t group, int bits, float& scale,
                                  float& offset) {
  float low = values[0], high = values[0];
  for (int64_t i = 1; i < group; ++i) {
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  const float steps = static_cast<float>((1 << bits) - 1);
  const bool from_low = std::fabs(low) > std::fabs(high);
  scale = std::max((high - low) / steps, 1e-7f);
  if (!from_low) scale = -scale;
  const float edge = from_low ? low : high, zero_code = std::rint(edge / scale);
  offset = 0;
  if (zero_code != 0) {
    scale = edge / zero_code;
    offset = edge;
  }
  std::vector<uint8_t> codes;
  for (int64_t i = 0; i < group; ++i) {
    const float code = std::rint((values[i] - offset) / scale);
    codes.push_back(static_cast<uint8_t>(std::clamp(code, 0.0f, steps)));
  }
  return codes;
}

class EveryIsa : public ::testing::TestWithParam<cpu::Isa> {
 protected:
  const Kernels& kernels_ = kernels(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Quantise, EveryIsa, ::testing::ValuesIn(cpu::supported_isas()),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST_P(EveryIsa, AffineFollowsTheRule) {
  for (const int64_t group : {32, 64, 128}) {
    for (const int bits : {2, 3, 4, 5, 6, 8}) {
      std::vector<float> values = random_values(128 * 6, 0.05f, static_cast<unsigned>(bits));
      std::fill(values.begin(), values.begin() + 128, 0.0f);
      std::fill(values.begin() + 128, values.begin() + 256, 0.25f);
      for (size_t i = 256; i < 384; ++i) values[i] = -std::fabs(values[i]);
      const auto groups = static_cast<int64_t>(values.size()) / group;
      std::vector<uint8_t> codes(values.size());
      std::vector<float> scales(static_cast<size_t>(groups)), offsets(scales.size());
      kernels_.affine(values.data(), groups, group, bits, codes.data(), scales.data(),
                      offsets.data());
      for (int64_t g = 0; g < groups; ++g) {
        float scale = 0, offset = 0;
        const auto expected =
            plain_affine(&values[static_cast<size_t>(g * group)], group, bits, scale, offset);
        EXPECT_EQ(scales[static_cast<size_t>(g)], scale);
        EXPECT_EQ(offsets[static_cast<size_t>(g)], offset);
        EXPECT_EQ(std::vector<uint8_t>(codes.begin() + g * group, codes.begin() + (g + 1) * group),
                  expected);
      }
    }
  }
}

TEST_P(EveryIsa, EightBitFloatsAreTheNearestEven) {
  // Every code, and both sides of and the middle between it and the next.
  std::vector<float> values;
  std::vector<uint8_t> expected;
  for (unsigned code = 0; code < 0x7e; ++code) {
    const float low = base::e4m3_to_float(static_cast<uint8_t>(code)),
                high = base::e4m3_to_float(static_cast<uint8_t>(code + 1)),
                middle = (low + high) / 2;
    const auto add = [&](float value, unsigned to) {
      values.insert(values.end(), {value, -value});
      expected.insert(expected.end(), {static_cast<uint8_t>(to), static_cast<uint8_t>(to | 0x80u)});
    };
    add(low, code);
    add(std::nextafter(middle, low), code);
    add(middle, code % 2 == 0 ? code : code + 1);
    add(std::nextafter(middle, high), code + 1);
  }
  for (const float large : {448.0f, 460.0f, 1e30f}) {
    values.push_back(large);
    expected.push_back(0x7e);
  }
  while (values.size() % 32 != 0) {
    values.push_back(0);
    expected.push_back(0);
  }
  std::vector<uint8_t> codes(values.size());
  const float one = 1;
  kernels_.e4m3(values.data(), 1, static_cast<int64_t>(values.size()), &one, codes.data());
  EXPECT_EQ(codes, expected);
}

TEST_P(EveryIsa, FourBitFloatsTieToTheSmallerMagnitude) {
  std::vector<float> values;
  std::vector<uint8_t> expected;
  for (unsigned code = 0; code < 7; ++code) {
    const float low = base::kE2M1[code], high = base::kE2M1[code + 1], middle = (low + high) / 2;
    const auto add = [&](float value, unsigned to) {
      values.insert(values.end(), {2 * value, -2 * value});
      expected.push_back(static_cast<uint8_t>(to));
      expected.push_back(static_cast<uint8_t>(to == 0 ? 0 : to | 8u));  // zero has no sign
    };
    add(low, code);
    add(middle, code);
    add(std::nextafter(middle, high), code + 1);
  }
  values.insert(values.end(), {100.0f, -100.0f});
  expected.insert(expected.end(), {7, 15});
  while (values.size() % 32 != 0) {
    values.push_back(0);
    expected.push_back(0);
  }
  std::vector<uint8_t> codes(values.size());
  const float two = 2;
  kernels_.e2m1(values.data(), 1, static_cast<int64_t>(values.size()), &two, codes.data());
  EXPECT_EQ(codes, expected);
}

TEST_P(EveryIsa, AScaleOfZeroGivesZeros) {
  const std::vector<float> values = random_values(32, 1, 5);
  const float zero = 0;
  std::vector<uint8_t> codes(32, 99);
  kernels_.e2m1(values.data(), 1, 32, &zero, codes.data());
  EXPECT_EQ(codes, std::vector<uint8_t>(32));
  codes.assign(32, 99);
  kernels_.e4m3(values.data(), 1, 32, &zero, codes.data());
  EXPECT_EQ(codes, std::vector<uint8_t>(32));
}

TEST_P(EveryIsa, EveryHalfIsWidenedAndNarrowedBack) {
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  for (const tensor::DType type : {tensor::DType::kF16, tensor::DType::kBF16}) {
    std::vector<float> wide(all.size());
    kernels_.widen(type, all.data(), static_cast<int64_t>(all.size()), wide.data());
    std::vector<uint16_t> back(all.size());
    EXPECT_TRUE(kernels_.narrow(type, wide.data(), static_cast<int64_t>(all.size()), back.data()));
    for (size_t i = 0; i < all.size(); ++i) {
      const float expected =
          type == tensor::DType::kF16 ? base::f16_to_float(all[i]) : base::bf16_to_float(all[i]);
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(wide[i])) << i;
      } else {
        EXPECT_EQ(wide[i], expected) << i;
        EXPECT_EQ(back[i], all[i]) << i;
      }
    }
  }
}

TEST_P(EveryIsa, NarrowingRoundsAndTellsOfOverflow) {
  std::vector<float> values = random_values(1003, 1000, 9);
  for (const float tiny : random_values(500, 1e-6f, 10)) values.push_back(tiny);
  for (const tensor::DType type : {tensor::DType::kF16, tensor::DType::kBF16}) {
    std::vector<uint16_t> stored(values.size());
    const auto count = static_cast<int64_t>(values.size());
    EXPECT_TRUE(kernels_.narrow(type, values.data(), count, stored.data()));
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_EQ(stored[i], type == tensor::DType::kF16 ? base::float_to_f16(values[i])
                                                       : base::float_to_bf16(values[i]));
    std::vector<float> large(33, 1.0f);
    large[7] = type == tensor::DType::kF16 ? 65520.0f : std::numeric_limits<float>::max();
    EXPECT_FALSE(kernels_.narrow(type, large.data(), 33, stored.data()));
    large[7] = std::numeric_limits<float>::infinity();
    EXPECT_TRUE(kernels_.narrow(type, large.data(), 33, stored.data()));  // it was not finite
    large[7] = 65519.0f;
    EXPECT_TRUE(kernels_.narrow(type, large.data(), 33, stored.data()));
  }
}

TEST_P(EveryIsa, FindsWhatIsNotFinite) {
  std::vector<float> values(37, 1.0f);
  EXPECT_TRUE(kernels_.all_finite(values.data(), 37));
  for (const size_t place : {0u, 20u, 36u}) {
    values[place] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_FALSE(kernels_.all_finite(values.data(), 37));
    values[place] = -std::numeric_limits<float>::infinity();
    EXPECT_FALSE(kernels_.all_finite(values.data(), 37));
    values[place] = 1;
  }
}

TEST(Pack, CodesAreOneStreamOfBits) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    std::mt19937 engine(static_cast<unsigned>(bits));
    std::vector<uint8_t> codes(64);
    for (uint8_t& code : codes) code = static_cast<uint8_t>(engine() % (1u << bits));
    std::vector<std::byte> packed(codes.size() * static_cast<size_t>(bits) / 8);
    pack_codes(codes.data(), static_cast<int64_t>(codes.size()), bits, packed.data());
    for (size_t i = 0; i < codes.size(); ++i) {
      unsigned code = 0;
      for (size_t bit = 0; bit < static_cast<size_t>(bits); ++bit) {
        const size_t place = i * static_cast<size_t>(bits) + bit;
        code |= (byte_at(packed, place / 8) >> (place % 8) & 1u) << bit;
      }
      EXPECT_EQ(code, codes[i]) << bits << " bits, code " << i;
    }
  }
}

TEST(Quantise, BytesDoNotDependOnHowManyGroupsAreDoneAtATime) {
  for (const Scheme& scheme : {make_scheme("affine", 3, 128), make_scheme("nvfp4", {}, {}),
                               make_scheme("mxfp8", {}, {})}) {
    const std::vector<float> values = random_values(128 * 53, 0.3f, 3);
    Bytes parts;
    for (size_t at = 0; at < values.size(); at += 128) {
      const Bytes one = quantised(scheme, tensor::DType::kBF16,
                                  {values.begin() + static_cast<int64_t>(at),
                                   values.begin() + static_cast<int64_t>(at) + 128});
      parts.codes.insert(parts.codes.end(), one.codes.begin(), one.codes.end());
      parts.scales.insert(parts.scales.end(), one.scales.begin(), one.scales.end());
      parts.offsets.insert(parts.offsets.end(), one.offsets.begin(), one.offsets.end());
    }
    EXPECT_EQ(quantised(scheme, tensor::DType::kBF16, values), parts) << scheme.text();
  }
}

TEST(Quantise, NumbersAreRoundedToTheTypeFirst) {
  const std::vector<float> values = random_values(256, 0.1f, 4);
  std::vector<float> rounded = values;
  for (float& value : rounded) value = base::f16_to_float(base::float_to_f16(value));
  const Scheme scheme = make_scheme("affine", 8, 32);
  EXPECT_EQ(quantised(scheme, tensor::DType::kF16, values),
            quantised(scheme, tensor::DType::kF16, rounded));
  EXPECT_NE(quantised(scheme, tensor::DType::kF32, values),
            quantised(scheme, tensor::DType::kF32, rounded));
}

TEST(Quantise, AZeroGroup) {
  const std::vector<float> zeros(32);
  const Bytes affine = quantised(make_scheme("affine", 4, 32), tensor::DType::kF32, zeros);
  EXPECT_EQ(float_at(affine.scales, 0), -1e-7f);
  EXPECT_EQ(float_at(affine.offsets, 0), 0);
  EXPECT_EQ(affine.codes, std::vector<std::byte>(16));
  EXPECT_EQ(byte_at(quantised(make_scheme("mxfp4", {}, {}), tensor::DType::kF32, zeros).scales, 0),
            127);
  EXPECT_EQ(byte_at(quantised(make_scheme("nvfp4", {}, {}), tensor::DType::kF32, zeros).scales, 0),
            0);
}

TEST(Quantise, ScalesOfMicroscalingAreRoundedUp) {
  std::vector<float> values(32, 0.0f);
  const Scheme scheme = make_scheme("mxfp4", {}, {});
  for (const auto& [largest, exponent] : {std::pair{6.0f, 127}, {6.001f, 128}, {3.0f, 126}}) {
    values[5] = largest;
    const Bytes bytes = quantised(scheme, tensor::DType::kF32, values);
    EXPECT_EQ(byte_at(bytes.scales, 0), exponent) << largest;
  }
}

TEST(Quantise, RefusesByName) {
  std::vector<float> values(32, 1.0f);
  const auto message = [&](tensor::DType dtype) {
    try {
      quantised(make_scheme("affine", 4, 32), dtype, values);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  values[3] = 1e6f;
  EXPECT_THAT(message(tensor::DType::kF16),
              HasSubstr("file: w: has numbers that float16 can't hold"));
  EXPECT_EQ(message(tensor::DType::kBF16), "");
  values[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(message(tensor::DType::kF32), HasSubstr("file: w: has numbers that are not finite"));
}

TEST(Scheme, DefaultsAreTheModes) {
  EXPECT_EQ(make_scheme("affine", {}, {}), (Scheme{Mode::kAffine, 4, 64}));
  EXPECT_EQ(make_scheme("mxfp4", {}, {}), (Scheme{Mode::kMxfp4, 4, 32}));
  EXPECT_EQ(make_scheme("nvfp4", {}, {}), (Scheme{Mode::kNvfp4, 4, 16}));
  EXPECT_EQ(make_scheme("mxfp8", {}, {}), (Scheme{Mode::kMxfp8, 8, 32}));
}

TEST(Scheme, NamesOfOptions) {
  const auto parse = [](const std::string& name) { return parse_scheme(name, "quantization"); };
  EXPECT_EQ(parse("mlx-affine-8"), (Scheme{Mode::kAffine, 8, 64}));
  EXPECT_EQ(parse("mlx-affine-3-g32"), (Scheme{Mode::kAffine, 3, 32}));
  EXPECT_EQ(parse("affine-4-g128"), (Scheme{Mode::kAffine, 4, 128}));
  EXPECT_EQ(parse("mxfp8"), (Scheme{Mode::kMxfp8, 8, 32}));
  EXPECT_EQ(parse("mlx-nvfp4"), (Scheme{Mode::kNvfp4, 4, 16}));
  for (const char* wrong : {"", "int8", "mlx-affine-", "mlx-affine-7", "mlx-affine-4-g16",
                            "mlx-affine-4-g", "mxfp4-g32", "mlx-affine-4x"}) {
    try {
      parse(wrong);
      FAIL() << wrong;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("expected mlx-affine-BITS"));
    }
  }
}

TEST(Scheme, RefusedCombinationsNameTheOption) {
  struct Case {
    const char* mode;
    int64_t bits, group;
    const char* message;
  };
  for (const Case& c : {Case{"affine", 7, 64, "--q-bits: 7 is not supported by mode affine"},
                        Case{"affine", 4, 48, "--q-group-size: 48 is not supported by mode affine"},
                        Case{"mxfp4", 8, 32, "--q-bits: 8 is not supported by mode mxfp4, only 4"},
                        Case{"nvfp4", 4, 32, "--q-group-size: 32"},
                        Case{"int4", 4, 32, "--q-mode: 'int4' is not known"}}) {
    try {
      make_scheme(c.mode, c.bits, c.group);
      FAIL() << c.message;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(error.what(), HasSubstr(c.message));
    }
  }
}

}  // namespace
}  // namespace vecton::quantise
