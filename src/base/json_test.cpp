#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/temporary_folder.h"
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

TEST(Json, ErrorsSayWhatOthersWrite) {
  const std::pair<const char*, const char*> cases[] = {
      {"{\n \"a\": [1,\n  2,]}", "line 3, column 5 (byte 16): a comma stands before"},
      {"{\"a\": 1, }\n", "line 1, column 10 (byte 9): a comma stands before"},
      {"{\"a\": 1, }", "valid JSON at column 10 (byte 9): a comma stands before"},
      {"\xef\xbb\xbf{}", "byte order mark"},
      {"\xff\xfe{", "UTF-16"},
      {"{\"a\": NaN}", "column 7 (byte 6): NaN is no number of JSON"},
      {"[-Infinity]", "Infinity is no number of JSON"},
      {"{'a': 1}", "double quotes"},
      {"{\"a\": // one\n1}", "no comments"},
      {"[# one\n1]", "no comments"},
      {"[\"a\tb\"]", "control characters of a string are written as"},
      {"[True]", "True is Python's"},
      {"{\"a\":", "ends too early"},
      {"", "ends too early"},
  };
  for (const auto& [text, words] : cases) {
    EXPECT_THAT(message_of(text),
                testing::AllOf(HasSubstr("config.json: not valid JSON at "), HasSubstr(words)))
        << text;
  }
}

TEST(Json, FilesMayHaveNumbersOfPythons) {
  const TemporaryFolder folder;
  folder.write("a.json", R"({"a": [NaN, -Infinity], "b": 1})");
  const json::value value = read_json(folder.path() / "a.json");
  EXPECT_TRUE(std::isinf(value.at("a").at(0).as_double()));
  EXPECT_LT(value.at("a").at(1).as_double(), 0);
  for (const char* wrong :
       {"\xef\xbb\xbf{}", "{\"a\": 1,}", "{\"a\": NaN,}", "{\"a\": \"\xff\"}"}) {
    folder.write("b.json", wrong);
    try {
      read_json(folder.path() / "b.json");
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
      EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("b.json"), HasSubstr("at column")));
    }
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
