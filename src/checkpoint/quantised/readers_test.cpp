// Each format's bytes, written here by hand, become the numbers that its formula gives.
#include <cmath>
#include <cstdint>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/quantised/quantisation.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "checkpoint/test_files.h"
#include "checkpoint/weights.h"

namespace vecton::checkpoint {
namespace {

using testing::bytes_of;
using ::testing::Each;
using testing::TemporaryFolder;

class QuantisedTest : public ::testing::Test {
 protected:
  // A tensor of the file.
  template <typename T>
  void tensor(const std::string& name, const char* dtype, std::vector<int64_t> shape,
              const std::vector<T>& values) {
    const size_t begin = data_.size();
    data_ += bytes_of(values);
    header_[name] = {{"dtype", dtype},
                     {"shape", json::array(shape.begin(), shape.end())},
                     {"data_offsets", {begin, data_.size()}}};
  }

  // `config` as config.json of the folder.
  Weights open(const std::string& config, const std::string& dtype = "auto") {
    folder_.write("model.safetensors", testing::safetensors_of(json::serialize(header_), data_));
    quantisation_ = read_quantisation(
        Config(json::parse(config).as_object(), (folder_.path() / "config.json").string()));
    return Weights::open(folder_.path(), quantisation_.get(), nullptr, *ops_, dtype);
  }

  TemporaryFolder folder_;
  std::unique_ptr<Ops> ops_ = backend::make_ref_ops();
  std::shared_ptr<const Quantisation> quantisation_;
  json::object header_;
  std::string data_;
};

// The codes of a row, low bits first.
std::vector<uint32_t> packed(const std::vector<uint32_t>& codes, int bits) {
  std::vector<uint32_t> words((codes.size() * static_cast<size_t>(bits) + 31) / 32);
  for (size_t i = 0; i < codes.size(); ++i) {
    for (size_t b = 0; b < static_cast<size_t>(bits); ++b) {
      const size_t at = i * static_cast<size_t>(bits) + b;
      words[at / 32] |= (codes[i] >> b & 1u) << at % 32;
    }
  }
  return words;
}

std::vector<uint32_t> counting_codes(size_t count, int bits) {
  std::vector<uint32_t> codes(count);
  for (size_t i = 0; i < count; ++i)
    codes[i] = static_cast<uint32_t>(i * 5 + 3) & ((1u << bits) - 1);
  return codes;
}

TEST_F(QuantisedTest, MlxAffineOfEveryWidth) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    SCOPED_TRACE(bits);
    header_.clear();
    data_.clear();
    const auto codes = counting_codes(64, bits);
    const int64_t words = 2 * bits;
    tensor("a.weight", "U32", {1, words}, packed(codes, bits));
    tensor<float>("a.scales", "F32", {1, 2}, {0.5f, 2});
    tensor<float>("a.biases", "F32", {1, 2}, {-1, 3});
    const Weights w =
        open(R"({"quantization":{"group_size":32,"bits":)" + std::to_string(bits) + "}}");
    const std::vector<float> values = (w / "a").values("weight", 1, 64);
    for (size_t i = 0; i < 64; ++i) {
      const float scale = i < 32 ? 0.5f : 2, bias = i < 32 ? -1 : 3;
      EXPECT_EQ(values[i], scale * static_cast<float>(codes[i]) + bias) << i;
    }
    EXPECT_NO_THROW(w.check_taken());
  }
}

TEST_F(QuantisedTest, MlxLayersOfTheirOwnAndDenseOnes) {
  tensor("a.weight", "U32", {1, 4}, packed(std::vector<uint32_t>(32, 2), 4));     // 2 is 1.0
  tensor<uint8_t>("a.scales", "U8", {1, 1}, {128});                               // 2
  tensor("b.weight", "U32", {1, 4}, packed(std::vector<uint32_t>(32, 15), 4));    // -6
  tensor<uint8_t>("b.scales", "U8", {1, 2}, {0x38, 0x40});                        // 1, 2
  tensor("c.weight", "U32", {1, 8}, packed(std::vector<uint32_t>(32, 0x38), 8));  // 1.0
  tensor<uint8_t>("c.scales", "U8", {1, 1}, {126});                               // 0.5
  tensor<float>("d.weight", "F32", {1, 2}, {7, 8});
  const Weights w = open(R"({"quantization":{"mode":"mxfp4","bits":4,"group_size":32,
      "b":{"mode":"nvfp4","group_size":16,"bits":4},"c":{"mode":"mxfp8","group_size":null}}})");
  EXPECT_THAT((w / "a").values("weight", 1, 32), Each(2.0f));
  const std::vector<float> b = (w / "b").values("weight", 1, 32);
  EXPECT_EQ(b.front(), -6);
  EXPECT_EQ(b.back(), -12);
  EXPECT_THAT((w / "c").values("weight", 1, 32), Each(0.5f));
  EXPECT_THAT((w / "d").values("weight", 1, 2), ::testing::ElementsAre(7, 8));
}

TEST_F(QuantisedTest, RefusesWhatDoesNotFitTogether) {
  tensor("a.weight", "U32", {2, 4}, std::vector<uint32_t>(8));
  tensor<float>("a.scales", "F32", {2, 2}, {1, 1, 1, 1});
  tensor<float>("a.biases", "F32", {2, 2}, {1, 1, 1, 1});
  EXPECT_REFUSED(open(R"({"quantization":{"group_size":32}})"), ErrorCode::kCorrupt, "a.scales",
                 "[2,1]", "[2,2]");
  EXPECT_REFUSED(open(R"({"quantization":{"group_size":64}})"), ErrorCode::kCorrupt, "a.weight");
  EXPECT_REFUSED(open(R"({"quantization":{"bits":3,"group_size":32}})"), ErrorCode::kCorrupt,
                 "a.weight");
  EXPECT_REFUSED(open(R"({"quantization":{"mode":"mxfp4"}})"), ErrorCode::kCorrupt, "a.scales",
                 "uint8");
  EXPECT_REFUSED(open(R"({"quantization":{"group_size":32,"a":false}})"), ErrorCode::kCorrupt,
                 "a.scales", "not quantised");
}

TEST_F(QuantisedTest, RefusesPartsThatAreMissing) {
  tensor("a.weight", "U32", {1, 4}, std::vector<uint32_t>(4));
  EXPECT_REFUSED(open(R"({"quantization":{"group_size":32,"a":{"bits":4,"group_size":32}}})"),
                 ErrorCode::kCorrupt, "a.scales");
  tensor<float>("a.scales", "F32", {1, 1}, {1});
  EXPECT_REFUSED(open(R"({"quantization":{"group_size":32}})"), ErrorCode::kCorrupt, "a.biases",
                 "missing");
  header_.clear();
  data_.clear();
  tensor("e.weight", "U32", {0, 4}, std::vector<uint32_t>());
  tensor<float>("e.scales", "F32", {0, 1}, {});
  EXPECT_REFUSED(open(R"({"quantization":{"group_size":32}})"), ErrorCode::kCorrupt, "e.weight",
                 "no numbers");
}

