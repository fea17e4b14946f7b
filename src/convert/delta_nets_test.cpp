#include "convert/delta_nets.h"

#include <gmock/gmock.h>

#include <numeric>

#include "base/temporary_folder.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "convert/source.h"
#include "convert/test_models.h"
#include "gguf/test_file.h"

namespace vecton::convert {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

const std::string kLayer = "model.layers.0.linear_attn.";

std::vector<float> counted(size_t n) {
  std::vector<float> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0.0f);
  return numbers;
}

std::vector<float> numbers_of(const checkpoint::StoredTensor& tensor) {
  return numbers_of(NewTensor{.name = "", .shape = tensor.shape, .sources = {tensor}});
}

// Two key heads of one row and four value heads of two.
json::object heads(bool in_turn) {
  json::object config{{"linear_num_key_heads", 2},
                      {"linear_num_value_heads", 4},
                      {"linear_key_head_dim", 1},
                      {"linear_value_head_dim", 2}};
  if (in_turn) config["linear_value_heads_in_turn"] = true;
  return config;
}

Tensors grouped(const std::vector<checkpoint::StoredTensor>& list, bool in_turn) {
  Tensors tensors;
  for (const checkpoint::StoredTensor& tensor : list) tensors.emplace(tensor.name, tensor);
  json::object config = heads(in_turn);
  group_delta_nets(config, tensors);
  EXPECT_FALSE(config.contains("linear_value_heads_in_turn"));
  return tensors;
}

checkpoint::StoredTensor floats_of(const std::string& part, std::vector<int64_t> shape) {
  size_t numbers = 1;
  for (const int64_t size : shape) numbers *= static_cast<size_t>(size);
  return floats(kLayer + part, std::move(shape), counted(numbers));
}

// Head h of a file's is the value h / 2 of key h % 2.
TEST(DeltaNets, ValuesOfAKeyHeadLieSideBySide) {
  const Tensors made =
      grouped({floats_of("in_proj_qkv.weight", {12, 1}), floats_of("conv1d.weight", {12, 1, 2}),
               floats_of("in_proj_z.weight", {8, 1}), floats_of("in_proj_a.weight", {4, 1}),
               floats_of("A_log", {4}), floats_of("dt_bias", {4}),
               floats_of("out_proj.weight", {2, 8}), floats_of("norm.weight", {2})},
              true);
  const auto of = [&](const char* part) { return numbers_of(made.at(kLayer + part)); };
  EXPECT_THAT(of("in_proj_qkv.weight"), ElementsAre(0, 1, 2, 3, 4, 5, 8, 9, 6, 7, 10, 11));
  EXPECT_THAT(of("conv1d.weight"), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19,
                                               12, 13, 14, 15, 20, 21, 22, 23));
  EXPECT_THAT(made.at(kLayer + "conv1d.weight").shape, ElementsAre(12, 1, 2));
  EXPECT_THAT(of("in_proj_z.weight"), ElementsAre(0, 1, 4, 5, 2, 3, 6, 7));
  for (const char* part : {"in_proj_a.weight", "A_log", "dt_bias"})
    EXPECT_THAT(of(part), ElementsAre(0, 2, 1, 3)) << part;
  EXPECT_THAT(of("out_proj.weight"),
              ElementsAre(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
  EXPECT_THAT(of("norm.weight"), ElementsAre(0, 1));
}

TEST(DeltaNets, OneValueToAKeyNeedsNoOrder) {
  json::object config = heads(true);
  config["linear_num_value_heads"] = 2;
  Tensors tensors;
  tensors.emplace(kLayer + "A_log", floats_of("A_log", {2}));
  group_delta_nets(config, tensors);
  EXPECT_FALSE(config.contains("linear_value_heads_in_turn"));
  EXPECT_FALSE(tensors.begin()->second.compute);
}

// Queries, keys, values and gates of a key head together.
TEST(DeltaNets, GatesOfQwen3NextStandBesideTheirValues) {
  std::vector<float> gates = counted(8);
  for (float& gate : gates) gate += 100;
  const Tensors made = grouped({floats_of("in_proj_qkv.weight", {12, 1}),
                                floats(kLayer + "in_proj_z.weight", {8, 1}, gates)},
                               false);
  ASSERT_EQ(made.size(), 1u);
  const checkpoint::StoredTensor& both = made.at(kLayer + "in_proj_qkvz.weight");
  EXPECT_THAT(both.shape, ElementsAre(20, 1));
  EXPECT_THAT(numbers_of(both), ElementsAre(0, 2, 4, 5, 6, 7, 100, 101, 102, 103, 1, 3, 8, 9, 10,
                                            11, 104, 105, 106, 107));
}

// Rows of 32 numbers of Q8_0, all of one value: 0, 1 and so on.
std::string packed_rows(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i)
    bytes += std::string("\x00\x3c", 2) + std::string(32, static_cast<char>(i));
  return bytes;
}

