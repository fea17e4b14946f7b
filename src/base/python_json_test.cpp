#include "base/python_json.h"

#include <gtest/gtest.h>

#include <cmath>

#include "vecton/error.h"

namespace vecton::base {
namespace {

std::string text_of(std::string_view line) {
  return std::string(
      parse_python_json(line, "the line", BadBytes::kReplace).at("text").as_string());
}

TEST(PythonJson, WhatJsonHasIsReadAsItIs) {
  EXPECT_EQ(text_of(R"({"text":"NaN \u00e9 \ud83d\ude00 \\ud83d \"Infinity\""})"),
            "NaN \u00e9 \U0001F600 \\ud83d \"Infinity\"");
}

TEST(PythonJson, NumbersThatAreNone) {
  const json::value value = parse_python_json(
      R"({"text":"a NaN","x":NaN,"y":[-Infinity,Infinity]})", "the line", BadBytes::kReplace);
  EXPECT_EQ(value.at("text"), "a NaN");
  EXPECT_TRUE(std::isinf(value.at("x").as_double()));
  EXPECT_LT(value.at("y").at(0).as_double(), 0);
  EXPECT_GT(value.at("y").at(1).as_double(), 0);
}

TEST(PythonJson, HalvesOfPairs) {
  EXPECT_EQ(text_of(R"({"text":"a\ud83d"})"), "a\uFFFD");
  EXPECT_EQ(text_of(R"({"text":"\udc00\ud83d\ud83d\ude00b"})"), "\uFFFD\uFFFD\U0001F600b");
  EXPECT_EQ(text_of(R"({"text":"\ud83d\n"})"), "\uFFFD\n");
}

TEST(PythonJson, BytesThatAreNoText) {
  EXPECT_EQ(text_of("{\"text\":\"a\xff\xc3\xa9\xe2\x82\"}"), "a\uFFFD\u00e9\uFFFD");
}

TEST(PythonJson, BytesAreRefusedWhereThatIsAsked) {
  const char* line = "{\"text\":\"a\xff\", \"x\":NaN}";
  EXPECT_THROW((void)parse_python_json(line, "the body", BadBytes::kRefuse), Error);
}

TEST(PythonJson, WhatIsWrongStaysWrong) {
  for (const char* line : {"{", R"({"text":NaN)", R"({"text":nan})", R"(["\ud83d)", "N", "-",
                           "NaNs", "[1NaN]", "{\"a\":NaN 3}"}) {
    try {
      parse_python_json(line, "the line", BadBytes::kReplace);
      ADD_FAILURE() << line;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << line;
    }
  }
}

}  // namespace
}  // namespace vecton::base
