// A decoder of random blocks, of each type that GGUF files have: the same bits in any batch, with
// any cache.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/temporary_folder.h"
#include "gguf/test_file.h"
#include "gguf/types.h"
#include "same_bits.h"

namespace vecton::golden {
namespace {

using gguf::TensorType;

constexpr uint64_t kHidden = 256, kVocabulary = 80;  // rows of whole blocks

// Where a block has its scale, and its offset, as float16; and the scale's power of 2 that makes
// numbers of it that a model could have. What else a block has may be anything.
struct Halves {
  TensorType type;
  int exponent;
  std::vector<size_t> places;
};
const Halves kTypes[] = {{TensorType::kQ4_0, -7, {0}},     {TensorType::kQ4_1, -7, {0, 2}},
                         {TensorType::kQ5_0, -8, {0}},     {TensorType::kQ5_1, -8, {0, 2}},
                         {TensorType::kQ8_0, -11, {0}},    {TensorType::kQ2_K, -9, {80, 82}},
                         {TensorType::kQ3_K, -11, {108}},  {TensorType::kQ4_K, -13, {0, 2}},
                         {TensorType::kQ5_K, -14, {0, 2}}, {TensorType::kQ6_K, -14, {208}},
                         {TensorType::kIQ4_NL, -11, {0}},  {TensorType::kIQ4_XS, -14, {0}},
                         {TensorType::kTQ1_0, -5, {52}},   {TensorType::kTQ2_0, -5, {64}},
                         {TensorType::kMXFP4, -6, {}},     {TensorType::kF16, 0, {}},
                         {TensorType::kBF16, 0, {}}};

class File {
 public:
  explicit File(const Halves& halves) : halves_(halves), layout_(gguf::layout_of(halves.type)) {
    file_.integer("llama.block_count", 1)
        .integer("llama.embedding_length", kHidden)
        .integer("llama.feed_forward_length", kHidden)
        .integer("llama.context_length", 256)
        .integer("llama.attention.head_count", 4)
        .integer("llama.attention.head_count_kv", 2)
        .number("llama.attention.layer_norm_rms_epsilon", 1e-5f)
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "gpt-2")
        .texts("tokenizer.ggml.merges", {"t 1"});
    std::vector<std::string> tokens = {"t", "1", "t1"};
    while (tokens.size() < kVocabulary) tokens.push_back("<" + std::to_string(tokens.size()) + ">");
    file_.texts("tokenizer.ggml.tokens", tokens);
    matrix("token_embd", kVocabulary);
    for (const char* name : {"attn_q", "attn_output", "ffn_gate", "ffn_up", "ffn_down"})
      matrix("blk.0." + std::string(name), kHidden);
    for (const char* name : {"attn_k", "attn_v"}) matrix("blk.0." + std::string(name), kHidden / 2);
    for (const char* name : {"blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"})
      file_.floats(std::string(name) + ".weight", {kHidden}, std::vector<float>(kHidden, 1));
  }

  std::string bytes() const { return file_.bytes(); }

 private:
  void matrix(const std::string& name, uint64_t rows) {
    std::string blocks;
    for (uint64_t i = 0; i < rows * kHidden / static_cast<uint64_t>(layout_.block); ++i)
      blocks += block();
    file_.tensor(name + ".weight", halves_.type, {rows, kHidden}, blocks);
  }

  std::string block() {
    std::string bytes(static_cast<size_t>(layout_.bytes), 0);
    for (char& byte : bytes) byte = static_cast<char>(random_());
    if (halves_.type == TensorType::kMXFP4) bytes[0] = static_cast<char>(127 + halves_.exponent);
    if (layout_.block == 1) {  // floats of about a sixteenth
      const uint16_t high = halves_.type == TensorType::kF16 ? 0x2c00 : 0x3d80;
      put(0, static_cast<uint16_t>(high | (random_() & 0x807f)), bytes);
    }
    for (const size_t place : halves_.places) put(place, half(), bytes);
    return bytes;
  }

  // Of either sign, with some bits behind the first.
  uint16_t half() {
    const auto exponent = static_cast<uint32_t>(halves_.exponent + 15) << 10;
    return static_cast<uint16_t>(exponent | (random_() & 0x83ff));
  }

  static void put(size_t place, uint16_t half, std::string& bytes) {
    std::memcpy(bytes.data() + place, &half, sizeof half);
  }

  const Halves& halves_;
  const gguf::TypeLayout& layout_;
  gguf::TestFile file_;
  std::mt19937 random_{7};
};

class GgufSameBits : public ::testing::TestWithParam<Halves> {
 protected:
  void SetUp() override { folder_.write("model.gguf", File(GetParam()).bytes()); }
  base::TemporaryFolder folder_;
};

TEST_P(GgufSameBits, WhateverTheBatchAndTheThreads) {
  expect_same_bits_in_any_batch(folder_.path() / "model.gguf");
}

TEST_P(GgufSameBits, WhateverTheCacheHolds) {
  expect_same_bits_with_a_cache(folder_.path() / "model.gguf");
}

INSTANTIATE_TEST_SUITE_P(Types, GgufSameBits, ::testing::ValuesIn(kTypes),
                         [](const ::testing::TestParamInfo<Halves>& info) {
                           return std::string(gguf::layout_of(info.param.type).name);
                         });

}  // namespace
}  // namespace vecton::golden
