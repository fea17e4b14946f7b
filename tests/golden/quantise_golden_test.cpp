// The bytes of quantised matrices against those that MLX's processor backend wrote.
#include <gtest/gtest.h>

#include <cstring>
#include <optional>

#include "fixture.h"
#include "quantise/quantise.h"
#include "vecton/error.h"

namespace vecton::golden {
namespace {

tensor::DType dtype_of(std::string_view name) {
  for (const tensor::DType type :
       {tensor::DType::kF32, tensor::DType::kF16, tensor::DType::kBF16}) {
    if (name == to_string(type)) return type;
  }
  throw std::runtime_error("a dtype that no test knows: " + std::string(name));
}

quantise::Scheme scheme_of(const json::value& settings) {
  return quantise::make_scheme(std::string(settings.at("mode").as_string()),
                               settings.at("bits").to_number<int64_t>(),
                               settings.at("group_size").to_number<int64_t>());
}

class QuantiseGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(QuantiseGolden, BytesAreThose) {
  const Fixture fixture(GetParam());
  int checked = 0;
  for (const json::value& c : fixture.cases()) {
    if (c.at("task").as_string() != "quantise") continue;
    SCOPED_TRACE(std::string(c.at("params").at("key").as_string()));
    const quantise::Scheme scheme = scheme_of(c.at("params"));
    const tensor::DType dtype = dtype_of(c.at("input").at("dtype").as_string());
    Matrix matrix = fixture.tensor(c.at("input").at("matrix"));
    const auto count = static_cast<int64_t>(matrix.values.size()), groups = count / scheme.group;
    const int64_t width = scheme.affine() ? size_of(dtype) : 1;
    std::vector<std::byte> codes(static_cast<size_t>(scheme.code_bytes(count))),
        scales(static_cast<size_t>(groups * width)), offsets(scales.size());
    quantise::quantise(scheme, dtype, matrix.values,
                       {codes.data(), scales.data(), scheme.affine() ? offsets.data() : nullptr},
                       "matrix");
    const json::value& expect = c.at("expect");
    EXPECT_EQ(codes, fixture.bytes(expect.at("packed")));
    if (scheme.affine()) {  // the fixture has them widened
      const auto widened = [&](const std::vector<std::byte>& stored) {
        std::vector<float> values(static_cast<size_t>(groups));
        quantise::widen(dtype, stored, values);
        return values;
      };
      EXPECT_EQ(widened(scales), fixture.tensor(expect.at("scales")).values);
      EXPECT_EQ(widened(offsets), fixture.tensor(expect.at("biases")).values);
    } else {
      EXPECT_EQ(scales, fixture.bytes(expect.at("scales")));
    }
    ++checked;
  }
  EXPECT_GT(checked, 0);
}

TEST_P(QuantiseGolden, RefusesWhatMlxRefuses) {
  const Fixture fixture(GetParam());
  int checked = 0;
  for (const json::value& c : fixture.cases()) {
    if (c.at("task").as_string() != "quantise_params") continue;
    for (const json::value& verdict : c.at("expect").at("verdicts").as_array()) {
      SCOPED_TRACE(json::serialize(verdict));
      if (verdict.at("verdict").as_string() == "reject") {
        EXPECT_THROW(scheme_of(verdict), Error);
      } else {
        EXPECT_NO_THROW(scheme_of(verdict));
      }
      ++checked;
    }
  }
  EXPECT_GT(checked, 0);
}

INSTANTIATE_TEST_SUITE_P(Golden, QuantiseGolden, ::testing::ValuesIn(fixtures_with({"quantise"})),
                         test_name);

}  // namespace
}  // namespace vecton::golden