std::vector<float> first_of_rows(const checkpoint::StoredTensor& tensor) {
  std::vector<float> first;
  const std::vector<float> numbers = numbers_of(tensor);
  for (size_t i = 0; i < numbers.size(); i += 32) first.push_back(numbers[i]);
  return first;
}

// What vecton convert reads of a file of one layer, with heads() of other widths.
Source source_of(gguf::TestFile file, const std::string& architecture, uint32_t value_width) {
  for (const auto& [key, value] :
       std::initializer_list<std::pair<const char*, uint32_t>>{{"block_count", 1},
                                                               {"embedding_length", 32},
                                                               {"feed_forward_length", 32},
                                                               {"context_length", 64},
                                                               {"attention.head_count", 1},
                                                               {"ssm.conv_kernel", 4},
                                                               {"ssm.group_count", 2},
                                                               {"ssm.time_step_rank", 4},
                                                               {"ssm.state_size", 1},
                                                               {"expert_count", 2},
                                                               {"expert_used_count", 1},
                                                               {"expert_feed_forward_length", 32}})
    file.integer(architecture + "." + key, value);
  file.integer(architecture + ".ssm.inner_size", 4 * value_width)
      .number(architecture + ".attention.layer_norm_rms_epsilon", 1e-6f)
      .number(architecture + ".rope.freq_base", 1e6f)
      .text("tokenizer.ggml.model", "gpt2")
      .text("tokenizer.ggml.pre", "qwen2")
      .texts("tokenizer.ggml.tokens", {"a", "b", "ab"})
      .texts("tokenizer.ggml.merges", {"a b"})
      .floats("token_embd.weight", {3, 32}, std::vector<float>(96, 0.5f));
  const base::TemporaryFolder folder;
  folder.write("m.gguf", file.bytes());
  return open_source(folder.path() / "m.gguf");
}

TEST(DeltaNets, WhatIsQuantisedStaysSo) {
  gguf::TestFile file("qwen35moe");
  file.tensor("blk.0.attn_gate.weight", gguf::TensorType::kQ8_0, {32, 32}, packed_rows(32));
  // A block of columns has the values of four heads of eight, which part in the checkpoint.
  std::string columns("\x00\x3c", 2);
  for (int i = 0; i < 32; ++i) columns += static_cast<char>(i);
  file.tensor("blk.0.ssm_out.weight", gguf::TensorType::kQ8_0, {1, 32}, columns);
  const Source source = source_of(file, "qwen35moe", 8);
  EXPECT_TRUE(source.quantised);
  EXPECT_EQ(source.config.at("model_type"), "qwen3_5_moe");
  EXPECT_FALSE(source.config.contains("linear_value_heads_in_turn"));
  const checkpoint::StoredTensor &gates = source.tensors.at(kLayer + "in_proj_z.weight"),
                                 &out = source.tensors.at(kLayer + "out_proj.weight");
  std::vector<float> order;  // of the rows
  for (const int head : {0, 2, 1, 3}) {
    for (int i = 0; i < 8; ++i) order.push_back(static_cast<float>(8 * head + i));
  }
  ASSERT_TRUE(gates.quantised);
  EXPECT_EQ(gates.quantised->weight().codes.kind, tensor::Codes::Kind::kUint);
  EXPECT_THAT(first_of_rows(gates), ElementsAreArray(order));
  ASSERT_TRUE(out.quantised);
  EXPECT_EQ(out.quantised->format, "GGUF Q8_0");
  EXPECT_EQ(out.quantised->bytes, 34);
  EXPECT_THAT(numbers_of(out), ElementsAreArray(order));
}