// Of AWQ's words nibble i is column 0, 2, 4, 6, 1, 3, 5, 7.
TEST_F(QuantisedTest, Awq) {
  std::vector<uint32_t> words(128), zeros{0x76543210};
  for (size_t k = 0; k < words.size(); ++k) words[k] = k % 2 ? 0xfedcba98 : 0x00000001;
  tensor("a.qweight", "I32", {128, 1}, words);
  tensor("a.qzeros", "I32", {1, 1}, zeros);
  tensor<float>("a.scales", "F32", {1, 8}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Weights w = open(R"({"quantization_config":{"quant_method":"awq"}})");
  const std::vector<float> values = (w / "a").values("weight", 8, 128);
  const int nibble[] = {0, 4, 1, 5, 2, 6, 3, 7};  // of each column
  for (int column = 0; column < 8; ++column) {
    const float scale = static_cast<float>(column + 1);
    const int zero = nibble[column], even = zero == 0 ? 1 : 0, odd = 8 + zero;
    EXPECT_EQ(values[static_cast<size_t>(column * 128)], scale * static_cast<float>(even - zero));
    EXPECT_EQ(values[static_cast<size_t>(column * 128 + 127)],
              scale * static_cast<float>(odd - zero));
  }
}

TEST_F(QuantisedTest, Gptq) {
  std::vector<uint32_t> words(4 * 8);  // 32 rows of 8 columns
  for (size_t k = 0; k < 4; ++k) {
    for (size_t j = 0; j < 8; ++j) words[k * 8 + j] = 0x76543210u + static_cast<uint32_t>(j);
  }
  std::vector<int32_t> order(32);
  for (size_t i = 0; i < 32; ++i) order[i] = static_cast<int32_t>(i / 16);
  tensor("a.qweight", "I32", {4, 8}, words);
  tensor<uint32_t>("a.qzeros", "I32", {2, 1}, {0x77777777, 0x22222222});  // 8 and 3
  tensor("a.scales", "F32", {2, 8}, std::vector<float>(16, 0.5f));
  tensor("a.g_idx", "I32", {32}, order);
  const std::string config =
      R"({"quantization_config":{"quant_method":"gptq","bits":4,"group_size":16}})";
  const std::vector<float> values = (open(config) / "a").values("weight", 8, 32);
  EXPECT_EQ(values[0], 0.5f * (0 - 8));
  EXPECT_EQ(values[1], 0.5f * (1 - 8));
  EXPECT_EQ(values[16], 0.5f * (0 - 3));
  EXPECT_EQ(values[5 * 32], 0.5f * (5 - 8));
  EXPECT_EQ(values[7 * 32 + 31], 0.5f * (7 - 3));
}

// Columns of whole words of codes, and a zero of its own for each.
TEST_F(QuantisedTest, GptqOfEveryWidth) {
  for (const int bits : {2, 4, 8}) {
    SCOPED_TRACE(bits);
    header_.clear();
    data_.clear();
    constexpr size_t kIn = 32, kOut = 16;
    const auto codes = counting_codes(kIn * kOut, bits);
    auto zeros = counting_codes(kOut, bits);
    zeros[1] = zeros[5] = 0;
    const size_t per_word = 32 / static_cast<size_t>(bits);
    std::vector<uint32_t> words(kIn / per_word * kOut), zero_words(kOut / per_word);
    for (size_t k = 0; k < kIn; ++k) {
      for (size_t j = 0; j < kOut; ++j)
        words[k / per_word * kOut + j] |= codes[k * kOut + j]
                                          << k % per_word * static_cast<size_t>(bits);
    }
    for (size_t j = 0; j < kOut; ++j)
      zero_words[j / per_word] |= zeros[j] << j % per_word * static_cast<size_t>(bits);
    // What GPTQModel subtracts from whole words, where some zeros are 0.
    const uint32_t ones = bits == 2 ? 0x55555555 : bits == 4 ? 0x11111111 : 0x01010101;
    for (uint32_t& word : zero_words) word -= ones;
    tensor("a.qweight", "I32", {static_cast<int64_t>(kIn / per_word), kOut}, words);
    tensor("a.qzeros", "I32", {1, static_cast<int64_t>(kOut / per_word)}, zero_words);
    std::vector<float> scales(kOut);
    for (size_t j = 0; j < kOut; ++j) scales[j] = 0.25f * static_cast<float>(j + 1);
    tensor("a.scales", "F32", {1, kOut}, scales);
    const Weights w =
        open(R"({"quantization_config":{"quant_method":"gptq","group_size":32,"bits":)" +
             std::to_string(bits) + "}}");
    const std::vector<float> values = (w / "a").values("weight", kOut, kIn);
    for (size_t j = 0; j < kOut; ++j) {
      for (size_t k = 0; k < kIn; ++k) {
        const auto code = static_cast<float>(codes[k * kOut + j]),
                   zero = static_cast<float>(zeros[j]);
        ASSERT_EQ(values[j * kIn + k], scales[j] * (code - zero)) << j << ", " << k;
      }
    }
    EXPECT_NO_THROW(w.check_taken());
  }
}

// Three groups of 16 columns that stand in none of their order.
std::vector<int32_t> mixed_order() {
  std::vector<int32_t> order(48);
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>((i * 7 + 2) % 48 / 16);
  return order;
}

TEST_F(QuantisedTest, GptqWithGroupsInAnotherOrder) {
  const std::vector<int32_t> order = mixed_order();
  const auto codes = counting_codes(48 * 8, 4);
  std::vector<uint32_t> words(6 * 8);
  for (size_t k = 0; k < 48; ++k) {
    for (size_t j = 0; j < 8; ++j) words[k / 8 * 8 + j] |= codes[k * 8 + j] << k % 8 * 4;
  }
  std::vector<float> scales;
  for (size_t i = 0; i < 24; ++i) scales.push_back(0.25f * static_cast<float>(i + 1));
  const std::vector<uint32_t> zeros{0x76543210, 0x22222222, 0xedcba987};
  tensor("a.qweight", "I32", {6, 8}, words);
  tensor("a.qzeros", "I32", {3, 1}, zeros);
  tensor("a.scales", "F32", {3, 8}, scales);
  tensor("a.g_idx", "I32", {48}, order);
  const Weights w = open(
      R"({"quantization_config":{"quant_method":"gptq","bits":4,"group_size":16,"desc_act":true}})");
  const std::vector<float> values = (w / "a").values("weight", 8, 48);
  for (size_t j = 0; j < 8; ++j) {
    for (size_t k = 0; k < 48; ++k) {
      const auto group = static_cast<size_t>(order[k]);
      const auto code = static_cast<float>(codes[k * 8 + j]),
                 zero = static_cast<float>((zeros[group] >> j * 4 & 15) + 1);
      ASSERT_EQ(values[j * 48 + k], scales[group * 8 + j] * (code - zero)) << j << ", " << k;
    }
  }
  EXPECT_NO_THROW(w.check_taken());
}

// As float32, which is more than the file has, or as the option says.
TEST_F(QuantisedTest, GroupsInAnotherOrderAreCountedAsFloats) {
  tensor("a.qweight", "I32", {6, 8}, std::vector<uint32_t>(48));
  tensor("a.qzeros", "I32", {3, 1}, std::vector<uint32_t>(3));
  tensor("a.scales", "F32", {3, 8}, std::vector<float>(24, 1));
  tensor("a.g_idx", "I32", {48}, mixed_order());
  const char* config =
      R"({"quantization_config":{"quant_method":"gptq","bits":4,"group_size":16}})";
  for (const auto& [option, kept] :
       {std::pair{"auto", tensor::DType::kF32}, {"bfloat16", tensor::DType::kBF16}}) {
    const Weights w = open(config, option);
    const tensor::Weight matrix = (w / "a").matrix("weight", 8, 48);
    EXPECT_EQ(matrix.codes.dtype, kept) << option;
    EXPECT_EQ(matrix.codes.bytes.size(), 8 * 48 * tensor::size_of(kept)) << option;
    const ops::LinearWeight layer = (w / "a").linear(8, 48, Weights::Bias::kNone);
    const Tensor x = ops_->upload(std::vector<float>(48, 1), 1, 48);
    EXPECT_THAT(testing::values_of(*ops_, ops_->linear(x, layer)), Each(-48.0f)) << option;
  }
  const Weights::Summary files = Weights::summarize(folder_.path(), quantisation_.get());
  ASSERT_EQ(files.forms.size(), 1u);
  EXPECT_EQ(files.forms[0].name, "GPTQ 4 bits as float32");
  EXPECT_EQ(files.forms[0].bytes, 4 * (48 + 3 + 24 + 48));
  EXPECT_EQ(files.forms[0].kept_bytes, 4 * 48 * 8);
}

TEST_F(QuantisedTest, GptqRefusesGroupsThatAreNotThere) {
  for (const int32_t group : {2, -1, -2}) {
    header_.clear();
    data_.clear();
    std::vector<int32_t> order(32);
    order[3] = group;
    tensor("a.qweight", "I32", {4, 8}, std::vector<uint32_t>(32));
    tensor("a.qzeros", "I32", {2, 1}, std::vector<uint32_t>(2));
    tensor("a.scales", "F32", {2, 8}, std::vector<float>(16));
    tensor("a.g_idx", "I32", {32}, order);
    EXPECT_REFUSED(
        open(R"({"quantization_config":{"quant_method":"gptq","bits":4,"group_size":16}})"),
        ErrorCode::kCorrupt, "a.g_idx", "column 3", "0 to 1");
  }
}

TEST_F(QuantisedTest, Fp8WithPartialBlocks) {
  tensor("a.weight", "F8_E4M3", {130, 129}, std::vector<uint8_t>(130 * 129, 0x38));  // 1
  tensor<float>("a.weight_scale_inv", "F32", {2, 2}, {1, 2, 3, 4});
  for (const char* scales : {"", R"(,"scale_fmt":null)", R"(,"scale_fmt":"ue8m0")"}) {
    SCOPED_TRACE(scales);
    const Weights w =
        open(R"({"quantization_config":{"quant_method":"fp8","weight_block_size":[128,128])" +
             std::string(scales) + "}}");
    const std::vector<float> values = (w / "a").values("weight", 130, 129);
    EXPECT_EQ(values[127 * 129 + 127], 1);
    EXPECT_EQ(values[127 * 129 + 128], 2);
    EXPECT_EQ(values[128 * 129], 3);
    EXPECT_EQ(values[129 * 129 + 128], 4);
  }
}

// 1, and 2 where the row or column is odd.
std::vector<uint8_t> e4m3_codes(size_t rows, size_t columns) {
  std::vector<uint8_t> codes;
  for (size_t i = 0; i < rows * columns; ++i)
    codes.push_back((i / columns + i % columns) % 2 ? 0x40 : 0x38);
  return codes;
}

// As AutoFP8 and Mistral write them, with a scale of activations that is not needed.
TEST_F(QuantisedTest, Fp8WithOneScale) {
  for (const auto& [scale, activations] : {std::pair{"a.weight_scale", "a.input_scale"},
                                           std::pair{"a.weight_scale_inv", "a.activation_scale"}}) {
    SCOPED_TRACE(scale);
    header_.clear();
    data_.clear();
    tensor("a.weight", "F8_E4M3", {2, 3}, e4m3_codes(2, 3));
    tensor<float>(scale, "F32", {}, {3});
    tensor<float>(activations, "F32", {}, {7});
    const Weights w = open(
        R"({"quantization_config":{"quant_method":"fp8","activation_scheme":"static","weight_block_size":null}})");
    EXPECT_THAT((w / "a").values("weight", 2, 3), ::testing::ElementsAre(3, 6, 3, 6, 3, 6));
    EXPECT_NO_THROW(w.check_taken());
  }
}

TEST_F(QuantisedTest, Fp8WithAScaleForEachRow) {
  tensor("a.weight", "F8_E4M3", {2, 3}, e4m3_codes(2, 3));
  tensor<float>("a.weight_scale", "F32", {2, 1}, {0.5f, 3});
  const auto config = [](const std::string& method) {
    return R"({"quantization_config":{"quant_method":")" + method + "}}";
  };
  for (const char* method : {R"(fp8")", R"(fbgemm_fp8","activation_scale_ub":1200.0)"}) {
    EXPECT_THAT((open(config(method)) / "a").values("weight", 2, 3),
                ::testing::ElementsAre(0.5f, 1, 0.5f, 6, 3, 6))
        << method;
  }
  EXPECT_REFUSED(open(config(R"(fp8","weight_block_size":[128,128])")), ErrorCode::kCorrupt,
                 "a.weight_scale", "[1,1]", "[2,1]");
}

