#include "checkpoint/safetensors.h"

#include <limits>

#include "checkpoint/test_files.h"

namespace vecton::checkpoint {
namespace {

using testing::bytes_of;
using testing::safetensors_of;
using testing::TemporaryFolder;

Tensors parse(const std::string& file) {
  return parse_safetensors(std::as_bytes(std::span(file)), "m.safetensors");
}

Tensors parse(std::string_view header, size_t data_bytes) {
  return parse(safetensors_of(header, std::string(data_bytes, '\0')));
}

TEST(Safetensors, ReadsNamesTypesShapesAndBytes) {
  const std::string file = safetensors_of(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,1],"data_offsets":[8,12]},)"
      R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"s":{"dtype":"I64","shape":[],"data_offsets":[12,20]}})",
      std::string("abcdefghijklmnopqrst"));
  const auto tensors = parse(file);
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors.at("a").dtype, tensor::DType::kF32);
  EXPECT_EQ(tensors.at("a").shape, (std::vector<int64_t>{2}));
  EXPECT_EQ(tensors.at("b").dtype, tensor::DType::kBF16);
  EXPECT_EQ(tensors.at("b").shape, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(std::to_integer<char>(tensors.at("b").bytes[0]), 'i');
  EXPECT_EQ(tensors.at("s").shape, (std::vector<int64_t>{}));
  EXPECT_EQ(tensors.at("s").bytes.size(), 8u);
}

TEST(Safetensors, KnowsEveryDType) {
  const std::pair<const char*, tensor::DType> types[] = {
      {"F32", tensor::DType::kF32},  {"F16", tensor::DType::kF16}, {"BF16", tensor::DType::kBF16},
      {"F64", tensor::DType::kF64},  {"I64", tensor::DType::kI64}, {"I32", tensor::DType::kI32},
      {"I16", tensor::DType::kI16},  {"I8", tensor::DType::kI8},   {"U8", tensor::DType::kU8},
      {"U16", tensor::DType::kU16},  {"U32", tensor::DType::kU32}, {"U64", tensor::DType::kU64},
      {"BOOL", tensor::DType::kBool}};
  for (const auto& [name, type] : types) {
    const std::string size = std::to_string(tensor::size_of(type));
    const auto tensors = parse(R"({"t":{"dtype":")" + std::string(name) +
                                   R"(","shape":[1],"data_offsets":[0,)" + size + "]}}",
                               static_cast<size_t>(tensor::size_of(type)));
    EXPECT_EQ(tensors.at("t").dtype, type) << name;
  }
}

TEST(Safetensors, AcceptsEmptyFilesEmptyTensorsAndPaddedHeaders) {
  EXPECT_TRUE(parse("{}", 0).empty());
  EXPECT_TRUE(parse("{}      ", 0).empty());
  const auto tensors = parse(R"({"e":{"dtype":"F32","shape":[0,4],"data_offsets":[4,4]},)"
                             R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                             R"("f":{"dtype":"F32","shape":[4,0],"data_offsets":[0,0]}})",
                             4);
  EXPECT_EQ(tensors.size(), 3u);
}

TEST(Safetensors, RefusesBadLengths) {
  EXPECT_REFUSED(parse(std::string()), ErrorCode::kCorrupt, "m.safetensors", "too short");
  EXPECT_REFUSED(parse(std::string(7, '\0')), ErrorCode::kCorrupt, "m.safetensors", "too short");
  EXPECT_REFUSED(parse(std::string(8, '\0')), ErrorCode::kCorrupt, "m.safetensors",
                 "not a JSON object");
  std::string file = safetensors_of("{}", "");
  file[0] = 3;
  EXPECT_REFUSED(parse(file), ErrorCode::kCorrupt, "m.safetensors", "header of 3 bytes", "cut off");
  file[7] = '\xff';
  EXPECT_REFUSED(parse(file), ErrorCode::kCorrupt, "m.safetensors", "at most 100000000");
}

TEST(Safetensors, RefusesEveryTruncation) {
  const std::string file = safetensors_of(
      R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})", std::string(12, 'x'));
  EXPECT_EQ(parse(file).size(), 1u);
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_REFUSED(parse(file.substr(0, size)), ErrorCode::kCorrupt, "m.safetensors");
  }
  EXPECT_REFUSED(parse(file + "x"), ErrorCode::kCorrupt, "1 bytes at the end belong to no tensor");
}

TEST(Safetensors, RefusesHeadersThatAreNoObject) {
  for (const char* header : {"[]", "1", " {}", "null", "x"}) {
    EXPECT_REFUSED(parse(header, 0), ErrorCode::kCorrupt, "m.safetensors", "not a JSON object");
  }
  for (const char* header : {"{", "{}x", "{\"a\":}", "{\"\xff\":1}"}) {
    EXPECT_REFUSED(parse(header, 0), ErrorCode::kCorrupt, "m.safetensors", "not valid JSON");
  }
  EXPECT_REFUSED(parse("{\"a\":" + std::string(100000, '[') + "}", 0), ErrorCode::kCorrupt,
                 "m.safetensors");
}

