#include "server/render.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "base/json.h"
#include "base/json_text.h"
#include "server/failure.h"

namespace vecton::server {
namespace {

std::string floats(std::vector<float> values) {
  std::string out;
  append_floats(out, values);
  return out;
}

std::string in_quotes(std::string_view text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

TEST(Render, FloatsAreShortAndExact) {
  EXPECT_EQ(floats({}), "[]");
  EXPECT_EQ(floats({0.1f, -2, 1e-30f}), "[0.1,-2.0,1e-30]");
  std::mt19937 random(7);
  std::vector<float> values = {std::numeric_limits<float>::max(),
                               -std::numeric_limits<float>::min(),
                               std::numeric_limits<float>::denorm_min(), -1.17549435e-38f};
  while (values.size() < 5000) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isfinite(value)) values.push_back(value);
  }
  const json::value parsed = json::parse(floats(values));
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(static_cast<float>(parsed.at(i).to_number<double>()), values[i]);
  }
}

TEST(Render, RowsAreLists) {
  std::string out;
  append_rows(out, std::vector<float>{1, 2, 3, 4, 5, 6}, 2, 3);
  EXPECT_EQ(out, "[[1.0,2.0,3.0],[4.0,5.0,6.0]]");
}

TEST(Render, NumbersThatAreNotFiniteAreNoAnswer) {
  EXPECT_THROW(floats({1, std::nanf("")}), Failure);
  EXPECT_THROW(float_bytes(std::vector<float>{INFINITY}, Endian::kLittle), Failure);
  std::string out;
  EXPECT_THROW(append_base64(out, std::vector<float>{1, -INFINITY}), Failure);
  EXPECT_THROW(append_number(out, std::nan("")), Failure);
  EXPECT_THROW(append_float(out, std::nanf("")), Failure);
  EXPECT_THROW(append_float(out, -INFINITY), Failure);
}

TEST(Render, StringsAreValidJsonWhateverTheyHold) {
  EXPECT_EQ(in_quotes("a\"b\\c\nd\x01"), R"("a\"b\\c\nd\u0001")");
  EXPECT_EQ(in_quotes("caf\xc3\xa9 \xf0\x9f\x91\x8d"), "\"caf\xc3\xa9 \xf0\x9f\x91\x8d\"");
  const std::string replacement = "\xef\xbf\xbd";
  for (const std::string bad :
       {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x91"}) {
    const std::string out = in_quotes(bad);
    EXPECT_NE(out.find(replacement), std::string::npos);
    EXPECT_NO_THROW(json::parse(out));
  }
}

TEST(Render, Base64) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64(std::string("\xff\xfe\x00", 3)), "//4A");
}

TEST(Render, FloatBytesHaveTheAskedOrder) {
  const std::vector<float> one = {1.0f};
  EXPECT_EQ(float_bytes(one, Endian::kLittle), std::string("\x00\x00\x80\x3f", 4));
  EXPECT_EQ(float_bytes(one, Endian::kBig), std::string("\x3f\x80\x00\x00", 4));
}

}  // namespace
}  // namespace vecton::server
