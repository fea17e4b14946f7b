#include "checkpoint/weights.h"

#include <fcntl.h>
#include <unistd.h>

#include <numeric>

#include "backend/ref/ref_ops.h"
#include "base/half.h"
#include "checkpoint/test_files.h"
#include "checkpoint/test_tensors.h"

namespace vecton::checkpoint {
namespace {

using testing::bytes_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::safetensors_of;
using testing::TemporaryFolder;

// 0, 1, 2, ... from `first`, at most 256: exact in every type.
testing::NamedArray counting(const std::string& name, std::vector<int64_t> shape, float first = 0) {
  testing::NamedArray array{name, std::move(shape), {}};
  int64_t size = 1;
  for (const int64_t d : array.shape) size *= d;
  array.values.resize(static_cast<size_t>(size));
  std::iota(array.values.begin(), array.values.end(), first);
  return array;
}

class WeightsTest : public ::testing::Test {
 protected:
  Weights open(const std::vector<testing::NamedArray>& arrays, std::string_view dtype = "auto") {
    testing::write_safetensors(folder_.path() / "model.safetensors", arrays);
    return Weights::open(folder_.path(), *ops_, dtype);
  }

  // The rows of a prepared matrix, read back by multiplying with the identity.
  std::vector<float> rows_of(const ops::LinearWeight& w) {
    const int64_t k = w.w->k, n = w.w->n;
    std::vector<float> identity(static_cast<size_t>(k * k)), columns(static_cast<size_t>(k * n)),
        rows(columns.size());
    for (int64_t i = 0; i < k; ++i) identity[static_cast<size_t>(i * k + i)] = 1;
    ops_->download(ops_->linear(ops_->upload(identity, k, k), {w.w, {}}), columns);
    for (int64_t i = 0; i < k; ++i) {
      for (int64_t j = 0; j < n; ++j)
        rows[static_cast<size_t>(j * k + i)] = columns[static_cast<size_t>(i * n + j)];
    }
    return rows;
  }

  std::vector<float> values(const Tensor& x) { return testing::values_of(*ops_, x); }

  TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
};

TEST_F(WeightsTest, FollowsPathsAndTakesWhatIsThere) {
  const Weights w = open({counting("layers.3.up.weight", {2, 3}),
                          counting("layers.3.up.bias", {2}, 10), counting("norm.weight", {4}),
                          counting("norm.bias", {4}), counting("table.weight", {5, 2})});
  const ops::LinearWeight up = (w / "layers" / 3 / "up").linear(2, 3);
  EXPECT_THAT(rows_of(up), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(values(up.bias), ElementsAre(10, 11));
  EXPECT_TRUE((w / "norm").has("weight"));
  EXPECT_FALSE((w / "norm").has("gain"));
  const ops::NormWeight norm = (w / "norm").layer_norm(4, 1e-5);
  EXPECT_EQ(norm.kind, ops::NormWeight::Kind::kLayerNorm);
  EXPECT_EQ(norm.eps, 1e-5f);
  EXPECT_THAT(values(norm.weight), ElementsAre(0, 1, 2, 3));
  EXPECT_TRUE((w / "norm").rms_norm(4, 1e-6).bias.empty());
  EXPECT_EQ((w / "table").table(5, 2)->n, 5);
  w.check_taken();
}

TEST_F(WeightsTest, TakesBiasesAsAsked) {
  const Weights w =
      open({counting("a.weight", {2, 3}), counting("b.weight", {2, 3}), counting("b.bias", {2})});
  EXPECT_TRUE((w / "a").linear(2, 3, Weights::Bias::kIfPresent).bias.empty());
  EXPECT_FALSE((w / "b").linear(2, 3, Weights::Bias::kIfPresent).bias.empty());
  EXPECT_TRUE((w / "b").linear(2, 3, Weights::Bias::kNone).bias.empty());
  EXPECT_REFUSED((w / "a").linear(2, 3), ErrorCode::kCorrupt, "a.bias: missing");
}

TEST_F(WeightsTest, StacksLayersAndTheirBiases) {
  const Weights w = open({counting("q.weight", {2, 2}), counting("q.bias", {2}, 7),
                          counting("k.weight", {1, 2}, 4), counting("v.weight", {1, 2}, 6),
                          counting("v.bias", {1}, 9)});
  const std::vector<std::pair<std::string, int64_t>> parts = {{"q", 2}, {"k", 1}, {"v", 1}};
  const ops::LinearWeight stacked = w.stacked(parts, 2, Weights::Bias::kIfPresent);
  EXPECT_THAT(rows_of(stacked), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(values(stacked.bias), ElementsAre(7, 8, 0, 9));
  EXPECT_TRUE(w.stacked(parts, 2, Weights::Bias::kNone).bias.empty());
  EXPECT_REFUSED(w.stacked(parts, 2, Weights::Bias::kRequired), ErrorCode::kCorrupt,
                 "k.bias: missing");
}

TEST_F(WeightsTest, PreparesGateAndUp) {
  const Weights w = open({counting("gate.weight", {2, 2}), counting("up.weight", {2, 2})});
  EXPECT_EQ(w.gated("gate", "up", 2, 2).w->n, 2);
  EXPECT_EQ(w.linear_parameters(), 8);
  EXPECT_REFUSED(w.gated("gate", "down", 2, 2), ErrorCode::kCorrupt, "down.weight: missing");
}

TEST_F(WeightsTest, RefusesOtherShapesByFileAndTensor) {
  const Weights w = open({counting("a.weight", {2, 3}), counting("v", {4}), counting("m", {1, 4})});
  EXPECT_REFUSED((w / "a").linear(2, 4), ErrorCode::kCorrupt,
                 "model.safetensors: a.weight: expected [2,4], found [2,3]");
  EXPECT_REFUSED(w.vector("v", 5), ErrorCode::kCorrupt, "v: expected [5], found [4]");
  EXPECT_REFUSED(w.vector("m", 4), ErrorCode::kCorrupt, "m: expected [4], found [1,4]");
  EXPECT_REFUSED(w.matrix("v", 1, 4), ErrorCode::kCorrupt, "v: expected [1,4], found [4]");
  EXPECT_REFUSED((w / "b").linear(2, 4), ErrorCode::kCorrupt, folder_.path().string(),
                 "b.weight: missing");
}

TEST_F(WeightsTest, RefusesTypesThatAreNoWeights) {
  folder_.write("model.safetensors",
                safetensors_of(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
                               R"("i":{"dtype":"I8","shape":[1,1],"data_offsets":[8,9]}})",
                               std::string(9, '\0')));
  const Weights w = Weights::open(folder_.path(), *ops_);
  EXPECT_REFUSED(w.vector("a", 1), ErrorCode::kUnsupported, "a: stored as float64",
                 "float32, float16 or bfloat16");
  EXPECT_REFUSED(w.matrix("i", 1, 1), ErrorCode::kUnsupported, "i: stored as int8");
}

TEST_F(WeightsTest, ReportsTensorsThatNobodyTook) {
  Weights w = open({counting("a.weight", {2, 2}), counting("pooler.dense.weight", {2, 2}),
                    counting("pooler2.weight", {2, 2}), counting("cls.bias", {2})});
  (w / "a").linear(2, 2, Weights::Bias::kNone);
  EXPECT_REFUSED(w.check_taken(), ErrorCode::kCorrupt, folder_.path().string(),
                 "cls.bias, pooler.dense.weight, pooler2.weight");
  const std::string_view skipped[] = {"pooler", "cls."};
  w.skip(skipped);
  const Error error = testing::error_of([&] { w.check_taken(); });
  EXPECT_THAT(error.what(), HasSubstr("pooler2.weight"));
  EXPECT_THAT(error.what(), Not(HasSubstr("pooler.dense")));
  w.matrix("pooler2.weight", 2, 2);
  w.check_taken();
}

TEST_F(WeightsTest, ListsALongRestShortly) {
  std::vector<testing::NamedArray> arrays;
  for (int i = 0; i < 50; ++i) arrays.push_back(counting("t" + std::to_string(i), {1}));
  EXPECT_REFUSED(open(arrays).check_taken(), ErrorCode::kCorrupt, "and 30 more");
}

TEST_F(WeightsTest, SkipsBuffersEverywhere) {
  const Weights w = open({counting("bert.embeddings.position_ids", {1, 2}),
                          counting("embeddings.position_ids", {2}),
                          counting("layers.0.self_attn.rotary_emb.inv_freq", {2})});
  w.check_taken();
  EXPECT_EQ(Weights::summarize(folder_.path()).parameters, 0);
  EXPECT_REFUSED(open({counting("my_embeddings.position_ids", {2})}).check_taken(),
                 ErrorCode::kCorrupt, "my_embeddings");
}

TEST_F(WeightsTest, RenamesPrefixesByTheFirstRule) {
  Weights w = open({counting("model.a", {1}), counting("model.layers.b", {1}), counting("c", {1})});
  const Weights::Rename rules[] = {{"model.layers.", "blocks."}, {"model.", ""}, {"a", "never"}};
  w.rename_prefixes(rules);
  EXPECT_TRUE(w.has("a"));
  EXPECT_TRUE((w / "blocks").has("b"));
  EXPECT_TRUE(w.has("c"));
  EXPECT_REFUSED(w.vector("a", 2), ErrorCode::kCorrupt, "model.a: expected");  // as the file has it
}

TEST_F(WeightsTest, RenamesPartsEverywhere) {
  Weights w = open({counting("x.LayerNorm.gamma", {1}), counting("LayerNorm.beta", {1}),
                    counting("ab.ab", {1})});
  const Weights::Rename rules[] = {{"gamma", "weight"}, {"beta", "bias"}, {"ab", "abab"}};
  w.rename_parts(rules);
  EXPECT_TRUE((w / "x" / "LayerNorm").has("weight"));
  EXPECT_TRUE((w / "LayerNorm").has("bias"));
  EXPECT_TRUE(w.has("abab.abab"));
}

TEST_F(WeightsTest, RefusesToRenameTwoTensorsToOne) {
  Weights w = open({counting("bert.a", {1}), counting("a", {1})});
  const Weights::Rename rules[] = {{"bert.", ""}};
  EXPECT_REFUSED(w.rename_prefixes(rules), ErrorCode::kCorrupt, "bert.a", "both read as a");
}

TEST_F(WeightsTest, CountsATensorTakenTwiceOnce) {
  const Weights w = open({counting("embed.weight", {4, 2})});
  (w / "embed").table(4, 2);
  (w / "embed").linear(4, 2, Weights::Bias::kNone);
  EXPECT_EQ(w.parameters(), 8);
  EXPECT_EQ(w.linear_parameters(), 8);
  EXPECT_EQ(w.file_bytes(), 32);
  EXPECT_EQ(w.linear_bytes(), 32);
  EXPECT_EQ(w.prepared_bytes(), 64);
  EXPECT_EQ(w.dtype(), "float32");
}

TEST_F(WeightsTest, KeepsStoredBytesAliveAfterTheFileIsLetGo) {
  tensor::Weight weight;
  {
    const Weights w = open({counting("a", {64, 64})});
    weight = w.matrix("a", 64, 64);
  }
  EXPECT_EQ(weight.codes.dtype, tensor::DType::kF32);
  EXPECT_EQ(weight.name, "a");
  const auto value = [&](size_t i) {
    float x;
    std::memcpy(&x, weight.codes.bytes.data() + i * sizeof x, sizeof x);
    return x;
  };
  EXPECT_EQ(value(4095), 4095.0f);
  weight.release();
  EXPECT_EQ(value(4095), 4095.0f);  // read from the file again
}

TEST_F(WeightsTest, TablesLetGoOfThePagesThatWereRead) {
  const Weights w = open({counting("a.weight", {256, 1024}), counting("b.weight", {2, 2})});
  EXPECT_THAT(w.table_releases(), IsEmpty());
  (w / "b").linear(2, 2, Weights::Bias::kNone);
  EXPECT_THAT(w.table_releases(), IsEmpty());  // every pass reads it whole
  const ops::PreparedWeight table = (w / "a").table(256, 1024);
  ASSERT_EQ(w.table_releases().size(), 1u);

  const std::span<const std::byte> bytes = w.matrix("a.weight", 256, 1024).codes.bytes;
  const auto resident = [&] {
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const uintptr_t begin = (reinterpret_cast<uintptr_t>(bytes.data()) + page - 1) / page * page;
    const size_t size = bytes.size() - 2 * page;
    int64_t pages = 0;
    std::vector<uint64_t> entries(size / page);
    const int map = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(
        ::pread(map, entries.data(), 8 * entries.size(), static_cast<off_t>(begin / page * 8)),
        static_cast<ssize_t>(8 * entries.size()));
    ::close(map);  // bit 63: the page is present
    for (const uint64_t entry : entries) pages += static_cast<int64_t>(entry >> 63);
    return pages;
  };
  const auto sum = [&] {
    float total = 0;
    for (size_t i = 0; i < bytes.size(); i += 4096) {
      float x;
      std::memcpy(&x, bytes.data() + i, sizeof x);
      total += x;
    }
    return total;
  };
  const float before = sum();
  EXPECT_GT(resident(), 200);
  w.table_releases().front()();
  EXPECT_EQ(resident(), 0);
  EXPECT_EQ(sum(), before);
}

TEST_F(WeightsTest, ConvertsMatricesAndNeverVectors) {
  const std::vector<testing::NamedArray> arrays = {counting("a.weight", {2, 2}),
                                                   counting("a.bias", {2}, 1.001f)};
  for (const auto& [name, type] :
       {std::pair("float16", tensor::DType::kF16), std::pair("bfloat16", tensor::DType::kBF16),
        std::pair("float32", tensor::DType::kF32), std::pair("auto", tensor::DType::kF32)}) {
    const Weights w = open(arrays, name);
    EXPECT_EQ((w / "a").matrix("weight", 2, 2).codes.dtype, type);
    EXPECT_EQ((w / "a").matrix("weight", 2, 2).codes.bytes.size(),
              static_cast<size_t>(4 * tensor::size_of(type)));
    const ops::LinearWeight a = (w / "a").linear(2, 2);
    EXPECT_THAT(rows_of(a), ElementsAre(0, 1, 2, 3));
    EXPECT_EQ(values(a.bias)[0], 1.001f);
    EXPECT_EQ(w.dtype(), tensor::to_string(type));
  }
}

TEST_F(WeightsTest, ReadsEveryStoredType) {
  std::string data;
  for (const float x : {1.5f, -2.0f})
    data += bytes_of(std::vector<uint16_t>{base::float_to_bf16(x)});
  for (const float x : {0.25f, 3.0f})
    data += bytes_of(std::vector<uint16_t>{base::float_to_f16(x)});
  folder_.write("model.safetensors",
                safetensors_of(R"({"b":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]},)"
                               R"("h":{"dtype":"F16","shape":[2],"data_offsets":[4,8]}})",
                               data));
  const Weights w = Weights::open(folder_.path(), *ops_);
  EXPECT_EQ(w.matrix("b", 1, 2).codes.dtype, tensor::DType::kBF16);
  EXPECT_THAT(values(w.vector("h", 2)), ElementsAre(0.25f, 3.0f));
  const Weights wide = Weights::open(folder_.path(), *ops_, "float32");
  const tensor::Weight b = wide.matrix("b", 1, 2);
  EXPECT_EQ(b.codes.dtype, tensor::DType::kF32);
  float numbers[2];
  std::memcpy(numbers, b.codes.bytes.data(), sizeof numbers);
  EXPECT_THAT(numbers, ElementsAre(1.5f, -2.0f));
}

TEST_F(WeightsTest, StacksPartsOfDifferentTypes) {
  std::string data = bytes_of(std::vector<float>{1.001f}) +
                     bytes_of(std::vector<uint16_t>{base::float_to_bf16(2)});
  folder_.write("model.safetensors",
                safetensors_of(R"({"a.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},)"
                               R"("b.weight":{"dtype":"BF16","shape":[1,1],"data_offsets":[4,6]}})",
                               data));
  const Weights w = Weights::open(folder_.path(), *ops_);
  const std::vector<std::pair<std::string, int64_t>> parts = {{"a", 1}, {"b", 1}};
  EXPECT_THAT(rows_of(w.stacked(parts, 1, Weights::Bias::kNone)), ElementsAre(1.001f, 2));
  EXPECT_EQ(w.dtype(), "float32+bfloat16");
}

TEST_F(WeightsTest, AlignsBytesThatTheFileDoesNot) {
  for (const size_t pad : {0, 1, 2, 3}) {
    const std::string header =
        R"({"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})" + std::string(pad, ' ');
    folder_.write("model.safetensors", safetensors_of(header, bytes_of(std::vector<float>{1, 2})));
    const Weights w = Weights::open(folder_.path(), *ops_);
    const tensor::Weight a = w.matrix("a", 1, 2);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(a.codes.bytes.data()) % alignof(float), 0u);
    float values[2];
    std::memcpy(values, a.codes.bytes.data(), sizeof values);
    EXPECT_THAT(values, ElementsAre(1, 2));
    a.release();
  }
}