TEST_F(QuantisedTest, RowsOfAMatrixThatBeginInsideABlock) {
  tensor("a.weight", "F8_E4M3", {192, 16}, std::vector<uint8_t>(192 * 16, 0x38));
  tensor<float>("a.weight_scale_inv", "F32", {2, 1}, {1, 2});
  const Weights w =
      open(R"({"quantization_config":{"quant_method":"fp8","weight_block_size":[128,128]}})");
  const ops::LinearWeight part = (w / "a").linear_rows(96, 64, 192, 16, Weights::Bias::kNone);
  const Tensor x = ops_->upload(std::vector<float>(16, 1), 1, 16);
  const std::vector<float> sums = testing::values_of(*ops_, ops_->linear(x, part));
  EXPECT_EQ(sums[31], 16);
  EXPECT_EQ(sums[32], 32);
}

constexpr const char* kGroups =
    R"("config_groups":{"g":{"targets":["Linear"],"weights":{"type":"int","symmetric":true,)";

TEST_F(QuantisedTest, CompressedTensorsOfFourBits) {
  tensor("a.weight_packed", "I32", {1, 2}, packed(counting_codes(16, 4), 4));
  tensor<float>("a.weight_scale", "F32", {1, 1}, {0.25f});
  tensor<int64_t>("a.weight_shape", "I64", {2}, {1, 16});
  const std::string config =
      R"({"quantization_config":{"quant_method":"compressed-tensors","format":"pack-quantized",)" +
      std::string(kGroups) + R"("num_bits":4,"strategy":"channel"}}}}})";
  const std::vector<float> values = (open(config) / "a").values("weight", 1, 16);
  for (size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(values[i], 0.25f * (static_cast<float>(counting_codes(16, 4)[i]) - 8));
  }
}

