#include "checkpoint/weight_files.h"

#include <numeric>

#include "backend/ref/ref_ops.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_tensors.h"
#include "checkpoint/torch_test_files.h"
#include "checkpoint/weights.h"

namespace vecton::checkpoint {
namespace {

using testing::bytes_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::torch_file;
using testing::values_of;
using namespace testing::pickle;

// 0, 1, 2, ... from `first`.
std::vector<float> counting_values(int64_t size, float first) {
  std::vector<float> values(static_cast<size_t>(size));
  std::iota(values.begin(), values.end(), first);
  return values;
}

testing::NamedArray counting(const std::string& name, std::vector<int64_t> shape, float first = 0) {
  const int64_t size = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  return {name, std::move(shape), counting_values(size, first)};
}

// The file of torch.save that holds one vector.
std::string torch_vector(const std::string& name, int64_t size, float first = 0) {
  return torch_file(
      dict({{name, pickled_tensor(storage("FloatStorage", "0", size), 0, {size}, {1})}},
           ordered_dict()),
      {{"0", bytes_of(counting_values(size, first))}});
}

// What torch.save wrote before PyTorch 1.6 begins like this.
const std::string kLegacy =
    std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.") + "\x80\x02M\xe9\x03.";

class WeightFilesTest : public ::testing::Test {
 protected:
  Weights open() { return Weights::open(folder_.path(), *ops_); }
  void write_safe(const std::string& name, const std::vector<testing::NamedArray>& arrays) {
    testing::write_safetensors(folder_.path() / name, arrays);
  }