TEST_F(WeightsTest, RefusesDTypesAndNumbersThatDontFit) {
  EXPECT_REFUSED(open({counting("a", {1})}, "int8"), ErrorCode::kInvalidArgument, "\"int8\"",
                 "auto, float32, float16 or bfloat16");
  const testing::NamedArray big{"a", {1, 1}, {70000.0f}};
  EXPECT_REFUSED(open({big}, "float16").matrix("a", 1, 1), ErrorCode::kInvalidArgument,
                 "a: has numbers that float16 can't hold", "bfloat16");
  EXPECT_EQ(open({big}, "bfloat16").matrix("a", 1, 1).codes.dtype, tensor::DType::kBF16);
}

TEST_F(WeightsTest, TapsAreReadInBothLayouts) {
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{2, 1, 3}, {2, 3, 1}}) {
    const Weights w = open({counting("conv.weight", shape)});
    EXPECT_THAT(values((w / "conv").taps(2, 3)), ElementsAre(0, 3, 1, 4, 2, 5));
    EXPECT_EQ((w / "conv").has("weight", {2, 3, 1}), shape[2] == 1);
  }
  EXPECT_REFUSED((open({counting("conv.weight", {2, 3, 2})}) / "conv").taps(2, 3),
                 ErrorCode::kCorrupt, "conv.weight: expected [2,1,3], found [2,3,2]");
}