TEST(Safetensors, RefusesBadEntriesByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"a":1})", "is not an object"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":{}}})",
       "unknown key \"more\""},
      {R"({"a":{"dtype":["F32"],"shape":[1],"data_offsets":[0,4]}})", "\"dtype\" is not a string"},
      {R"({"a":{"dtype":"F32","shape":{},"data_offsets":[0,4]}})", "\"shape\" is not a list"},
      {R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", "\"shape\" holds"},
      {R"({"a":{"dtype":"F32","shape":[{}],"data_offsets":[0,4]}})", "\"shape\" holds"},
      {R"({"a":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}})", "\"shape\" holds"},
      {R"({"a":{"dtype":"F32","shape":[null],"data_offsets":[0,4]}})", "\"shape\" holds"},
      {R"({"a":[]})", "is not an object"},
      {R"({"a":"F32"})", "is not an object"},
      {R"({"a":{"shape":[1],"data_offsets":[0,4]}})", "has no \"dtype\""},
      {R"({"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}})", "\"dtype\" is not a string"},
      {R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", "has no \"shape\""},
      {R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", "\"shape\" is not a list"},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "\"shape\""},
      {R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", "\"shape\""},
      {R"({"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}})", "\"shape\""},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})", "\"shape\""},
      {R"({"a":{"dtype":"F32","shape":[1]}})", "has no \"data_offsets\""},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":4}})", "\"data_offsets\" is not a list"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", "not [begin, end]"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}})", "not [begin, end]"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", "not [begin, end]"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", "\"data_offsets\""},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "ends at byte 8 of 4"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})",
       "shape [2] of float32 needs 8 bytes, found 4"},
      {R"({"a":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}})", "needs 2 bytes, found 4"},
      // 2^32 * 2^32 elements are 0 modulo 2^64.
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})",
       "more than 2^63"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}})",
       "more than 2^63"},
  };
  for (const auto& [header, words] : cases) {
    EXPECT_REFUSED(parse(header, 4), ErrorCode::kCorrupt, "m.safetensors: tensor \"a\": ", words);
  }
  EXPECT_REFUSED(parse(R"({"a":{"dtype":"F8_E5M2","shape":[4],"data_offsets":[0,4]}})", 4),
                 ErrorCode::kUnsupported, "m.safetensors: tensor \"a\"",
                 "\"F8_E5M2\" is not supported");
}

TEST(Safetensors, RefusesOverlapsAndHoles) {
  EXPECT_REFUSED(parse(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                       R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                       12),
                 ErrorCode::kCorrupt, "\"b\"", "overlaps");
  EXPECT_REFUSED(parse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                       4),
                 ErrorCode::kCorrupt, "overlaps");
  EXPECT_REFUSED(parse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
                       12),
                 ErrorCode::kCorrupt, "\"b\"", "does not begin where");
  EXPECT_REFUSED(parse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8),
                 ErrorCode::kCorrupt, "\"a\"", "does not begin where");
  EXPECT_REFUSED(parse(R"({"e":{"dtype":"F32","shape":[0],"data_offsets":[2,2]},)"
                       R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                       4),
                 ErrorCode::kCorrupt, "\"e\"", "overlaps");
}

TEST(Safetensors, RefusesKeysThatAreThereTwice) {
  EXPECT_REFUSED(parse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                       R"("a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}})",
                       4),
                 ErrorCode::kCorrupt, "m.safetensors", "tensor \"a\": is there twice");
  EXPECT_REFUSED(parse(R"({"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                       R"("a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}})",
                       4),
                 ErrorCode::kCorrupt, "tensor \"a\": is there twice");
  EXPECT_REFUSED(
      parse(R"({"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}})", 4),
      ErrorCode::kCorrupt, "\"dtype\" is there twice");
}

TEST(Safetensors, RefusesMetadataOfOtherThanStrings) {
  EXPECT_REFUSED(parse(R"({"__metadata__":{"a":{}}})", 0), ErrorCode::kCorrupt, "__metadata__",
                 "\"a\" is not a string");
  EXPECT_REFUSED(parse(R"({"__metadata__":{},"__metadata__":{}})", 0), ErrorCode::kCorrupt,
                 "__metadata__", "twice");
  EXPECT_EQ(parse(R"({"__metadata__":null})", 0).size(), 0u);
  EXPECT_REFUSED(parse(R"({"a":null})", 0), ErrorCode::kCorrupt, "is not an object");
  EXPECT_REFUSED(parse(R"({"__metadata__":{"a":null}})", 0), ErrorCode::kCorrupt, "not a string");
  EXPECT_REFUSED(parse(R"({"__metadata__":null,"__metadata__":{}})", 0), ErrorCode::kCorrupt,
                 "twice");
  EXPECT_REFUSED(parse(R"({"__metadata__":1})", 0), ErrorCode::kCorrupt, "__metadata__");
  EXPECT_REFUSED(parse(R"({"__metadata__":{"a":1}})", 0), ErrorCode::kCorrupt, "__metadata__",
                 "\"a\"");
}

TEST(Safetensors, RefusesShapesOfManyDimensions) {
  std::string ones = "1";
  for (int i = 1; i < 65; ++i) ones += ",1";
  EXPECT_REFUSED(parse(R"({"a":{"dtype":"U8","data_offsets":[0,1],"shape":[)" + ones + "]}}", 1),
                 ErrorCode::kCorrupt, "\"a\"", "\"shape\" has more than 64");
}

TEST(Safetensors, CutsAndEscapesHostileNames) {
  const std::string name = "\\u001b[2J" + std::string(5000, 'x');
  const Error error = testing::error_of([&] { parse("{\"" + name + "\":1}", 0); });
  EXPECT_LT(std::strlen(error.what()), 400u);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("\\u001b[2Jxxx"));
}

TEST(Safetensors, NamesAFileThatIsMissingOrAFolder) {
  const TemporaryFolder folder;
  EXPECT_REFUSED(read_safetensors(folder.path() / "none.safetensors"), ErrorCode::kNotFound,
                 "none.safetensors");
  EXPECT_REFUSED(read_safetensors(folder.path()), ErrorCode::kIo, folder.path().string());
}

}  // namespace
}  // namespace vecton::checkpoint
