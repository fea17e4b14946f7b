// A decoder of random blocks, of each type that GGUF files have: the same bits in any batch, with
// any cache, and whether an expert's gate lies over its up or apart from it.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "base/temporary_folder.h"
#include "gguf/test_file.h"
#include "gguf/types.h"
#include "same_bits.h"
#include "vecton/vecton.h"

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

class Blocks {
 public:
  explicit Blocks(const Halves& halves) : halves_(halves), layout_(gguf::layout_of(halves.type)) {}

  std::string rows(uint64_t count) {
    std::string blocks;
    for (uint64_t i = 0; i < count * kHidden / static_cast<uint64_t>(layout_.block); ++i)
      blocks += block();
    return blocks;
  }

 private:
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
  std::mt19937 random_{7};
};

// A decoder of one layer without its MLP.
class File {
 public:
  File(const std::string& architecture, const Halves& halves)
      : type_(halves.type), blocks_(halves), file_(architecture) {
    file_.integer(architecture + ".block_count", 1)
        .integer(architecture + ".embedding_length", kHidden)
        .integer(architecture + ".feed_forward_length", kHidden)
        .integer(architecture + ".context_length", 256)
        .integer(architecture + ".attention.head_count", 4)
        .integer(architecture + ".attention.head_count_kv", 2)
        .number(architecture + ".attention.layer_norm_rms_epsilon", 1e-5f)
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "gpt-2")
        .texts("tokenizer.ggml.merges", {"t 1"});
    std::vector<std::string> tokens = {"t", "1", "t1"};
    while (tokens.size() < kVocabulary) tokens.push_back("<" + std::to_string(tokens.size()) + ">");
    file_.texts("tokenizer.ggml.tokens", tokens);
    matrix("token_embd", kVocabulary);
    for (const char* name : {"attn_q", "attn_output"})
      matrix("blk.0." + std::string(name), kHidden);
    for (const char* name : {"attn_k", "attn_v"}) matrix("blk.0." + std::string(name), kHidden / 2);
    for (const char* name : {"blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"})
      ones(name, kHidden);
  }

  std::string bytes() const { return file_.bytes(); }

 protected:
  void matrix(const std::string& name, uint64_t rows) {
    file_.tensor(name + ".weight", type_, {rows, kHidden}, blocks_.rows(rows));
  }
  void ones(const std::string& name, uint64_t count) {
    file_.floats(name + ".weight", {count}, std::vector<float>(count, 1));
  }

  TensorType type_;
  Blocks blocks_;
  gguf::TestFile file_;
};

class Llama : public File {
 public:
  explicit Llama(const Halves& halves) : File("llama", halves) {
    for (const char* name : {"ffn_gate", "ffn_up", "ffn_down"})
      matrix("blk.0." + std::string(name), kHidden);
  }
};

// With two experts, of which a token goes to both.
class Mixture : public File {
 public:
  Mixture(const Halves& halves, bool fused) : File("qwen3moe", halves) {
    constexpr uint64_t kExperts = 2;
    for (const char* key : {"qwen3moe.expert_count", "qwen3moe.expert_used_count"})
      file_.integer(key, kExperts);
    file_.integer("qwen3moe.expert_feed_forward_length", kHidden);
    for (const char* name : {"blk.0.attn_q_norm", "blk.0.attn_k_norm"}) ones(name, kHidden / 4);
    file_.floats("blk.0.ffn_gate_inp.weight", {kExperts, kHidden},
                 std::vector<float>(kExperts * kHidden, 0.01f));
    std::string gate, up, both;
    for (uint64_t i = 0; i < kExperts; ++i) {
      const std::string own_gate = blocks_.rows(kHidden), own_up = blocks_.rows(kHidden);
      gate += own_gate;
      up += own_up;
      both += own_gate + own_up;
    }
    if (fused) {
      experts("gate_up", {kExperts, 2 * kHidden, kHidden}, both);
    } else {
      experts("gate", {kExperts, kHidden, kHidden}, gate);
      experts("up", {kExperts, kHidden, kHidden}, up);
    }
    experts("down", {kExperts, kHidden, kHidden}, blocks_.rows(kExperts * kHidden));
  }

 private:
  void experts(const std::string& name, const std::vector<uint64_t>& shape,
               const std::string& bytes) {
    file_.tensor("blk.0.ffn_" + name + "_exps.weight", type_, shape, bytes);
  }
};

class GgufSameBits : public ::testing::TestWithParam<Halves> {
 protected:
  void SetUp() override { folder_.write("model.gguf", Llama(GetParam()).bytes()); }
  base::TemporaryFolder folder_;
};

TEST_P(GgufSameBits, WhateverTheBatchAndTheThreads) {
  expect_same_bits_in_any_batch(folder_.path() / "model.gguf");
}

TEST_P(GgufSameBits, WhateverTheCacheHolds) {
  expect_same_bits_with_a_cache(folder_.path() / "model.gguf");
}

std::vector<float> vector_of(const std::filesystem::path& file) {
  EngineOptions options;
  options.model = file;
  options.convert = "embed";
  return Engine::open(options)->embed(std::vector<std::string>{"t1t1tt"}).front();
}

TEST_P(GgufSameBits, WhetherGateLiesOverUpOrApart) {
  folder_.write("apart.gguf", Mixture(GetParam(), false).bytes());
  folder_.write("fused.gguf", Mixture(GetParam(), true).bytes());
  const std::vector<float> apart = vector_of(folder_.path() / "apart.gguf");
  EXPECT_EQ(vector_of(folder_.path() / "fused.gguf"), apart);
  EXPECT_NE(apart.front(), apart.back());
}

INSTANTIATE_TEST_SUITE_P(Types, GgufSameBits, ::testing::ValuesIn(kTypes),
                         [](const ::testing::TestParamInfo<Halves>& info) {
                           return std::string(gguf::layout_of(info.param.type).name);
                         });

}  // namespace
}  // namespace vecton::golden