TEST_F(QuantisedTest, CompressedTensorsOfEightBits) {
  tensor<int8_t>("a.weight", "I8", {2, 2}, {-128, 127, 0, -1});
  tensor<float>("a.weight_scale", "F32", {2, 1}, {0.1f, 2});
  const std::string config =
      R"({"quantization_config":{"quant_method":"compressed-tensors","format":"int-quantized",)" +
      std::string(kGroups) + R"("num_bits":8,"strategy":"channel"}}}}})";
  EXPECT_THAT((open(config) / "a").values("weight", 2, 2),
              ::testing::ElementsAre(-128 * 0.1f, 127 * 0.1f, 0, -2));
}

std::string compressed_tensors(const std::string& format, const std::string& weights) {
  return R"({"quantization_config":{"quant_method":"compressed-tensors","format":")" + format +
         R"(","config_groups":{"g":{"targets":["Linear"],"input_activations":{"num_bits":8},)" +
         R"("weights":{)" + weights + "}}}}}";
}

// A scale for each row, and activations' scales, which are not needed.
TEST_F(QuantisedTest, CompressedTensorsOfFp8ByChannel) {
  for (const char* format : {"float-quantized", "naive-quantized"}) {
    SCOPED_TRACE(format);
    header_.clear();
    data_.clear();
    tensor("a.weight", "F8_E4M3", {2, 3}, e4m3_codes(2, 3));
    tensor<float>("a.weight_scale", "F32", {2, 1}, {0.5f, 3});
    tensor<float>("a.input_scale", "F32", {1}, {7});
    tensor<float>("b.weight", "F32", {1, 2}, {7, 8});
    const Weights w = open(compressed_tensors(
        format, R"("type":"float","num_bits":8,"strategy":"channel","group_size":null)"));
    EXPECT_THAT((w / "a").values("weight", 2, 3), ::testing::ElementsAre(0.5f, 1, 0.5f, 6, 3, 6));
    EXPECT_THAT((w / "b").values("weight", 1, 2), ::testing::ElementsAre(7, 8));
    EXPECT_NO_THROW(w.check_taken());
  }
}

// Older versions of llm-compressor wrote "frozen" beside codes, too.
TEST_F(QuantisedTest, CompressedTensorsThatAreFrozen) {
  const std::string config =
      R"({"quantization_config":{"quant_method":"compressed-tensors","format":"naive-quantized",)"
      R"("quantization_status":"frozen","config_groups":{"g":{"targets":["Linear"],)"
      R"("weights":{"type":"float"}}}}})";
  tensor<uint8_t>("a.weight", "F8_E4M3", {1, 2}, {0x38, 0x40});
  tensor<float>("a.weight_scale", "F32", {1}, {3});
  EXPECT_THAT((open(config) / "a").values("weight", 1, 2), ::testing::ElementsAre(3, 6));
  header_.clear();
  data_.clear();
  tensor<float>("a.weight", "F32", {1, 2}, {1, 2});
  tensor<float>("a.weight_scale", "F32", {1}, {3});
  EXPECT_REFUSED(open(config), ErrorCode::kCorrupt, "a.weight", "float32");
}

// One scale for the matrix, which files keep as a number or as a list of one.
TEST_F(QuantisedTest, CompressedTensorsOfFp8ByTensor) {
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{}, std::vector<int64_t>{1}, std::vector<int64_t>{1, 1}}) {
    SCOPED_TRACE(shape.size());
    header_.clear();
    data_.clear();
    tensor("a.weight", "F8_E4M3", {2, 3}, e4m3_codes(2, 3));
    tensor<float>("a.weight_scale", "F32", shape, {3});
    const Weights w = open(compressed_tensors("float-quantized", R"("type":"float")"));
    EXPECT_THAT((w / "a").values("weight", 2, 3), ::testing::ElementsAre(3, 6, 3, 6, 3, 6));
  }
}

TEST_F(QuantisedTest, CompressedTensorsOfFp8ByBlock) {
  tensor("a.weight", "F8_E4M3", {3, 17}, std::vector<uint8_t>(3 * 17, 0x38));
  tensor<float>("a.weight_scale", "F32", {2, 2}, {1, 2, 3, 4});
  const auto config = [](const std::string& blocks) {
    return compressed_tensors("float-quantized",
                              R"("type":"float","strategy":"block","block_structure":)" + blocks);
  };
  const std::vector<float> values = (open(config("[2,16]")) / "a").values("weight", 3, 17);
  EXPECT_EQ(values[1 * 17 + 15], 1);
  EXPECT_EQ(values[1 * 17 + 16], 2);
  EXPECT_EQ(values[2 * 17], 3);
  EXPECT_EQ(values[2 * 17 + 16], 4);
  EXPECT_REFUSED(open(config("[3,16]")), ErrorCode::kCorrupt, "a.weight_scale", "[1,2]", "[2,2]");
  EXPECT_REFUSED(open(config("[2,8]")), ErrorCode::kUnsupported, "g.weights.block_structure",
                 "multiple of 16");
}

TEST_F(QuantisedTest, CompressedTensorsOfEightBitsByTensor) {
  tensor<int8_t>("a.weight", "I8", {2, 2}, {-128, 127, 0, -1});
  tensor<float>("a.weight_scale", "F32", {1}, {0.5f});
  for (const char* format : {"int-quantized", "naive-quantized"}) {
    EXPECT_THAT(
        (open(compressed_tensors(format, R"("strategy":"tensor")")) / "a").values("weight", 2, 2),
        ::testing::ElementsAre(-64, 63.5f, 0, -0.5f))
        << format;
  }
}

TEST_F(QuantisedTest, CompressedTensorsRefusesScalesOfAnotherStrategy) {
  tensor("a.weight", "F8_E4M3", {2, 3}, e4m3_codes(2, 3));
  tensor<float>("a.weight_scale", "F32", {1}, {3});
  EXPECT_REFUSED(
      open(compressed_tensors("float-quantized", R"("type":"float","strategy":"channel")")),
      ErrorCode::kCorrupt, "a.weight_scale", "[2,1]", "[1]");
  EXPECT_REFUSED(open(compressed_tensors("int-quantized", R"("strategy":"tensor")")),
                 ErrorCode::kCorrupt, "a.weight", "int8");
}

