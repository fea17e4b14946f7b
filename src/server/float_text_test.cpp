#include "server/float_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/json_text.h"

namespace vecton::server {
namespace {

std::string one_by_one(std::span<const float> values) {
  std::string out;
  for (const float value : values) {
    char text[base::kFloatText];
    out.append(text, base::write_float(text, value)) += ',';
  }
  return out;
}

std::string at_once(cpu::Isa isa, std::span<const float> values) {
  std::vector<char> text(float_text_room(values.size()));
  const char* const begin = text.data();
  const char* const end = write_floats(isa)(text.data(), values);
  return end ? std::string(begin, end) : "not finite";
}

// Where the ways of writing change: powers of two and of ten and short decimals, each with the
// floats around it.
std::vector<float> edges() {
  std::vector<float> out;
  const auto around = [&](float middle) {
    float below = middle, above = middle;
    out.push_back(middle);
    for (int i = 0; i < 20; ++i) {
      out.push_back(below = std::nextafter(below, -1.0F));
      out.push_back(-(above = std::nextafter(above, 1000.0F)));
    }
  };
  for (int power = -20; power < 12; ++power) around(std::ldexp(1.0F, power));
  for (const float ten : {1e-5F, 1e-4F, 1e-3F, 1e-2F, 1e-1F, 1e0F, 1e1F, 1e2F, 1e3F}) {
    for (int digit = 1; digit < 10; ++digit) around(ten * static_cast<float>(digit));
  }
  // Ties: half way between two decimals of eight digits.
  for (int odd = 1; odd < 1024; odd += 2) out.push_back(static_cast<float>(odd) / 512);
  return out;
}

TEST(FloatText, IsThatOfEachAlone) {
  std::vector<float> values = edges();
  std::mt19937 random(3);
  // Every exponent, and most of those that are written several at once.
  for (int i = 0; i < 200'000; ++i) {
    const auto bits = static_cast<uint32_t>(random());
    const float value =
        std::bit_cast<float>(i % 8 ? (bits & 0x807FFFFF) | (113 + bits % 21) << 23 : bits);
    if (std::isfinite(value)) values.push_back(value);
  }
  for (const cpu::Isa isa : cpu::supported_isas()) {
    EXPECT_TRUE(at_once(isa, values) == one_by_one(values)) << cpu::to_string(isa);
    for (size_t i = 0; i < values.size(); i += 1000) {
      const std::vector<float> same(16, values[i]);
      EXPECT_EQ(at_once(isa, same), one_by_one(same)) << cpu::to_string(isa);
    }
  }
}

TEST(FloatText, OfAnyNumberOfValues) {
  std::vector<float> values;
  for (int n = 0; n < 70; ++n) {
    for (const cpu::Isa isa : cpu::supported_isas())
      EXPECT_EQ(at_once(isa, values), one_by_one(values)) << n;
    values.push_back(static_cast<float>(n * n) * -0.0123F);
  }
}

TEST(FloatText, SaysWhatIsNotFinite) {
  for (const cpu::Isa isa : cpu::supported_isas()) {
    for (const float strange :
         {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
          std::numeric_limits<float>::quiet_NaN()}) {
      for (const size_t at : {0, 15, 16, 33}) {
        std::vector<float> values(34, 0.25F);
        values[at] = strange;
        EXPECT_EQ(at_once(isa, values), "not finite") << at;
      }
    }
  }
}

}  // namespace
}  // namespace vecton::server
