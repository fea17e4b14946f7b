// Headers of GGUF files: what is read, and what is refused with the key or the tensor named.
#include "gguf/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "gguf/test_file.h"

namespace vecton::gguf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

File parse(const std::string& bytes) {
  return File::parse(std::as_bytes(std::span(bytes)), "model.gguf");
}

std::string refusal(const std::string& bytes, ErrorCode code = ErrorCode::kCorrupt) {
  try {
    parse(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return "";
}

TEST(GgufFileTest, ReadsValuesOfEveryKind) {
  TestFile test;
  test.value("u8", ValueType::kU8, TestFile::raw<uint8_t>(200))
      .value("i8", ValueType::kI8, TestFile::raw<int8_t>(-3))
      .value("u16", ValueType::kU16, TestFile::raw<uint16_t>(60000))
      .value("i16", ValueType::kI16, TestFile::raw<int16_t>(-300))
      .value("i32", ValueType::kI32, TestFile::raw<int32_t>(-70000))
      .value("u64", ValueType::kU64, TestFile::raw<uint64_t>(1ull << 40))
      .value("i64", ValueType::kI64, TestFile::raw<int64_t>(-(1ll << 40)))
      .value("f64", ValueType::kF64, TestFile::raw<double>(0.25))
      .integer("u32", 7)
      .number("f32", 1.5f)
      .boolean("yes", true)
      .texts("words", {"a", "", "\u2581b"})
      .integers("ids", {1, -2, 3})
      .numbers("scores", {0.5f, -1});
  const std::string bytes = test.bytes();
  const File file = parse(bytes);
  constexpr int64_t kLeast = INT64_MIN, kMost = INT64_MAX;
  EXPECT_EQ(file.text("general.architecture"), "llama");
  EXPECT_EQ(file.integer("u8", kLeast, kMost), 200);
  EXPECT_EQ(file.integer("i8", kLeast, kMost), -3);
  EXPECT_EQ(file.integer("u16", kLeast, kMost), 60000);
  EXPECT_EQ(file.integer("i16", kLeast, kMost), -300);
  EXPECT_EQ(file.integer("u32", kLeast, kMost), 7);
  EXPECT_EQ(file.integer("i32", kLeast, kMost), -70000);
  EXPECT_EQ(file.integer("u64", kLeast, kMost), int64_t{1} << 40);
  EXPECT_EQ(file.integer("i64", kLeast, kMost), -(int64_t{1} << 40));
  EXPECT_EQ(file.number("f32"), 1.5);
  EXPECT_EQ(file.number("f64"), 0.25);
  EXPECT_EQ(file.number("u32"), 7);
  EXPECT_TRUE(file.boolean_or("yes", false));
  EXPECT_THAT(file.texts("words"), ElementsAre("a", "", "\u2581b"));
  EXPECT_THAT(file.integers("ids"), ElementsAre(1, -2, 3));
  EXPECT_THAT(file.numbers("scores"), ElementsAre(0.5, -1));
  EXPECT_THAT(file.numbers("ids"), ElementsAre(1, -2, 3));
  EXPECT_FALSE(file.has("none"));
  EXPECT_EQ(file.integer_or("none", 4, 0, 9), 4);
  EXPECT_EQ(file.number_or("none", 2), 2);
  EXPECT_EQ(file.text_or("none", "x"), "x");
  EXPECT_TRUE(file.texts("none").empty());
}

TEST(GgufFileTest, TypesOfValuesAreChecked) {
  TestFile test;
  test.integer("u32", 7)
      .number("f32", 1.5f)
      .text("text", "x")
      .texts("words", {"a"})
      .value("nan", ValueType::kF32, TestFile::raw(std::numeric_limits<float>::quiet_NaN()));
  test.value("huge", ValueType::kU64, TestFile::raw<uint64_t>(~0ull));
  const std::string bytes = test.bytes();
  const File file = parse(bytes);
  const auto said = [&](auto call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing";
  };
  EXPECT_EQ(said([&] { file.integer("text", 0, 9); }),
            "model.gguf: text: expected an integer from 0 to 9, found a string");
  EXPECT_EQ(said([&] { file.integer("u32", 8, 9); }),
            "model.gguf: u32: expected an integer from 8 to 9, found 7");
  EXPECT_EQ(said([&] { file.integer("none", 8, 9); }),
            "model.gguf: none: missing; an integer from 8 to 9 is expected");
  EXPECT_EQ(said([&] { file.integer("words", 8, 9); }),
            "model.gguf: words: expected an integer from 8 to 9, found an array");
  EXPECT_THAT(said([&] { file.integer("huge", 0, INT64_MAX); }), HasSubstr("huge: expected"));
  EXPECT_EQ(said([&] { file.number("nan"); }), "model.gguf: nan: expected a finite number");
  EXPECT_EQ(said([&] { file.number("text"); }),
            "model.gguf: text: expected a number, found a string");
  EXPECT_EQ(said([&] { file.text("u32"); }),
            "model.gguf: u32: expected a string, found an integer");
  EXPECT_EQ(said([&] { file.boolean_or("f32", true); }),
            "model.gguf: f32: expected a boolean, found a float");
  EXPECT_THAT(said([&] { file.texts("u32"); }), HasSubstr("u32: expected an array of strings"));
  EXPECT_THAT(said([&] { file.integers("words"); }),
              HasSubstr("words: expected an array of integers"));
  EXPECT_THAT(said([&] { file.numbers("words"); }),
              HasSubstr("words: expected an array of numbers"));
}

TEST(GgufFileTest, FindsTensorsAndTheirBytes) {
  TestFile test;
  test.floats("a", {2, 3}, {1, 2, 3, 4, 5, 6})
      .tensor("b", TensorType::kQ8_0, {2, 32}, std::string(68, 'x'));
  const std::string bytes = test.bytes();
  const File file = parse(bytes);
  ASSERT_EQ(file.tensors().size(), 2u);
  EXPECT_THAT(file.tensor("a")->shape, ElementsAre(2, 3));
  EXPECT_EQ(file.tensor("a")->bytes.size(), 24u);
  EXPECT_EQ(file.tensor("b")->type, TensorType::kQ8_0);
  EXPECT_EQ(file.tensor("b")->bytes.size(), 68u);
  EXPECT_EQ(std::to_integer<char>(file.tensor("b")->bytes[67]), 'x');
  EXPECT_EQ(file.tensor("c"), nullptr);
}

TEST(GgufFileTest, RefusesOtherFilesAndVersions) {
  EXPECT_THAT(refusal("GG"), HasSubstr("cut off"));
  EXPECT_THAT(refusal("PK\3\4" + std::string(40, '\0')), HasSubstr("does not begin with \"GGUF\""));
  std::string bytes = TestFile().bytes();
  bytes[4] = 1;
  EXPECT_THAT(refusal(bytes, ErrorCode::kUnsupported), HasSubstr("version 1 is not supported"));
  bytes[4] = 0;
  bytes[7] = 3;
  EXPECT_THAT(refusal(bytes, ErrorCode::kUnsupported), HasSubstr("big-endian"));
}

// Every prefix of a header is refused, and nothing outside of it is read.
TEST(GgufFileTest, RefusesFilesThatAreCutOff) {
  TestFile test;
  test.texts("words", {"one", "two"})
      .integers("ids", {1, 2})
      .floats("a", {2, 3}, {1, 2, 3, 4, 5, 6});
  const std::string bytes = test.bytes();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<char> part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW(File::parse(std::as_bytes(std::span(part)), "cut"), Error) << size;
  }
  EXPECT_NO_THROW(parse(bytes));
}

// Counts that no file of this size can have, before memory is taken for them.
TEST(GgufFileTest, RefusesCountsBeyondTheFile) {
  const auto counted = [](uint64_t tensors, uint64_t keys) {
    return "GGUF" + TestFile::raw<uint32_t>(3) + TestFile::raw(tensors) + TestFile::raw(keys);
  };
  EXPECT_THAT(refusal(counted(1ull << 60, 0)), HasSubstr("the number of tensors is"));
  EXPECT_THAT(refusal(counted(0, 1ull << 60)), HasSubstr("the number of keys is"));
  EXPECT_THAT(refusal(counted(90'000, 0)), HasSubstr("ends beyond the file"));
  TestFile strings, numbers;
  strings.value("words", ValueType::kArray, TestFile::array(ValueType::kString, 1ull << 61));
  EXPECT_THAT(refusal(strings.bytes()), HasSubstr("\"words\": 2305843009213693952 strings in"));
  numbers.value("ids", ValueType::kArray, TestFile::array(ValueType::kI64, 1ull << 61));
  EXPECT_THAT(refusal(numbers.bytes()), HasSubstr("ids: ends beyond the file"));
}

TEST(GgufFileTest, RefusesWhatNobodyCanMean) {
  EXPECT_THAT(refusal(TestFile().text("a", "x").text("a", "y").bytes()),
              HasSubstr("\"a\": the key is there twice"));
  EXPECT_THAT(refusal(TestFile().value("a", static_cast<ValueType>(77), "").bytes()),
              HasSubstr("\"a\": a value of type 77"));
  EXPECT_THAT(
      refusal(
          TestFile().value("a", ValueType::kArray, TestFile::array(ValueType::kArray, 1)).bytes()),
      HasSubstr("\"a\": an array of arrays"));
  EXPECT_THAT(refusal(TestFile().floats("t", {1}, {1}).floats("t", {1}, {1}).bytes()),
              HasSubstr("t: a tensor of this name is there twice"));
  EXPECT_THAT(refusal(TestFile().floats("t", {1, 1, 1, 1, 1}, {1}).bytes()),
              HasSubstr("tensor \"t\": 5 dimensions"));
  EXPECT_THAT(refusal(TestFile().floats("t", {1ull << 40, 1ull << 40}, {}).bytes()),
              HasSubstr("tensor \"t\": its dimensions are impossibly large"));
  EXPECT_THAT(refusal(TestFile().floats("t", {1ull << 40}, {}).bytes()),
              HasSubstr("tensor \"t\": needs 4398046511104 bytes"));
  EXPECT_THAT(refusal(TestFile().tensor("t", TensorType::kQ4_K, {2, 128}, "").bytes()),
              HasSubstr("tensor \"t\": rows of 128 numbers; Q4_K has blocks of 256"));
}

TEST(GgufFileTest, RefusesOtherTypesByName) {
  const auto said = [](uint32_t type) {
    return refusal(TestFile().tensor("t", static_cast<TensorType>(type), {1, 256}, "").bytes(),
                   ErrorCode::kUnsupported);
  };
  EXPECT_THAT(
      said(16),
      HasSubstr("tensor \"t\": IQ2_XXS is not supported; accepted are F32, F16, BF16, Q4_0"));
  EXPECT_THAT(said(28), HasSubstr("F64 is not supported"));
  EXPECT_THAT(said(99), HasSubstr("type 99 is not supported"));
}

// The tensor's offset stands in the last eight bytes of a header of one tensor.
std::string with_offset(TestFile& test, uint64_t offset) {
  std::string bytes = test.bytes();
  const std::string raw = TestFile::raw(offset);
  std::copy(raw.begin(), raw.end(),
            bytes.begin() + static_cast<std::ptrdiff_t>(test.header().size() - 8));
  return bytes;
}

TEST(GgufFileTest, RefusesTensorsOutOfPlace) {
  TestFile one;
  one.floats("t", {2}, {1, 2});
  EXPECT_THAT(refusal(with_offset(one, 4)), HasSubstr("offset 4 is no multiple of 32"));
  EXPECT_THAT(refusal(with_offset(one, 64)), HasSubstr("tensor \"t\": ends beyond the file"));
  EXPECT_THAT(refusal(with_offset(one, ~31ull)), HasSubstr("tensor \"t\": ends beyond the file"));
  TestFile two;
  two.floats("a", {16}, std::vector<float>(16)).floats("b", {16}, std::vector<float>(16));
  EXPECT_THAT(refusal(with_offset(two, 32)), HasSubstr("overlaps another tensor"));
  EXPECT_THAT(refusal(with_offset(two, 0)), HasSubstr("overlaps another tensor"));
  TestFile odd;
  odd.integer("general.alignment", 0);
  EXPECT_THAT(refusal(odd.bytes()), HasSubstr("general.alignment: expected an integer from 1"));
}

TEST(GgufFileTest, NamesOfHostileFilesAreCut) {
  const std::string said =
      refusal(TestFile().value(std::string(5000, '\x1b'), static_cast<ValueType>(77), "").bytes());
  EXPECT_LT(said.size(), 200u);
  EXPECT_EQ(said.find('\x1b'), std::string::npos);
}

TEST(GgufFileTest, NamesOfParts) {
  const auto second = split_name("a-model-00002-of-00013.gguf");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->prefix, "a-model");
  EXPECT_EQ(second->number, 2);
  EXPECT_EQ(second->count, 13);
  EXPECT_EQ(name_of_part(*second, 11), "a-model-00011-of-00013.gguf");
  for (const char* other : {"model.gguf", "m-00003-of-00002.gguf", "m-00000-of-00002.gguf",
                            "-00001-of-00002.gguf", "m-0001-of-0002.gguf", "m-00001-of-00002.bin"})
    EXPECT_FALSE(split_name(other)) << other;
}

class SplitTest : public ::testing::Test {
 protected:
  std::filesystem::path part(int number, int count, TestFile test) {
    test.integer("split.no", static_cast<uint32_t>(number - 1))
        .integer("split.count", static_cast<uint32_t>(count));
    const std::string name = name_of_part({"m", number, count}, number);
    folder_.write(name, test.bytes());
    return folder_.path() / name;
  }
  std::string said(const std::filesystem::path& path) {
    try {
      File::open(path);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing";
  }
  base::TemporaryFolder folder_;
};

TEST_F(SplitTest, JoinsTheParts) {
  TestFile first, second;
  first.integer("split.tensors.count", 2).floats("a", {1}, {1});
  second.floats("b", {2}, {2, 3});
  const auto path = part(1, 2, first);
  EXPECT_THAT(said(path), HasSubstr("m-00002-of-00002.gguf"));  // is missing
  part(2, 2, second);
  const File file = File::open(path);
  EXPECT_EQ(file.tensors().size(), 2u);
  EXPECT_THAT(file.tensor("b")->source, HasSubstr("m-00002-of-00002.gguf"));
}

TEST_F(SplitTest, RefusesWhatDoesNotFit) {
  const auto path = part(1, 2, TestFile().floats("a", {1}, {1}));
  const auto second = part(2, 2, TestFile().floats("a", {1}, {1}));
  EXPECT_THAT(said(second), HasSubstr("give the first one, m-00001-of-00002.gguf"));
  EXPECT_THAT(said(path), HasSubstr("a: a tensor of this name is there twice"));
  part(1, 2, TestFile().integer("split.tensors.count", 3));
  EXPECT_THAT(said(path), HasSubstr("split.tensors.count: the parts have 1 tensors"));
  TestFile wrong;
  wrong.integer("split.no", 0).integer("split.count", 2);
  folder_.write("m-00002-of-00002.gguf", wrong.bytes());
  EXPECT_THAT(said(path), HasSubstr("split.no: another part than its name says"));
  folder_.write("alone.gguf", wrong.bytes());
  EXPECT_THAT(said(folder_.path() / "alone.gguf"), HasSubstr("the file's name does not say"));
}

TEST_F(SplitTest, FilesAreKnownByTheirNameOrTheirFirstBytes) {
  folder_.write("a.gguf", "x");
  folder_.write("blob", TestFile().bytes());
  folder_.write("other", "GGU");
  EXPECT_TRUE(is_gguf(folder_.path() / "a.gguf"));
  EXPECT_TRUE(is_gguf(folder_.path() / "blob"));
  EXPECT_FALSE(is_gguf(folder_.path() / "other"));
  EXPECT_FALSE(is_gguf(folder_.path()));
  EXPECT_FALSE(is_gguf(folder_.path() / "none.gguf"));
}

}  // namespace
}  // namespace vecton::gguf