// Three groups of 16 in each of 40 rows: rows that end inside of a word, and zero points that lie
// in two.
TEST_F(QuantisedTest, CompressedTensorsPackedInEveryWidth) {
  constexpr size_t kRows = 40, kColumns = 48, kGroups = 3;
  for (const int bits : {2, 3, 4, 5, 6, 7, 8}) {
    SCOPED_TRACE(bits);
    header_.clear();
    data_.clear();
    const auto width = static_cast<size_t>(bits);
    const auto codes = counting_codes(kRows * kColumns, bits),
               zeros = counting_codes(kRows * kGroups, bits);
    std::vector<uint32_t> words, zero_words((kRows * width + 31) / 32 * kGroups);
    for (size_t row = 0; row < kRows; ++row) {
      const auto of_row =
          packed({codes.begin() + row * kColumns, codes.begin() + (row + 1) * kColumns}, bits);
      words.insert(words.end(), of_row.begin(), of_row.end());
    }
    std::vector<float> scales;
    for (size_t g = 0; g < kGroups; ++g) {
      std::vector<uint32_t> column;
      for (size_t row = 0; row < kRows; ++row) column.push_back(zeros[row * kGroups + g]);
      column = packed(column, bits);
      for (size_t i = 0; i < column.size(); ++i) zero_words[i * kGroups + g] = column[i];
    }
    for (size_t i = 0; i < kRows * kGroups; ++i)
      scales.push_back(0.25f * static_cast<float>(i + 1));
    const auto rows = static_cast<int64_t>(kRows), groups = static_cast<int64_t>(kGroups);
    tensor("a.weight_packed", "I32", {rows, static_cast<int64_t>(words.size()) / rows}, words);
    tensor<int64_t>("a.weight_shape", "I64", {2}, {kRows, kColumns});
    tensor("a.weight_scale", "F32", {rows, groups}, scales);
    const std::string settings =
        R"("strategy":"group","group_size":16,"num_bits":)" + std::to_string(bits);
    const Weights symmetric = open(compressed_tensors("pack-quantized", settings));
    const std::vector<float> values = (symmetric / "a").values("weight", kRows, kColumns);
    tensor("a.weight_zero_point", "I32", {static_cast<int64_t>(zero_words.size()) / groups, groups},
           zero_words);
    const Weights w =
        open(compressed_tensors("pack-quantized", settings + R"(,"symmetric":false)"));
    const std::vector<float> with_zeros = (w / "a").values("weight", kRows, kColumns);
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t block = i / kColumns * kGroups + i % kColumns / 16;
      const auto code = static_cast<float>(codes[i]), zero = static_cast<float>(zeros[block]),
                 half = static_cast<float>(1 << (bits - 1));
      ASSERT_EQ(values[i], scales[block] * (code - half)) << i;
      ASSERT_EQ(with_zeros[i], scales[block] * (code - zero)) << i;
    }
    EXPECT_NO_THROW(w.check_taken());
  }
}

TEST_F(QuantisedTest, CompressedTensorsWithGroupsInAnotherOrder) {
  constexpr size_t kRows = 40, kColumns = 48;
  const std::vector<int32_t> mixed = mixed_order();
  std::vector<int32_t> in_sequence(kColumns);
  for (size_t i = 0; i < kColumns; ++i) in_sequence[i] = static_cast<int32_t>(i / 16);
  for (const int bits : {2, 3, 4, 5, 6, 7, 8}) {
    const auto codes = counting_codes(kRows * kColumns, bits),
               zeros = counting_codes(kRows * 3, bits);
    std::vector<uint32_t> words, zero_words;
    for (size_t row = 0; row < kRows; ++row) {
      const auto of_row =
          packed({codes.begin() + row * kColumns, codes.begin() + (row + 1) * kColumns}, bits);
      words.insert(words.end(), of_row.begin(), of_row.end());
    }
    std::vector<std::vector<uint32_t>> of_group(3);
    for (size_t i = 0; i < zeros.size(); ++i) of_group[i % 3].push_back(zeros[i]);
    for (auto& column : of_group) column = packed(column, bits);
    for (size_t i = 0; i < of_group[0].size(); ++i) {
      for (const auto& column : of_group) zero_words.push_back(column[i]);
    }
    std::vector<float> scales;
    for (size_t i = 0; i < kRows * 3; ++i) scales.push_back(0.25f * static_cast<float>(i + 1));
    for (const auto& order : {mixed, in_sequence, std::vector<int32_t>(kColumns, -1)}) {
      for (const bool symmetric : {true, false}) {
        SCOPED_TRACE(std::to_string(bits) + " bits, symmetric " + std::to_string(symmetric));
        header_.clear();
        data_.clear();
        const auto per_row = static_cast<int64_t>(words.size() / kRows);
        tensor("a.weight_packed", "I32", {kRows, per_row}, words);
        tensor<int64_t>("a.weight_shape", "I64", {2}, {kRows, kColumns});
        tensor("a.weight_scale", "F32", {kRows, 3}, scales);
        tensor("a.weight_g_idx", "I32", {kColumns}, order);
        if (!symmetric) {
          const auto height = static_cast<int64_t>(zero_words.size() / 3);
          tensor("a.weight_zero_point", "I32", {height, 3}, zero_words);
        }
        const Weights w = open(compressed_tensors(
            "pack-quantized",
            R"("strategy":"group","group_size":16,"actorder":"group","num_bits":)" +
                std::to_string(bits) + R"(,"symmetric":)" + (symmetric ? "true" : "false")));
        const std::vector<float> values = (w / "a").values("weight", kRows, kColumns);
        for (size_t i = 0; i < values.size(); ++i) {
          const size_t column = i % kColumns,
                       group = order[0] < 0 ? column / 16 : static_cast<size_t>(order[column]),
                       block = i / kColumns * 3 + group;
          const auto code = static_cast<float>(codes[i]),
                     zero = static_cast<float>(symmetric ? 1u << (bits - 1) : zeros[block]);
          ASSERT_EQ(values[i], scales[block] * (code - zero)) << i;
        }
        EXPECT_NO_THROW(w.check_taken());
      }
    }
  }
}

TEST_F(QuantisedTest, CompressedTensorsWithAZeroPointForEachRow) {
  tensor("a.weight_packed", "I32", {2, 1}, std::vector<uint32_t>{0x04030201, 0xff8000fe});
  tensor<int64_t>("a.weight_shape", "I64", {2}, {2, 4});
  tensor<float>("a.weight_scale", "F32", {2, 1}, {1, 0.5f});
  tensor("a.weight_zero_point", "I32", {1, 1}, std::vector<uint32_t>{0x0000fe02});
  const Weights w = open(compressed_tensors(
      "pack-quantized", R"("num_bits":8,"strategy":"channel","symmetric":false)"));
  EXPECT_THAT((w / "a").values("weight", 2, 4),
              ::testing::ElementsAre(-1, 0, 1, 2, 0, -127, -63, 0.5f));
}