  testing::TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

TEST_F(WeightFilesTest, ReadsShards) {
  write_safe("model-1.safetensors", {counting("a", {1}, 5)});
  write_safe("model-2.safetensors", {counting("b", {2, 1})});
  folder_.write(
      "model.safetensors.index.json",
      R"({"metadata":{"total_size":12},"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}})");
  const Weights w = open();
  EXPECT_THAT(values_of(*ops_, w.vector("a", 1)), ElementsAre(5));
  EXPECT_REFUSED(w.matrix("b", 1, 1), ErrorCode::kCorrupt, "model-2.safetensors: b: expected");
  EXPECT_EQ(w.matrix("b", 2, 1).rows, 2);
  w.check_taken();
  EXPECT_EQ(w.file_bytes(), 12);
  EXPECT_EQ(Weights::summarize(folder_.path()).bytes, 12);
  EXPECT_EQ(Weights::summarize(folder_.path()).dtype, "float32");
}

TEST_F(WeightFilesTest, ReadsShardsInFoldersBelow) {
  std::filesystem::create_directories(folder_.path() / "deep" / "shards");
  write_safe("deep/shards/model-1.safetensors", {counting("a", {1}, 5)});
  write_safe("model-2.safetensors", {counting("b", {1}, 6)});
  folder_.write(
      "model.safetensors.index.json",
      R"({"weight_map":{"a":"deep/shards/model-1.safetensors","b":"./model-2.safetensors"}})");
  const Weights w = open();
  EXPECT_THAT(values_of(*ops_, w.vector("a", 1)), ElementsAre(5));
  EXPECT_THAT(values_of(*ops_, w.vector("b", 1)), ElementsAre(6));
}

TEST_F(WeightFilesTest, ReadsATorchFile) {
  folder_.write("pytorch_model.bin", torch_vector("a", 3, 5));
  const Weights w = open();
  EXPECT_THAT(values_of(*ops_, w.vector("a", 3)), ElementsAre(5, 6, 7));
  EXPECT_REFUSED(w.vector("a", 4), ErrorCode::kCorrupt,
                 "pytorch_model.bin: a: expected [4], found [3]");
  w.check_taken();
  EXPECT_EQ(Weights::summarize(folder_.path()).bytes, 12);
}

TEST_F(WeightFilesTest, ReadsShardsOfTorchFiles) {
  folder_.write("pytorch_model-00001-of-00002.bin", torch_vector("a", 3));
  folder_.write("pytorch_model-00002-of-00002.bin", torch_vector("b", 2, 9));
  folder_.write(
      "pytorch_model.bin.index.json",
      R"({"weight_map":{"a":"pytorch_model-00001-of-00002.bin","b":"pytorch_model-00002-of-00002.bin"}})");
  const Weights w = open();
  EXPECT_THAT(values_of(*ops_, w.vector("a", 3)), ElementsAre(0, 1, 2));
  EXPECT_THAT(values_of(*ops_, w.vector("b", 2)), ElementsAre(9, 10));
  w.check_taken();
  std::filesystem::remove(folder_.path() / "pytorch_model-00002-of-00002.bin");
  EXPECT_REFUSED(open(), ErrorCode::kNotFound, "pytorch_model-00002-of-00002.bin: no such file",
                 "pytorch_model.bin.index.json says it holds b");
}

TEST_F(WeightFilesTest, TakesTheFirstOfItsFormats) {
  // Each holds another value; they are removed in the order in which they are looked for.
  write_safe("model.safetensors", {counting("a", {1}, 1)});
  write_safe("shard.safetensors", {counting("a", {1}, 2)});
  folder_.write("model.safetensors.index.json", R"({"weight_map":{"a":"shard.safetensors"}})");
  folder_.write("pytorch_model.bin", torch_vector("a", 1, 3));
  folder_.write("shard.bin", torch_vector("a", 1, 4));
  folder_.write("pytorch_model.bin.index.json", R"({"weight_map":{"a":"shard.bin"}})");
  float value = 0;
  for (const char* file : {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                           "pytorch_model.bin.index.json"}) {
    EXPECT_THAT(values_of(*ops_, open().vector("a", 1)), ElementsAre(++value)) << file;
    std::filesystem::remove(folder_.path() / file);
  }
  EXPECT_REFUSED(open(), ErrorCode::kUnsupported, "found only shard.bin, shard.safetensors");
}

TEST_F(WeightFilesTest, CarriesBuffersOfIntegersAsInSafetensors) {
  const std::string ids = bytes_of(std::vector<int64_t>{0, 1});
  const auto file = [&](const std::string& name) {
    return torch_file(
        dict({{name, pickled_tensor(storage("LongStorage", "0", 2), 0, {1, 2}, {2, 1})},
              {"a", pickled_tensor(storage("FloatStorage", "1", 1), 0, {1}, {1})}},
             ordered_dict()),
        {{"0", ids}, {"1", bytes_of(std::vector<float>{7})}});
  };
  folder_.write("pytorch_model.bin", file("bert.embeddings.position_ids"));
  const Weights w = open();
  EXPECT_THAT(values_of(*ops_, w.vector("a", 1)), ElementsAre(7));
  w.check_taken();
  EXPECT_EQ(Weights::summarize(folder_.path()).parameters, 1);

  folder_.write("pytorch_model.bin", file("counts"));
  EXPECT_REFUSED(open().matrix("counts", 1, 2), ErrorCode::kUnsupported,
                 "pytorch_model.bin: counts: stored as int64: expected float32");
}

TEST_F(WeightFilesTest, GivesEveryNameOfASharedStorage) {
  const std::string kept = pickled_tensor(storage("FloatStorage", "0", 6), 0, {3, 2}, {2, 1});
  folder_.write(
      "pytorch_model.bin",
      torch_file(dict({{"words.weight", parameter(kept) + "q\1"},
                       {"decoder.weight", "h\1"},
                       {"row", pickled_tensor(storage("FloatStorage", "0", 6), 2, {2}, {1})}}),
                 {{"0", bytes_of(counting_values(6, 0))}}));
  const Weights w = open();
  EXPECT_THAT(w.values("words.weight", 3, 2), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(w.values("decoder.weight", 3, 2), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(values_of(*ops_, w.vector("row", 2)), ElementsAre(2, 3));
  EXPECT_EQ(w.file_bytes(), 24 + 8);  // two names of one tensor, and a view
  EXPECT_EQ(Weights::summarize(folder_.path()).parameters, 6 + 2);
}

TEST_F(WeightFilesTest, SaysHowToConvertWhatTorchAloneReads) {
  folder_.write("pytorch_model.bin", kLegacy);
  // A sound checkpoint of a later format does not stand in for one that is not read.
  folder_.write("pytorch_model.bin.index.json", R"({"weight_map":{"a":"shard.bin"}})");
  folder_.write("shard.bin", torch_vector("a", 1));
  EXPECT_REFUSED(open(), ErrorCode::kUnsupported,
                 "pytorch_model.bin: saved in torch's format from before PyTorch 1.6",
                 "torch.save(torch.load('OLD'");
}

class IndexTest : public WeightFilesTest {
 protected:
  Weights open_index(const std::string& index) {
    write_safe("one.safetensors", {counting("a", {1})});
    write_safe("two.safetensors", {counting("a", {1}), counting("b", {1})});
    folder_.write("model.safetensors.index.json", index);
    return open();
  }
};

TEST_F(IndexTest, RefusesAnotherForm) {
  for (const char* index : {"{}", "[]", R"({"weight_map":[]})", R"({"weight_map":null})"}) {
    EXPECT_REFUSED(open_index(index), ErrorCode::kCorrupt, "model.safetensors.index.json",
                   "weight_map");
  }
  EXPECT_REFUSED(open_index("{"), ErrorCode::kCorrupt, "model.safetensors.index.json",
                 "not valid JSON");
  EXPECT_REFUSED(open_index(R"({"weight_map":{}})"), ErrorCode::kCorrupt, "names no tensor");
  EXPECT_REFUSED(open_index(R"({"weight_map":{"a":1}})"), ErrorCode::kCorrupt, "\"a\"",
                 "the name of a file");
}

TEST_F(IndexTest, RefusesShardsOutsideTheFolder) {
  for (const char* shard :
       {"../one.safetensors", "/etc/x.safetensors", "sub/../one.safetensors", "sub/", "sub/..",
        R"(..\\one.safetensors)", R"(one\u0000.safetensors)", "one.bin", ""}) {
    EXPECT_REFUSED(open_index(R"({"weight_map":{"a":")" + std::string(shard) + "\"}}"),
                   ErrorCode::kCorrupt, "model.safetensors.index.json", "in the same folder");
  }
}

TEST_F(IndexTest, OfTorchFilesNamesTorchFiles) {
  folder_.write("one.bin", torch_vector("a", 1));
  for (const char* shard : {"../one.bin", "one.safetensors", "one.pt", ""}) {
    folder_.write("pytorch_model.bin.index.json",
                  R"({"weight_map":{"a":")" + std::string(shard) + "\"}}");
    EXPECT_REFUSED(open(), ErrorCode::kCorrupt, "pytorch_model.bin.index.json",
                   "expected the name of a .bin file in the same folder");
  }
}

TEST_F(IndexTest, RefusesShardsThatAreMissingOrDontAgree) {
  EXPECT_REFUSED(open_index(R"({"weight_map":{"a":"none.safetensors"}})"), ErrorCode::kNotFound,
                 "none.safetensors", "holds a");
  EXPECT_REFUSED(open_index(R"({"weight_map":{"b":"one.safetensors"}})"), ErrorCode::kCorrupt,
                 "one.safetensors", "no tensor b");
  EXPECT_REFUSED(open_index(R"({"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})"),
                 ErrorCode::kCorrupt, "two.safetensors", "a is also in another shard");
  folder_.write("cut.safetensors", "xx");
  EXPECT_REFUSED(open_index(R"({"weight_map":{"a":"cut.safetensors"}})"), ErrorCode::kCorrupt,
                 "cut.safetensors", "too short");
}

