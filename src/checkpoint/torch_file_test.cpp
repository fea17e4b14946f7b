#include "checkpoint/torch_file.h"

#include "backend/ref/ref_ops.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_tensors.h"
#include "checkpoint/torch_test_files.h"
#include "checkpoint/weights.h"

namespace vecton::checkpoint {
namespace {

using testing::bytes_of;
using testing::little;
using testing::TemporaryFolder;
using testing::torch_file;
using testing::values_of;
using testing::Zip;
using namespace testing::pickle;
using ::testing::ElementsAre;

Tensors parse(const std::string& file) {
  return parse_torch_file(std::as_bytes(std::span(file)), "m.pt");
}

std::vector<float> floats_of(const StoredTensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

const std::string kSix = bytes_of(std::vector<float>{0, 1, 2, 3, 4, 5});

std::string six() { return storage("FloatStorage", "0", 6); }
std::string file_of(const std::string& value) {
  return torch_file(dict({{"w", value}}), {{"0", kSix}});
}

TEST(TorchFile, ReadsNamesTypesShapesAndBytesInPlace) {
  const std::string file = torch_file(
      dict({{"linear.weight", pickled_tensor(six(), 0, {2, 3}, {3, 1})},
            {"linear.bias", pickled_tensor(storage("BFloat16Storage", "1", 2), 0, {2}, {1})}}),
      {{"0", kSix}, {"1", "abcd"}});
  const auto tensors = parse(file);
  ASSERT_EQ(tensors.size(), 2u);
  const StoredTensor& weight = tensors.at("linear.weight");
  EXPECT_EQ(weight.name, "linear.weight");
  EXPECT_EQ(weight.source, "m.pt");
  EXPECT_EQ(weight.dtype, tensor::DType::kF32);
  EXPECT_THAT(weight.shape, ElementsAre(2, 3));
  EXPECT_THAT(floats_of(weight), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(reinterpret_cast<const char*>(weight.bytes.data()), file.data() + file.find(kSix));
  EXPECT_EQ(tensors.at("linear.bias").dtype, tensor::DType::kBF16);
  EXPECT_EQ(tensors.at("linear.bias").bytes.size(), 4u);
}

TEST(TorchFile, ReadsEveryTypeAndParameters) {
  const std::tuple<const char*, tensor::DType, size_t> types[] = {
      {"DoubleStorage", tensor::DType::kF64, 8}, {"LongStorage", tensor::DType::kI64, 8},
      {"IntStorage", tensor::DType::kI32, 4},    {"ShortStorage", tensor::DType::kI16, 2},
      {"CharStorage", tensor::DType::kI8, 1},    {"ByteStorage", tensor::DType::kU8, 1},
      {"BoolStorage", tensor::DType::kBool, 1}};
  for (const auto& [name, type, width] : types) {
    const std::string file = torch_file(
        dict({{"w", parameter(pickled_tensor(storage(name, "0", 3), 1, {1, 2}, {2, 1}))}}),
        {{"0", std::string(3 * width, '\1')}});
    const auto tensors = parse(file);
    EXPECT_EQ(tensors.at("w").dtype, type);
    EXPECT_EQ(tensors.at("w").bytes.size(), 2 * width);
    EXPECT_REFUSED(
        parse(torch_file(dict({{"w", pickled_tensor(storage(name, "0", 3), 2, {2}, {1})}}),
                         {{"0", std::string(3 * width, '\1')}})),
        ErrorCode::kCorrupt, "does not lie within the 3 numbers");
  }
}

TEST(TorchFile, ReadsViewsOfOneStorageScalarsAndEmptyTensors) {
  const std::string file =  // the tensors point into it
      torch_file(dict({{"all", pickled_tensor(six(), 0, {6}, {1})},
                       {"middle", pickled_tensor(six(), 2, {1, 3}, {77, 1})},
                       {"scalar", pickled_tensor(six(), 5, {}, {})},
                       {"end", pickled_tensor(six(), 6, {0, 4}, {9, 9})},
                       {"none", pickled_tensor(storage("HalfStorage", "1", 0), 0, {0}, {1})}}),
                 {{"0", kSix}, {"1", ""}});
  const auto tensors = parse(file);
  EXPECT_THAT(floats_of(tensors.at("middle")), ElementsAre(2, 3, 4));
  EXPECT_THAT(floats_of(tensors.at("scalar")), ElementsAre(5));
  EXPECT_TRUE(tensors.at("end").bytes.empty());
  EXPECT_TRUE(tensors.at("none").bytes.empty());
}

TEST(TorchFile, AcceptsAnyFolderNameOldFilesAndVersions) {
  const std::string one = dict({{"w", pickled_tensor(six(), 0, {6}, {1})}});
  EXPECT_EQ(parse(torch_file(one, {{"0", kSix}}, std::nullopt, "3", "\xc3\xa9 x")).size(), 1u);
  EXPECT_EQ(parse(torch_file(one, {{"0", kSix}}, "little", "10")).size(), 1u);
  EXPECT_TRUE(parse(torch_file("}", {})).empty());
}

TEST(TorchFile, RefusesTheOldFormatSayingHowToConvertIt) {
  const std::string old = std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.") +
                          "\x80\x02M\xe9\x03.";
  EXPECT_REFUSED(parse(old), ErrorCode::kUnsupported, "m.pt: saved in torch's format from before",
                 "torch.save(torch.load(");
  EXPECT_REFUSED(parse(""), ErrorCode::kCorrupt, "m.pt: is not a zip archive");
  EXPECT_REFUSED(parse("version https://git-lfs"), ErrorCode::kCorrupt, "is not a zip archive");
}

TEST(TorchFile, RefusesEveryTruncation) {
  const std::string file = file_of(pickled_tensor(six(), 0, {6}, {1}));
  for (size_t size = 0; size < file.size(); ++size)
    EXPECT_REFUSED(parse(file.substr(0, size)), ErrorCode::kCorrupt, "m.pt: ");
}

TEST(TorchFile, RefusesBigEndianAndNewerFiles) {
  const std::string one = dict({{"w", pickled_tensor(six(), 0, {6}, {1})}});
  EXPECT_REFUSED(parse(torch_file(one, {{"0", kSix}}, "big")), ErrorCode::kUnsupported,
                 "m.pt: entry byteorder: \"big\" is not supported: expected little");
  EXPECT_REFUSED(parse(torch_file(one, {{"0", kSix}}, "")), ErrorCode::kCorrupt, "byteorder");
  EXPECT_REFUSED(parse(torch_file(one, {{"0", kSix}}, "little", "11\n")), ErrorCode::kUnsupported,
                 "entry version: \"11\" is newer");
  EXPECT_REFUSED(parse(torch_file(one, {{"0", kSix}}, "little", "x")), ErrorCode::kCorrupt,
                 "entry version: \"x\"");
  EXPECT_REFUSED(parse(torch_file(one, {{"0", kSix}}, "little", "")), ErrorCode::kCorrupt,
                 "has no entry \"version\"");
}

TEST(TorchFile, RefusesEntriesThatAStateDictHasNot) {
  EXPECT_REFUSED(parse(Zip{{{"m/version", "3"}}}.bytes()), ErrorCode::kCorrupt,
                 "has no entry data.pkl");
  EXPECT_REFUSED(parse(Zip{{{"m/data.pkl", ""}, {"m/constants.pkl", ""}}}.bytes()),
                 ErrorCode::kUnsupported, "entry \"m/constants.pkl\"", "TorchScript");
  EXPECT_REFUSED(parse(Zip{{{"m/data.pkl", ""}, {"n/data/0", ""}}}.bytes()),
                 ErrorCode::kUnsupported, "entry \"n/data/0\"");
  EXPECT_REFUSED(parse(torch_file(dict({{"w", pickled_tensor(six(), 0, {6}, {1})}}),
                                  {{"0", kSix}, {"1", "more"}})),
                 ErrorCode::kCorrupt, "entry \"data/1\" belongs to no tensor");
}

TEST(TorchFile, ChecksTensorsAgainstTheArchive) {
  const std::pair<std::string, const char*> cases[] = {
      {pickled_tensor(storage("FloatStorage", "9", 6), 0, {6}, {1}), "has no entry \"data/9\""},
      {pickled_tensor(storage("FloatStorage", "0", 5), 0, {5}, {1}),
       "holds 24 bytes, not 5 numbers"},
      {pickled_tensor(storage("HalfStorage", "0", 6), 0, {6}, {1}), "not 6 numbers of float16"},
      {pickled_tensor(storage("FloatStorage", "0", int64_t{1} << 62), 0, {6}, {1}),
       "holds 24 bytes"},
      {pickled_tensor(storage("FloatStorage", "0", -1), 0, {6}, {1}), "holds 24 bytes"},
      {pickled_tensor(six(), 1, {6}, {1}), "shape [6] at 1 does not lie within the 6 numbers"},
      {pickled_tensor(six(), 7, {0}, {1}), "does not lie within"},
      {pickled_tensor(six(), -1, {2}, {1}), "does not lie within"},
      {pickled_tensor(six(), 0, {-6}, {1}), "does not lie within"},
      {pickled_tensor(six(), INT64_MAX, {6}, {1}), "does not lie within"},
      {pickled_tensor(six(), 0, {int64_t{1} << 32, int64_t{1} << 32}, {1, 1}),
       "does not lie within"},
  };
  for (const auto& [value, words] : cases)
    EXPECT_REFUSED(parse(file_of(value)), ErrorCode::kCorrupt, "m.pt: tensor \"w\": ", words);
}

TEST(TorchFile, CopiesTensorsThatAreNotContiguous) {
  const std::tuple<std::vector<int64_t>, std::vector<int64_t>, std::vector<float>> cases[] = {
      {{3, 2}, {1, 3}, {0, 3, 1, 4, 2, 5}},
      {{3}, {2}, {0, 2, 4}},
      {{3}, {0}, {0, 0, 0}},
      {{2, 1, 2}, {3, 99, 1}, {0, 1, 3, 4}},
      {{1, 2, 3}, {-7, 1, 2}, {0, 2, 4, 1, 3, 5}}};
  for (const auto& [shape, strides, values] : cases) {
    const std::string file = file_of(pickled_tensor(six(), 0, shape, strides));
    const auto tensors = parse(file);
    const StoredTensor& tensor = tensors.at("w");
    EXPECT_EQ(floats_of(tensor), values);
    EXPECT_EQ(tensor.shape, shape);
    ASSERT_NE(tensor.copy, nullptr);
    EXPECT_EQ(tensor.bytes.data(), tensor.copy->data());
  }
}

TEST(TorchFile, RefusesStridesThatLeadOutOfTheStorage) {
  const std::tuple<int64_t, std::vector<int64_t>, std::vector<int64_t>> cases[] = {
      {0, {2, 3}, {3}},          {0, {3}, {-1}},       {0, {3}, {3}},
      {1, {3, 1}, {3, 1}},       {0, {}, {1}},         {2, {2, 2}, {2, 2}},
      {0, {3}, {INT64_MAX / 2}}, {0, {3}, {INT64_MIN}}};
  for (const auto& [offset, shape, strides] : cases) {
    EXPECT_REFUSED(parse(file_of(pickled_tensor(six(), offset, shape, strides))),
                   ErrorCode::kCorrupt, "tensor \"w\"", "does not lie within the 6 numbers");
  }
}

TEST(TorchFile, CopiesNoMoreThanItsSizeAllows) {
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 100; ++i)
    many.emplace_back(
        "w" + std::to_string(i),
        i == 0 ? pickled_tensor(storage("FloatStorage", "0", 4000), 0, {2, 2000}, {1, 2}) + "q\1"
               : "h\1");
  EXPECT_REFUSED(parse(torch_file(dict(many), {{"0", std::string(16000, '\1')}})),
                 ErrorCode::kUnsupported, "transposed or sliced", "save tensor.contiguous()");
  many.resize(2);
  EXPECT_EQ(parse(torch_file(dict(many), {{"0", std::string(16000, '\1')}})).size(), 2u);
}

TEST(TorchFile, PreparesCopiesToo) {
  const TemporaryFolder folder;
  folder.write("head.pt", file_of(pickled_tensor(six(), 0, {3, 2}, {1, 3})));
  const std::unique_ptr<Ops> ops = backend::make_ref_ops();
  tensor::Weight weight = Weights::beside(folder.path(), "head", *ops).matrix("w", 3, 2);
  weight.release();
  std::vector<float> values(6);
  std::memcpy(values.data(), weight.codes.bytes.data(), weight.codes.bytes.size());
  EXPECT_THAT(values, ElementsAre(0, 3, 1, 4, 2, 5));
}

TEST(TorchFile, IsReadBesideAModelWhereThereIsNoSafetensors) {
  const TemporaryFolder folder;
  const std::unique_ptr<Ops> ops = backend::make_ref_ops();
  EXPECT_REFUSED(Weights::beside(folder.path(), "head", *ops), ErrorCode::kNotFound,
                 folder.path().string(), "expected head.safetensors or head.pt");
  folder.write("head.pt", file_of(pickled_tensor(six(), 0, {6}, {1})));
  EXPECT_THAT(values_of(*ops, Weights::beside(folder.path(), "head", *ops).vector("w", 6)),
              ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_REFUSED(Weights::beside(folder.path(), "head", *ops).vector("w", 7), ErrorCode::kCorrupt,
                 "head.pt: w: expected [7], found [6]");
  EXPECT_REFUSED(Weights::beside(folder.path(), "head", *ops).vector("b", 7), ErrorCode::kCorrupt,
                 "head: b: missing");

  const testing::NamedArray other[] = {{"w", {1}, {9}}};
  testing::write_safetensors(folder.path() / "head.safetensors", other);
  EXPECT_THAT(values_of(*ops, Weights::beside(folder.path(), "head", *ops).vector("w", 1)),
              ElementsAre(9));
}

TEST(TorchFile, NamesAFileThatIsMissingOrALinkToNothing) {
  const TemporaryFolder folder;
  EXPECT_REFUSED(read_torch_file(folder.path() / "none.pt"), ErrorCode::kNotFound, "none.pt");
  std::filesystem::create_symlink("gone", folder.path() / "head.pt");
  EXPECT_REFUSED(Weights::beside(folder.path(), "head", *backend::make_ref_ops()),
                 ErrorCode::kNotFound, "head.pt: links to a file that is not there");
}

}  // namespace
}  // namespace vecton::checkpoint