TEST_F(QuantisedTest, CompressedTensorsRefusesPackedPartsThatDoNotFit) {
  tensor("a.weight_packed", "I32", {2, 4}, std::vector<uint32_t>(8));
  tensor<int64_t>("a.weight_shape", "I64", {2}, {2, 32});
  tensor<float>("a.weight_scale", "F32", {2, 2}, {1, 1, 1, 1});
  const auto settings = [](const std::string& more) {
    return compressed_tensors("pack-quantized", R"("strategy":"group","group_size":16)" + more);
  };
  EXPECT_NO_THROW(open(settings(R"(,"num_bits":4)")));
  EXPECT_REFUSED(open(settings(R"(,"num_bits":8)")), ErrorCode::kCorrupt, "a.weight_shape",
                 "[2,32]", "[2,16]");
  EXPECT_REFUSED(open(settings(R"(,"num_bits":3)")), ErrorCode::kCorrupt, "a.weight_shape",
                 "3 bits");
  EXPECT_REFUSED(open(settings(R"(,"num_bits":4,"symmetric":false)")), ErrorCode::kCorrupt,
                 "a.weight_zero_point", "missing");
  tensor("a.weight_zero_point", "I32", {1, 1}, std::vector<uint32_t>(1));
  EXPECT_REFUSED(open(settings(R"(,"num_bits":4,"symmetric":false)")), ErrorCode::kCorrupt,
                 "a.weight_zero_point", "[1,2]", "[1,1]");
  const Weights symmetric = open(settings(R"(,"num_bits":4)"));
  (symmetric / "a").values("weight", 2, 32);
  EXPECT_REFUSED(symmetric.check_taken(), ErrorCode::kCorrupt, "a.weight_zero_point");
}

constexpr const char* kNvfp4 =
    R"("type":"float","num_bits":4,"strategy":"tensor_group","group_size":16)";

// What weight_global_scale has divides.
TEST_F(QuantisedTest, CompressedTensorsInNvfp4) {
  tensor("a.weight_packed", "U8", {1, 16}, std::vector<uint8_t>(16, 0xf2));  // 1, then -6
  tensor<uint8_t>("a.weight_scale", "F8_E4M3", {1, 2}, {0x38, 0x40});        // 1, 2
  tensor<float>("a.weight_global_scale", "F32", {1}, {4});
  tensor<float>("a.input_global_scale", "F32", {1}, {7});
  const Weights w = open(compressed_tensors("nvfp4-pack-quantized", kNvfp4));
  const std::vector<float> values = (w / "a").values("weight", 1, 32);
  EXPECT_EQ(values[0], 0.25f);
  EXPECT_EQ(values[15], -1.5f);
  EXPECT_EQ(values[16], 0.5f);
  EXPECT_EQ(values[31], -3);
  EXPECT_NO_THROW(w.check_taken());
}

TEST_F(QuantisedTest, CompressedTensorsRefusesPartsOfNvfp4) {
  const auto open_parts = [&](size_t bytes, size_t scales, const std::vector<float>& divisor) {
    header_.clear();
    data_.clear();
    tensor("a.weight_packed", "U8", {1, static_cast<int64_t>(bytes)}, std::vector<uint8_t>(bytes));
    tensor("a.weight_scale", "F8_E4M3", {1, static_cast<int64_t>(scales)},
           std::vector<uint8_t>(scales));
    if (!divisor.empty()) tensor("a.weight_global_scale", "F32", {1}, divisor);
    open(compressed_tensors("nvfp4-pack-quantized", kNvfp4));
  };
  EXPECT_NO_THROW(open_parts(16, 2, {4}));
  EXPECT_REFUSED(open_parts(16, 2, {}), ErrorCode::kCorrupt, "a.weight_global_scale", "missing");
  for (const float divisor : {0.0f, -1.0f, HUGE_VALF, 1e-40f}) {
    EXPECT_REFUSED(open_parts(16, 2, {divisor}), ErrorCode::kCorrupt, "a.weight_global_scale",
                   "above 0");
  }
  EXPECT_REFUSED(open_parts(16, 1, {4}), ErrorCode::kCorrupt, "a.weight_scale", "[1,2]", "[1,1]");
  EXPECT_REFUSED(open_parts(4, 1, {4}), ErrorCode::kCorrupt, "a.weight_scale", "groups of 16");
}

TEST_F(QuantisedTest, CompressedTensorsInMxfp) {
  tensor("a.weight_packed", "U8", {1, 32}, std::vector<uint8_t>(32, 0xf2));
  tensor<uint8_t>("a.weight_scale", "U8", {1, 2}, {126, 128});  // 0.5, 2
  const std::string settings = R"("type":"float","strategy":"group","group_size":32,"num_bits":)";
  const std::vector<float> fours =
      (open(compressed_tensors("mxfp4-pack-quantized", settings + "4")) / "a")
          .values("weight", 1, 64);
  EXPECT_EQ(fours[30], 0.5f);
  EXPECT_EQ(fours[31], -3);
  EXPECT_EQ(fours[32], 2);
  header_.clear();
  data_.clear();
  tensor("a.weight", "F8_E4M3", {2, 32}, e4m3_codes(2, 32));
  tensor<uint8_t>("a.weight_scale", "U8", {2, 1}, {126, 128});
  const std::vector<float> eights =
      (open(compressed_tensors("mxfp8-quantized", settings + "8")) / "a").values("weight", 2, 32);
  EXPECT_EQ(eights[0], 0.5f);
  EXPECT_EQ(eights[31], 1);
  EXPECT_EQ(eights[32], 4);
}