TEST_F(WeightFilesTest, ExplainsFoldersWithoutWeights) {
  EXPECT_REFUSED(Weights::open(folder_.path() / "none", *ops_), ErrorCode::kNotFound,
                 "none: no such folder");
  EXPECT_REFUSED(open(), ErrorCode::kNotFound, "no weights: expected model.safetensors",
                 "pytorch_model.bin");
  folder_.write("weights.pt", "x");
  folder_.write("onnx/model.onnx", "x");
  folder_.write("training_args.bin", "x");
  EXPECT_REFUSED(open(), ErrorCode::kUnsupported, "found only onnx/model.onnx, weights.pt.",
                 "save_pretrained");
  EXPECT_REFUSED(Weights::summarize(folder_.path()), ErrorCode::kUnsupported, "weights.pt");
}

TEST_F(WeightFilesTest, SaysHowToConvertOnlyWhatCanBe) {
  folder_.write("model.gguf", "x");
  const Error gguf = testing::error_of([&] { open(); });
  EXPECT_THAT(gguf.what(), HasSubstr("found only model.gguf"));
  EXPECT_THAT(gguf.what(), Not(HasSubstr("convert")));
  folder_.write("model.pth", "x");
  EXPECT_REFUSED(open(), ErrorCode::kUnsupported, "AutoModel");
  folder_.write("modules.json", "[]");
  EXPECT_REFUSED(open(), ErrorCode::kUnsupported, "SentenceTransformer");
  // The module of a sentence-transformers model is converted with the model.
  folder_.write("2_Dense/weights.pt", "x");
  EXPECT_REFUSED(Weights::open(folder_.path() / "2_Dense", *ops_), ErrorCode::kUnsupported,
                 "2_Dense: no weights", "SentenceTransformer('OLD')");
}

TEST_F(WeightFilesTest, ExplainsLinksToNothing) {
  std::filesystem::create_symlink("../blobs/none", folder_.path() / "pytorch_model.bin");
  EXPECT_REFUSED(open(), ErrorCode::kNotFound, "pytorch_model.bin: links to a file");
  std::filesystem::create_symlink("../blobs/none", folder_.path() / "model.safetensors");
  EXPECT_REFUSED(open(), ErrorCode::kNotFound, "model.safetensors: links to a file");
  std::filesystem::remove(folder_.path() / "model.safetensors");
  write_safe("model.safetensors", {counting("a", {1})});
  EXPECT_TRUE(open().has("a"));
}

}  // namespace
}  // namespace vecton::checkpoint