// Two tensors of two types: of Q8_0, and of floats.
TEST(DeltaNets, MatricesOfTwoTypesAreJoined) {
  gguf::TestFile file("qwen3next");
  file.tensor("blk.0.attn_qkv.weight", gguf::TensorType::kQ8_0, {8, 32}, packed_rows(8));
  std::vector<float> gates(4 * 32);
  for (size_t i = 0; i < gates.size(); ++i) gates[i] = 100 + static_cast<float>(i / 32);
  file.floats("blk.0.attn_gate.weight", {4, 32}, gates);
  const Source source = source_of(file, "qwen3next", 1);
  EXPECT_EQ(source.config.at("decoder_sparse_step"), 1);
  const checkpoint::StoredTensor& both = source.tensors.at(kLayer + "in_proj_qkvz.weight");
  EXPECT_THAT(both.shape, ElementsAre(12, 32));
  ASSERT_TRUE(both.quantised);
  EXPECT_EQ(both.quantised->format, "GGUF Q8_0");
  EXPECT_EQ(both.quantised->bytes, 8 * 34 + 4 * 32 * 4);
  EXPECT_THAT(first_of_rows(both), ElementsAre(0, 2, 4, 5, 100, 101, 1, 3, 6, 7, 102, 103));
}

TEST(DeltaNets, FloatsOfTwoTypesBecomeFloat32) {
  checkpoint::StoredTensor gates = floats(kLayer + "in_proj_z.weight", {8, 1}, counted(8));
  auto copy = std::make_shared<std::vector<std::byte>>(16);  // eight zeros
  gates.dtype = tensor::DType::kBF16;
  gates.bytes = *copy;
  gates.copy = copy;
  const Tensors made = grouped({floats_of("in_proj_qkv.weight", {12, 1}), gates}, false);
  const checkpoint::StoredTensor& both = made.at(kLayer + "in_proj_qkvz.weight");
  EXPECT_EQ(both.dtype, tensor::DType::kF32);
  EXPECT_FALSE(both.quantised);
  EXPECT_THAT(numbers_of(both),
              ElementsAre(0, 2, 4, 5, 6, 7, 0, 0, 0, 0, 1, 3, 8, 9, 10, 11, 0, 0, 0, 0));
}

TEST(DeltaNets, ErrorsNameTheTensor) {
  const auto refused = [](const std::vector<checkpoint::StoredTensor>& list, bool in_turn) {
    return refusal([&] { grouped(list, in_turn); });
  };
  EXPECT_THAT(refused({floats_of("in_proj_z.weight", {7, 1})}, true),
              HasSubstr("model.safetensors: " + kLayer +
                        "in_proj_z.weight: expected 0 rows for each of 2 key heads and 2 for each "
                        "of 4 value heads, found [7,1]"));
  EXPECT_THAT(refused({floats_of("out_proj.weight", {2, 4})}, true),
              HasSubstr("expected 0 columns for each of 2 key heads"));
  EXPECT_THAT(refused({floats_of("out_proj.weight", {8})}, true), HasSubstr("expected a matrix"));
  EXPECT_THAT(refused({floats_of("in_proj_qkv.weight", {12, 1})}, false),
              HasSubstr("in_proj_qkv.weight: has no gate beside it"));
  EXPECT_THAT(
      refused({floats_of("in_proj_qkv.weight", {12, 2}), floats_of("in_proj_z.weight", {8, 1})},
              false),
      HasSubstr("in_proj_z.weight: expected as many columns as model.safetensors: "));
}

}  // namespace
}  // namespace vecton::convert