// Two rows of patches of 2 channels, 1 image, 2 x 2: 0 .. 7 and 8 .. 15, channel by channel.
TEST_F(WeightsTest, ConvolutionsOverPatchesAreLayersWhateverTheirLayout) {
  const auto rows = [&](const testing::NamedArray& array) {
    const ops::LinearWeight made =
        (open({array}) / "conv").patches(2, 2, 1, 2, Weights::Bias::kIfPresent);
    std::vector<float> unit(64);
    for (size_t i = 0; i < 8; ++i) unit[9 * i] = 1;
    return testing::values_of(*ops_, ops_->linear(ops_->upload(unit, 8, 8), made));
  };
  const std::vector<float> first = rows(counting("conv.weight", {2, 2, 1, 2, 2}));
  EXPECT_THAT(first, ElementsAre(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15));
  EXPECT_EQ(rows(counting("conv.weight", {2, 2, 2, 2})), first);
  EXPECT_EQ(
      rows(
          {"conv.weight", {2, 1, 2, 2, 2}, {0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15}}),
      first);
  EXPECT_REFUSED(
      (open({counting("conv.weight", {2, 8})}) / "conv").patches(2, 2, 1, 2, Weights::Bias::kNone),
      ErrorCode::kCorrupt, "conv.weight");
}