// A name comes before expressions, those before "Linear".
TEST_F(QuantisedTest, CompressedTensorsOfSeveralGroups) {
  const auto matrix = [&](const std::string& module, float scale) {
    tensor<int8_t>(module + ".weight", "I8", {1, 2}, {1, 2});
    tensor<float>(module + ".weight_scale", "F32", {1}, {scale});
  };
  matrix("0.up_proj", 1);
  matrix("1.up_proj", 1);
  tensor("0.down_proj.weight", "F8_E4M3", {1, 2}, e4m3_codes(1, 2));
  tensor<float>("0.down_proj.weight_scale", "F32", {1}, {3});
  tensor("1.down_proj.weight_packed", "I32", {1, 1}, std::vector<uint32_t>{0x8281});
  tensor<int64_t>("1.down_proj.weight_shape", "I64", {2}, {1, 2});
  tensor<float>("1.down_proj.weight_scale", "F32", {1, 1}, {5});
  const auto group = [](const std::string& name, const std::string& targets,
                        const std::string& format, const std::string& weights) {
    return "\"" + name + R"(":{"targets":[)" + targets + R"(],"format":)" + format +
           R"(,"weights":{)" + weights + "}}";
  };
  const std::string head =
                        R"({"quantization_config":{"quant_method":"compressed-tensors","format":)",
                    linear = group("a", R"("Linear")", R"("int-quantized")", ""),
                    down = group("b", R"("re:.*down_proj$")", R"("float-quantized")",
                                 R"("type":"float")"),
                    one = group("c", R"("1.down_proj")", R"("pack-quantized")",
                                R"("strategy":"channel")");
  const auto config = [&](const std::string& groups) {
    return head + R"("mixed-precision","config_groups":{)" + groups + "}}}";
  };
  const Weights w = open(config(linear + "," + down + "," + one));
  for (const char* module : {"0.up_proj", "1.up_proj"})
    EXPECT_THAT((w / module).values("weight", 1, 2), ::testing::ElementsAre(1, 2)) << module;
  EXPECT_THAT((w / "0.down_proj").values("weight", 1, 2), ::testing::ElementsAre(3, 6));
  EXPECT_THAT((w / "1.down_proj").values("weight", 1, 2), ::testing::ElementsAre(5, 10));
  EXPECT_NO_THROW(w.check_taken());

  EXPECT_REFUSED(open(config(down + "," + one)), ErrorCode::kCorrupt, "0.up_proj",
                 "no group of quantization_config.config_groups");
  EXPECT_REFUSED(open(config(group("a", R"("Linear")", "null", ""))), ErrorCode::kUnsupported,
                 "config_groups.a.format", "mixed-precision", "int-quantized");
  EXPECT_REFUSED(open(config(group("a", R"("re:(")", R"("int-quantized")", ""))),
                 ErrorCode::kUnsupported, "config_groups.a.targets", "re:(");
}

// The scales of a cache, by every name, are known and not used.
TEST_F(QuantisedTest, AQuantisedCacheIsNotedAndItsScalesAreLeftOut) {
  tensor("l.self_attn.k_proj.weight", "F8_E4M3", {1, 2}, e4m3_codes(1, 2));
  tensor<float>("l.self_attn.k_proj.weight_scale", "F32", {1}, {3});
  for (const char* scale :
       {"k_scale", "v_scale", "q_scale", "prob_scale", "kv_scale", "attn.k_scale", "k_proj.k_scale",
        "v_proj.v_scale", "q_proj.q_scale", "prob_output_scale", "q_proj.output_scale",
        "k_proj.output_scale", "v_proj.output_scale"})
    tensor<float>(std::string("l.self_attn.") + scale, "F32", {1}, {7});
  const std::string scheme = R"("kv_cache_scheme":{"num_bits":8,"type":"float"},)";
  for (const std::string& method :
       {R"("quant_method":"compressed-tensors","format":"float-quantized",)" + scheme +
            R"("config_groups":{"g":{"targets":["Linear"],"weights":{"type":"float"}}})",
        scheme + R"("quant_method":"fp8","kv_cache_quant_targets":null)",
        scheme + R"("quant_method":"modelopt","quant_algo":"FP8")",
        std::string(R"("quant_method":"modelopt","quantization":{"quant_algo":"FP8",)"
                    R"("kv_cache_quant_algo":"NVFP4"})")}) {
    SCOPED_TRACE(method);
    const Weights w = open("{\"quantization_config\":{" + method + "}}");
    EXPECT_THAT((w / "l.self_attn.k_proj").values("weight", 1, 2), ::testing::ElementsAre(3, 6));
    EXPECT_NO_THROW(w.check_taken());
    ASSERT_EQ(quantisation_->notes.size(), 1u);
    EXPECT_THAT(quantisation_->notes.front(),
                ::testing::AllOf(::testing::HasSubstr("config.json: kv_cache_"),
                                 ::testing::HasSubstr("--kv-cache-dtype"),
                                 ::testing::HasSubstr("k_scale, v_scale")));
  }
}

std::string modelopt(const std::string& settings) {
  return R"({"quantization_config":{"quant_method":"modelopt","producer":{"name":"modelopt",)"
         R"("version":"0.37.0"},)" +
         settings + "}}";
}

TEST_F(QuantisedTest, ModelOptInFp8) {
  tensor("a.weight", "F8_E4M3", {2, 3}, e4m3_codes(2, 3));
  tensor<float>("a.weight_scale", "F32", {}, {3});
  tensor<float>("a.input_scale", "F32", {}, {7});
  tensor<float>("b.weight", "F32", {1, 2}, {7, 8});
  for (const char* name : {"FP8", "fp8"}) {
    const Weights w = open(modelopt(R"("ignore":["b*"],"quant_algo":")" + std::string(name) +
                                    R"(","config_groups":{"group_0":{"weights":{}}})"));
    EXPECT_THAT((w / "a").values("weight", 2, 3), ::testing::ElementsAre(3, 6, 3, 6, 3, 6));
    EXPECT_THAT((w / "b").values("weight", 1, 2), ::testing::ElementsAre(7, 8));
    EXPECT_NO_THROW(w.check_taken());
    EXPECT_THAT(quantisation_->notes, ::testing::IsEmpty());
  }
  EXPECT_REFUSED(open(modelopt(R"("quant_algo":"FP8_PER_CHANNEL_PER_TOKEN")")), ErrorCode::kCorrupt,
                 "a.weight_scale", "[2,1]", "[]");
}

TEST_F(QuantisedTest, ModelOptInFp8ByRowAndByBlock) {
  tensor("a.weight", "F8_E4M3", {2, 3}, e4m3_codes(2, 3));
  tensor<float>("a.weight_scale", "F32", {2}, {0.5f, 3});
  EXPECT_THAT(
      (open(modelopt(R"("quant_algo":"FP8_PER_CHANNEL_PER_TOKEN")")) / "a").values("weight", 2, 3),
      ::testing::ElementsAre(0.5f, 1, 0.5f, 6, 3, 6));
  header_.clear();
  data_.clear();
  tensor("a.weight", "F8_E4M3", {256, 256}, std::vector<uint8_t>(256 * 256, 0x38));
  tensor<float>("a.weight_scale", "F32", {2, 1, 2, 1}, {1, 2, 3, 4});
  const std::vector<float> values =
      (open(modelopt(R"("quant_algo":"fp8_pb_wo")")) / "a").values("weight", 256, 256);
  EXPECT_EQ(values[127 * 256 + 127], 1);
  EXPECT_EQ(values[127 * 256 + 128], 2);
  EXPECT_EQ(values[128 * 256 + 127], 3);
  EXPECT_EQ(values[128 * 256 + 128], 4);
}

// What weight_scale_2 has multiplies.
TEST_F(QuantisedTest, ModelOptInNvfp4) {
  tensor("a.weight", "U8", {1, 16}, std::vector<uint8_t>(16, 0xf2));   // 1, then -6
  tensor<uint8_t>("a.weight_scale", "F8_E4M3", {1, 2}, {0x38, 0x40});  // 1, 2
  tensor<float>("a.weight_scale_2", "F32", {}, {0.25f});
  tensor<float>("a.input_scale", "F32", {}, {7});
  for (const char* name : {"NVFP4", "W4A16_NVFP4"}) {
    const Weights w =
        open(modelopt(R"("group_size":16,"quant_algo":")" + std::string(name) + "\""));
    const std::vector<float> values = (w / "a").values("weight", 1, 32);
    EXPECT_EQ(values[0], 0.25f);
    EXPECT_EQ(values[15], -1.5f);
    EXPECT_EQ(values[16], 0.5f);
    EXPECT_EQ(values[31], -3);
    EXPECT_NO_THROW(w.check_taken());
  }
  EXPECT_REFUSED(open(modelopt(R"("quant_algo":"FP8")")), ErrorCode::kCorrupt, "a.weight", "uint8",
                 "float8_e4m3");
  EXPECT_REFUSED(open(modelopt(R"("quant_algo":"NVFP4","group_size":32)")), ErrorCode::kUnsupported,
                 "quantization_config.quant_algo", "groups of 16");
}

