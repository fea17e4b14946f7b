#include "base/json_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>

#include "base/json.h"

namespace vecton::base {
namespace {

template <typename T>
std::string text_of(T value) {
  char text[kDoubleText];
  return {text, write_float(text, value)};
}

TEST(JsonText, FloatsLookLikeFloats) {
  const std::pair<float, const char*> kTexts[] = {
      {0.0f, "0.0"},           {-0.0f, "-0.0"},
      {1.0f, "1.0"},           {-1.0f, "-1.0"},
      {0.5f, "0.5"},           {0.1f, "0.1"},
      {100000.0f, "100000.0"}, {1e9f, "1000000000.0"},
      {1234.5f, "1234.5"},     {1e-30f, "1e-30"},
      {1e16f, "1e+16"},        {-1e15f, "-999999986991104.0"},
      {3e38f, "3e+38"},        {16777216.0f, "16777216.0"}};
  for (const auto& [value, text] : kTexts) EXPECT_EQ(text_of(value), text);
  EXPECT_EQ(text_of(0.1), "0.1");
  EXPECT_EQ(text_of(1.0), "1.0");
  EXPECT_EQ(text_of(123456789012.0), "123456789012.0");
  EXPECT_EQ(text_of(0.95346260070800781), "0.9534626007080078");
  EXPECT_EQ(text_of(1e300), "1e+300");
}

// Every float comes back, fits, and but for whole numbers has the shortest text that there is.
TEST(JsonText, FloatsComeBack) {
  std::mt19937_64 random(3);
  std::vector<float> values = {std::numeric_limits<float>::max(), std::numeric_limits<float>::min(),
                               std::numeric_limits<float>::denorm_min(), -9.9999992e15f,
                               -1.17549435e-38f};
  while (values.size() < 20000) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isfinite(value)) values.push_back(value);
    values.push_back(std::trunc(std::ldexp(static_cast<float>(random() % 1000), 44 - 8)));
  }
  for (const float value : values) {
    const std::string text = text_of(value);
    EXPECT_LE(text.size(), kFloatText);
    EXPECT_NE(text.find_first_of(".e"), std::string::npos) << text;
    EXPECT_EQ(std::strtof(text.c_str(), nullptr), value) << text;
    char shortest[32];
    const std::string plain(shortest, std::to_chars(shortest, shortest + 32, value).ptr);
    if (value != std::trunc(value)) {
      EXPECT_EQ(text, plain);
    }
  }
  for (int i = 0; i < 20000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = text_of(value);
    EXPECT_LE(text.size(), kDoubleText);
    EXPECT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
  }
  EXPECT_LE(text_of(-9999999999999998.0).size(), kDoubleText);
}

TEST(JsonText, DocumentsAreTheirText) {
  for (const char* text :
       {"null", "true", "false", "-3", "18446744073709551615", "1.0", "0.25", "\"a\\\"\\n\"", "[]",
        "{}", "[1,2.0,[],{}]", R"({"a":[1,{"b":null}],"c":"caf\u00e9"})"}) {
    EXPECT_EQ(json_text(json::parse(text)), text[0] == '{' && text[1] == '"'
                                                ? "{\"a\":[1,{\"b\":null}],\"c\":\"caf\xc3\xa9\"}"
                                                : std::string(text));
  }
  EXPECT_EQ(json_text(json::object{{"factor", 4.0}, {"index", 1}}), R"({"factor":4.0,"index":1})");
}

}  // namespace
}  // namespace vecton::base
