#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vecton/error.h"

namespace vecton::base {
namespace {

using testing::HasSubstr;

std::string message_of(std::string_view text) {
  try {
    parse_json(text, "config.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    return error.what();
  }
  ADD_FAILURE() << "no error for " << text;
  return "";
}

TEST(Json, Parses) {
  const json::value value = parse_json(R"( {"a": [1, -2.5, "x\u00e9"], "b": null} )", "test");
  EXPECT_EQ(value.at("a").as_array().size(), 3u);
  EXPECT_EQ(value.at("a").as_array()[0].as_int64(), 1);
  EXPECT_EQ(value.at("a").as_array()[1].as_double(), -2.5);
  EXPECT_EQ(value.at("a").as_array()[2].as_string(), "x\xc3\xa9");
  EXPECT_TRUE(value.at("b").is_null());
}

TEST(Json, NumbersAreTheNearest) {
  const json::value value = parse_json(
      "[1.8088101387491814e-140, 0.30000000000000004, 3.936162278297495e+69, -5e-324, 1e22, 1.0, "
      "18446744073709551615]",
      "test");
  const double expected[] = {
      1.8088101387491814e-140, 0.30000000000000004, 3.936162278297495e+69, -5e-324, 1e22, 1.0};
  for (size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(value.at(i).as_double(), expected[i]);
  EXPECT_EQ(value.at(6).as_uint64(), UINT64_MAX);
}

TEST(Json, ValuesLiveInTheMemoryGiven) {
  json::monotonic_resource memory;
  const json::value value = parse_json(R"({"a": [1, 2, 3]})", "test", &memory);
  EXPECT_EQ(value.storage().get(), &memory);
}

TEST(Json, ErrorsNameDocumentAndPlace) {
  EXPECT_THAT(message_of(R"({"a": tru})"), HasSubstr("config.json"));
  EXPECT_THAT(message_of(R"({"a": tru})"), HasSubstr("byte"));
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\" 1}", "1 2", "nul", "'a'", "[1] x",
                           "\"\xff\"", "{\"a\":01}"}) {
    message_of(text);
  }
}

TEST(Json, DepthIsBounded) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_NO_THROW(parse_json(nested(200), "test"));
  message_of(nested(300));
  message_of(std::string(1'000'000, '['));
}

TEST(Json, MissingFileIsNotFound) {
  try {
    read_json("/no/such/file.json");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), HasSubstr("/no/such/file.json"));
  }
}

}  // namespace
}  // namespace vecton::base