TEST_F(WeightsTest, StacksAreMatricesUnderEachOther) {
  const Weights w = open({counting("experts", {3, 2, 2}), counting("b", {2}, 7)});
  EXPECT_REFUSED(w.stack("experts", 2, 3, 2), ErrorCode::kCorrupt,
                 "experts: expected [2,3,2], found [3,2,2]");
  const tensor::Weight all = w.stack("experts", 3, 2, 2);
  EXPECT_EQ(all.rows, 6);
  const ops::LinearWeight made = w.linear_of(all, w.values("b", 2));
  EXPECT_THAT(rows_of(made), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  EXPECT_THAT(values(made.bias), ElementsAre(7, 8));
  const tensor::Weight both[] = {all, all};
  EXPECT_EQ(w.linear_of(both).w->n, 12);
  EXPECT_EQ(w.gated_of(all, all).w->n, 6);
  EXPECT_EQ(w.parameters(), 14);
}

TEST_F(WeightsTest, NamesAreUnwrapped) {
  const std::string_view known[] = {"bert."};
  const auto unwrapped = [&](const std::vector<std::string>& names) {
    std::vector<testing::NamedArray> arrays;
    for (const std::string& name : names) arrays.push_back(counting(name, {1}));
    Weights w = open(arrays);
    std::string result = w.unwrap("words.weight", known) + "|";
    for (const char* name : {"words.weight", "bert.words.weight", "bert.norm.bias", "head.bias"})
      if (w.has(name)) result += std::string(" ") + name;
    return result;
  };
  EXPECT_EQ(unwrapped({"words.weight"}), "| words.weight");
  EXPECT_EQ(unwrapped({"bert.words.weight", "head.bias"}), "| bert.words.weight head.bias");
  EXPECT_EQ(unwrapped({"module.bert.words.weight", "module.head.bias"}),
            "module.| bert.words.weight head.bias");
  EXPECT_EQ(unwrapped({"bert.bert.words.weight", "bert.bert.norm.bias", "head.bias"}),
            "bert.| bert.words.weight bert.norm.bias head.bias");
  EXPECT_EQ(unwrapped({"_orig_mod.bert.words.weight", "bert._orig_mod.norm.bias"}),
            "_orig_mod.| bert.words.weight bert.norm.bias");
  EXPECT_EQ(unwrapped({"bert.words.weight", "teacher.words.weight"}), "| bert.words.weight");
  EXPECT_EQ(unwrapped({"nothing"}), "|");
  EXPECT_REFUSED(unwrapped({"a.words.weight", "b.words.weight"}), ErrorCode::kUnsupported,
                 "several models", "a.", "b.");
}

TEST_F(WeightsTest, TensorsBesideTheModelAreLeftOver) {
  const Weights w =
      open({counting("layers.0.a", {1}), counting("layers.1.a", {1}), counting("layers.1.b", {1}),
            counting("scale", {1}), counting("other.0.a", {1}), counting("norm.a", {1})});
  (w / "layers" / 0).vector("a", 1);
  w.vector("norm.a", 1);
  EXPECT_THAT(w.left_over(), ElementsAre("layers.1", "other.0.a", "scale"));
  EXPECT_REFUSED(w.check_taken(), ErrorCode::kCorrupt, "layers.1.a", "scale");
}

TEST_F(WeightsTest, TensorsInsideTheModelAreNotLeftOver) {
  for (const char* name : {"layers.0.b", "norm.b", "layers.c"}) {
    const Weights w =
        open({counting("layers.0.a", {1}), counting("norm.a", {1}), counting(name, {1})});
    (w / "layers" / 0).vector("a", 1);
    w.vector("norm.a", 1);
    EXPECT_REFUSED(w.left_over(), ErrorCode::kCorrupt, "has no place for", name);
  }
}

}  // namespace
}  // namespace vecton::checkpoint
