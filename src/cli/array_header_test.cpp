#include "cli/array_header.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace vecton::cli {
namespace {

TEST(NpyHeader, IsWhatNumpyWrites) {
  const std::string header = npy_header(3, 384);
  ASSERT_EQ(header.size(), 128u);
  EXPECT_EQ(header.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(header.substr(10, 60), "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 384), ");
  EXPECT_EQ(header.back(), '\n');
}

TEST(NpyHeader, LengthDoesNotDependOnRows) {
  EXPECT_EQ(npy_header(INT64_MAX, INT64_MAX).size(), 128u);
  EXPECT_EQ(npy_header(0, 1).size(), 128u);
}

json::value body(const std::string& header) {
  uint64_t length = 0;
  for (size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(header[i]);
  EXPECT_EQ(header.size(), 8 + length);
  EXPECT_EQ(header.size() % 64, 0u);
  return base::parse_json(header.substr(8), "header");
}

TEST(SafetensorsHeader, OneTensor) {
  const json::value value = body(safetensors_header("embeddings", 3, 8, {{"model", "a \"b\""}}));
  EXPECT_EQ(value.at("embeddings"),
            base::parse_json(R"({"dtype": "F32", "shape": [3, 8], "data_offsets": [0, 96]})",
                             "expected"));
  EXPECT_EQ(value.at("__metadata__").at("model").as_string(), "a \"b\"");
}

TEST(SafetensorsHeader, LengthDoesNotDependOnRows) {
  const auto size = [](int64_t rows) { return safetensors_header("e", rows, 1024, {}).size(); };
  EXPECT_EQ(size(0), size(int64_t{1} << 50));
}

TEST(SafetensorsHeader, TensorsFollowEachOther) {
  const json::value value = body(safetensors_header({{"a", {2, 3}}, {"b", {4}}}, {}));
  EXPECT_EQ(value.at("a").at("data_offsets"), base::parse_json("[0, 24]", "expected"));
  EXPECT_EQ(value.at("b").at("data_offsets"), base::parse_json("[24, 40]", "expected"));
  EXPECT_EQ(body(safetensors_header({}, {})),
            base::parse_json(R"({"__metadata__": {}})", "expected"));
}

}  // namespace
}  // namespace vecton::cli