TEST_F(QuantisedTest, ModelOptRefusesPartsOfNvfp4) {
  const auto open_whole = [&](std::vector<int64_t> shape, const std::vector<float>& whole) {
    header_.clear();
    data_.clear();
    tensor("a.weight", "U8", {1, 16}, std::vector<uint8_t>(16));
    tensor("a.weight_scale", "F8_E4M3", {1, 2}, std::vector<uint8_t>(2));
    tensor("a.weight_scale_2", "F32", std::move(shape), whole);
    open(modelopt(R"("quant_algo":"NVFP4")"));
  };
  EXPECT_NO_THROW(open_whole({1}, {1}));
  EXPECT_REFUSED(open_whole({2}, {1, 1}), ErrorCode::kCorrupt, "a.weight_scale_2", "one number",
                 "[2]");
  for (const float whole : {0.0f, -1.0f, HUGE_VALF, NAN})
    EXPECT_REFUSED(open_whole({}, {whole}), ErrorCode::kCorrupt, "a.weight_scale_2",
                   "multiplied by");
}

TEST_F(QuantisedTest, ModelOptInMxfp8) {
  tensor("a.weight", "F8_E4M3", {2, 32}, e4m3_codes(2, 32));
  tensor<uint8_t>("a.weight_scale", "U8", {2, 1}, {126, 128});  // 0.5, 2
  const std::vector<float> values =
      (open(modelopt(R"("quant_algo":"MXFP8")")) / "a").values("weight", 2, 32);
  EXPECT_EQ(values[0], 0.5f);
  EXPECT_EQ(values[31], 1);
  EXPECT_EQ(values[32], 4);
}

// A layer's own name comes before a module that it is part of.
TEST_F(QuantisedTest, ModelOptOfSeveralAlgorithms) {
  for (const char* module : {"l.0.up", "l.1.up"}) {
    tensor(module + std::string(".weight"), "F8_E4M3", {1, 2}, e4m3_codes(1, 2));
    tensor<float>(module + std::string(".weight_scale"), "F32", {}, {3});
  }
  tensor("l.0.down.weight", "U8", {1, 8}, std::vector<uint8_t>(8, 0xf2));
  tensor<uint8_t>("l.0.down.weight_scale", "F8_E4M3", {1, 1}, {0x40});
  tensor<float>("l.0.down.weight_scale_2", "F32", {}, {2});
  const auto config = [](const std::string& layers) {
    return modelopt(R"("quant_algo":"MIXED_PRECISION","quantized_layers":)" + layers);
  };
  const Weights w = open(config(R"({"l.0":{"quant_algo":"NVFP4","group_size":16},
      "l.0.up":{"quant_algo":"FP8"},"l.1.up":{"quant_algo":"fp8"}})"));
  for (const char* module : {"l.0.up", "l.1.up"})
    EXPECT_THAT((w / module).values("weight", 1, 2), ::testing::ElementsAre(3, 6)) << module;
  EXPECT_EQ((w / "l.0.down").values("weight", 1, 16)[1], -24);
  EXPECT_NO_THROW(w.check_taken());
  EXPECT_REFUSED(open(config(R"({"l.0.up":{"quant_algo":"FP8"}})")), ErrorCode::kCorrupt,
                 "l.0.down.weight_scale", "quantized_layers");
  EXPECT_REFUSED(open(config("{}")), ErrorCode::kUnsupported,
                 "quantization_config.quantized_layers");
  EXPECT_REFUSED(open(config(R"({"l.0.up":{"quant_algo":"W4A8_AWQ"}})")), ErrorCode::kUnsupported,
                 "quantized_layers.l.0.up.quant_algo", "W4A8_AWQ", "NVFP4");
}

// The settings of older versions; config.json's stand before them.
TEST_F(QuantisedTest, ModelOptByAFileOfItsOwn) {
  tensor("a.weight", "F8_E4M3", {1, 2}, e4m3_codes(1, 2));
  tensor<float>("a.weight_scale", "F32", {}, {3});
  const auto say = [&](const std::string& text) {
    folder_.write("hf_quant_config.json", text);
    return open("{}");
  };
  const Weights w = say(R"({"producer":{"name":"modelopt","version":"0.23.0"},"quantization":{
      "quant_algo":"FP8","kv_cache_quant_algo":null,"exclude_modules":["lm_head","b*"],"new":1}})");
  EXPECT_THAT((w / "a").values("weight", 1, 2), ::testing::ElementsAre(3, 6));
  EXPECT_THAT(quantisation_->notes,
              ::testing::ElementsAre(::testing::HasSubstr("quantization.new is not known")));
  EXPECT_REFUSED(
      say(R"({"producer":{"name":"modelopt"},"quantization":{"quant_algo":"INT4_AWQ"}})"),
      ErrorCode::kUnsupported, "hf_quant_config.json: \"quantization.quant_algo\"", "INT4_AWQ",
      "MIXED_PRECISION");
  EXPECT_REFUSED(say(R"({"producer":{"name":"other"},"quantization":{"quant_algo":"FP8"}})"),
                 ErrorCode::kUnsupported, "hf_quant_config.json: \"producer.name\"", "other",
                 "modelopt");
  EXPECT_NO_THROW(open(modelopt(R"("quant_algo":"FP8")")));
}

TEST_F(QuantisedTest, BlocksOfOpenai) {
  std::vector<uint8_t> blocks(2 * 3 * 2 * 16, 0x21);  // 0.5, then 1
  tensor("x.gate_up_proj_blocks", "U8", {2, 3, 2, 16}, blocks);
  tensor("x.gate_up_proj_scales", "U8", {2, 3, 2}, std::vector<uint8_t>(12, 128));
  folder_.write("model.safetensors", testing::safetensors_of(json::serialize(header_), data_));
  const auto quantisation = read_quantisation(
      Config(json::parse(R"({"quantization_config":{"quant_method":"mxfp4"}})").as_object(), "c"));
  auto tensors = read_safetensors(folder_.path() / "model.safetensors");
  quantisation->gather(tensors);
  ASSERT_EQ(tensors.size(), 1u);
  const StoredTensor& experts = tensors.at("x.gate_up_proj.weight");
  EXPECT_THAT(experts.shape, ::testing::ElementsAre(2, 3, 64));
  const tensor::Weight weight = experts.quantised->weight();
  EXPECT_EQ(weight.rows, 6);
  const ops::PreparedWeight table = ops_->prepare_table(weight);
  const Ops::Lookup last{*table, ops_->upload_indices({5})};
  const std::vector<float> row = testing::values_of(*ops_, ops_->embed({&last, 1}));
  EXPECT_EQ(row[62], 1);
  EXPECT_EQ(row[63], 2);
}

}  // namespace
}  // namespace vecton::checkpoint
