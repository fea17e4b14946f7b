// GGUF files as checkpoints: names, rows, blocks and what config.json would say.
#include <gmock/gmock.h>

#include <cmath>

#include "backend/ref/ref_ops.h"
#include "base/json.h"
#include "checkpoint/float_bytes.h"
#include "checkpoint/gguf/blocks.h"
#include "checkpoint/gguf/config.h"
#include "checkpoint/gguf/model_file.h"
#include "checkpoint/gguf/names.h"
#include "checkpoint/gguf/tensors.h"
#include "checkpoint/gguf/test_models.h"
#include "checkpoint/quantised/quantised_tensor.h"
#include "checkpoint/test_files.h"
#include "checkpoint/weights.h"

namespace vecton::checkpoint {
namespace {

using gguf::TensorType;
using ::testing::ElementsAre;

std::string name_of(std::string_view architecture, std::string_view tensor) {
  const auto name = checkpoint_name(architecture, tensor);
  return name ? name->name : "none";
}

TEST(GgufNames, AreThoseOfTheArchitecturesCheckpoints) {
  EXPECT_EQ(name_of("llama", "token_embd.weight"), "model.embed_tokens.weight");
  EXPECT_EQ(name_of("llama", "blk.11.ffn_gate.weight"), "model.layers.11.mlp.gate_proj.weight");
  EXPECT_EQ(name_of("llama", "blk.0.ffn_norm.weight"),
            "model.layers.0.post_attention_layernorm.weight");
  EXPECT_EQ(name_of("gemma3", "blk.0.ffn_norm.weight"),
            "model.layers.0.pre_feedforward_layernorm.weight");
  EXPECT_EQ(name_of("qwen2", "blk.3.attn_q.bias"), "model.layers.3.self_attn.q_proj.bias");
  EXPECT_EQ(name_of("bert", "blk.3.layer_output_norm.bias"),
            "encoder.layer.3.output.LayerNorm.bias");
  EXPECT_EQ(name_of("modern-bert", "blk.2.attn_qkv.weight"), "layers.2.attn.Wqkv.weight");
  EXPECT_EQ(name_of("nomic-bert", "blk.2.ffn_gate.weight"), "encoder.layers.2.mlp.fc12.weight");
  EXPECT_EQ(name_of("lfm2", "blk.2.shortconv.conv.weight"), "model.layers.2.conv.conv.weight");
  EXPECT_EQ(name_of("lfm2moe", "blk.2.exp_probs_b.bias"),
            "model.layers.2.feed_forward.expert_bias");
  EXPECT_EQ(name_of("nomic-bert-moe", "blk.1.ffn_down_exps.weight"),
            "encoder.layers.1.mlp.switch_mlp.down_proj.weight");
  EXPECT_EQ(name_of("jina-bert-v2", "blk.1.layer_output_norm.bias"),
            "encoder.layer.1.mlp.layernorm.bias");
  EXPECT_EQ(name_of("jina-bert-v2-split", "blk.1.ffn_up.weight"),
            "encoder.layer.1.mlp.gated_layers_v.weight");
  EXPECT_EQ(name_of("jina-bert-v2-code", "blk.1.ffn_up.weight"),
            "encoder.layer.1.mlp.up_gated_layer.weight");
  EXPECT_EQ(name_of("qwen3moe", "blk.1.ffn_up_exps.weight"),
            "model.layers.1.mlp.switch_mlp.up_proj.weight");
  EXPECT_EQ(name_of("olmo2", "blk.1.post_ffw_norm.weight"),
            "model.layers.1.post_feedforward_layernorm.weight");
  EXPECT_EQ(name_of("eurobert", "blk.2.attn_output.weight"), "layers.2.self_attn.o_proj.weight");
  EXPECT_EQ(name_of("distilbert", "blk.2.ffn_up.bias"), "transformer.layer.2.ffn.lin1.bias");
  EXPECT_EQ(name_of("llama", "blk.1.ffn_gate_inp.weight"),
            "model.layers.1.block_sparse_moe.gate.weight");
  EXPECT_EQ(name_of("gpt-oss", "blk.1.attn_sinks.weight"), "model.layers.1.self_attn.sinks");
  EXPECT_EQ(name_of("gpt-oss", "blk.1.ffn_up_exps.bias"),
            "model.layers.1.mlp.experts.up_proj.bias");
  EXPECT_EQ(name_of("deepseek2", "blk.1.attn_k_b.weight"),
            "model.layers.1.self_attn.embed_q.weight");
  EXPECT_EQ(name_of("deepseek2", "blk.1.exp_probs_b.bias"),
            "model.layers.1.mlp.gate.e_score_correction_bias");
  EXPECT_EQ(name_of("gemma4", "blk.1.ffn_gate_inp.scale"), "model.layers.1.router.scale");
  EXPECT_EQ(name_of("gemma4", "blk.1.layer_output_scale.weight"), "model.layers.1.layer_scalar");
  EXPECT_EQ(name_of("qwen35", "blk.1.ssm_a"), "model.layers.1.linear_attn.A_log");
  EXPECT_EQ(name_of("qwen35", "blk.1.ssm_dt.bias"), "model.layers.1.linear_attn.dt_bias");
  EXPECT_EQ(name_of("phi3", "rope_factors_long.weight"), "");
  // What lies behind the layers stays there.
  EXPECT_EQ(name_of("glm4moe", "blk.3.nextn.eh_proj.weight"),
            "model.layers.3.nextn.eh_proj.weight");
  EXPECT_EQ(name_of("llama", "rope_freqs.weight"), "");         // config.json says it
  EXPECT_EQ(name_of("gemma-embedding", "dense_2.weight"), "");  // a module's
  EXPECT_EQ(name_of("llama", "cls.output.weight"), "none");
}

TEST(GgufNames, OthersHaveNone) {
  for (const char* name :
       {"blk.weight", "blk.1.weight", "blk.x.attn_q.weight", "blk..attn_q.weight", "blk.0.attn_q",
        "attn_q.weight", "blk.0.attn_q.scale"})
    EXPECT_EQ(name_of("llama", name), "none") << name;
  EXPECT_EQ(name_of("bert", "blk.0.ffn_gate.weight"), "none");
  EXPECT_EQ(name_of("gpt-oss", "blk.0.attn_sinks.bias"), "none");
  EXPECT_EQ(name_of("qwen35", "blk.0.ssm_a.weight"), "none");
  EXPECT_EQ(name_of("mamba", "token_embd.weight"), "none");
}

// One head of four rows and one of keys, in the order that neighbours turn in.
TestFile tiny_llama() {
  TestFile test;
  test.integer("llama.attention.head_count", 2).integer("llama.attention.head_count_kv", 1);
  return test;
}

std::vector<float> floats_of(const StoredTensor& tensor) {
  if (!tensor.compute) return read_floats(tensor.dtype, tensor.bytes);
  return read_floats(tensor.dtype, tensor.compute());
}

TEST(GgufTensors, RowsOfQueriesAndKeysAreThoseOfHalves) {
  const std::vector<float> rows = {0, 1, 2, 3, 4, 5, 6, 7};
  const Opened opened(tiny_llama()
                          .floats("blk.0.attn_q.weight", {8, 1}, rows)
                          .floats("blk.0.attn_k.weight", {8, 1}, rows)
                          .floats("blk.0.attn_q.bias", {8}, rows)
                          .floats("blk.0.attn_v.weight", {8, 1}, rows));
  const auto tensors = gguf_tensors(opened.file);
  const auto of = [&](const std::string& name) {
    return floats_of(tensors.at("model.layers.0.self_attn." + name));
  };
  EXPECT_THAT(of("q_proj.weight"), ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  EXPECT_THAT(of("q_proj.bias"), ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  EXPECT_THAT(of("k_proj.weight"), ElementsAre(0, 2, 4, 6, 1, 3, 5, 7));
  EXPECT_THAT(of("v_proj.weight"), ::testing::ElementsAreArray(rows));
}

// A row of 32 codes of Q8_0, all of one value, scaled by 1.
std::string q8_row(int8_t value) {
  return std::string("\x00\x3c", 2) + std::string(32, static_cast<char>(value));
}

TEST(GgufTensors, QueriesKeysAndValuesAreTakenApart) {
  std::vector<float> rows(16);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i);
  const Opened opened(tiny_llama()
                          .floats("blk.0.attn_qkv.weight", {16, 1}, rows)
                          .floats("blk.0.attn_qkv.bias", {16}, rows));
  const auto tensors = gguf_tensors(opened.file);
  for (const std::string part : {".weight", ".bias"}) {
    const auto of = [&](const std::string& name) {
      return floats_of(tensors.at("model.layers.0.self_attn." + name + part));
    };
    EXPECT_THAT(of("q_proj"), ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
    EXPECT_THAT(of("k_proj"), ElementsAre(8, 10, 9, 11));
    EXPECT_THAT(of("v_proj"), ElementsAre(12, 13, 14, 15));
  }
  EXPECT_EQ(tensors.size(), 6u);
  const Opened odd(tiny_llama().floats("blk.0.attn_qkv.bias", {15}, std::vector<float>(15)));
  EXPECT_REFUSED(gguf_tensors(odd.file), ErrorCode::kCorrupt, "blk.0.attn_qkv.bias",
                 "heads and twice 1, found 15");
}

TEST(GgufTensors, GateAndUpOfExpertsAreTakenApart) {
  std::vector<float> rows(12);  // of two experts: three rows of gate, three of up
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i);
  for (const auto& [architecture, mixture] : {std::pair{"qwen3next", "mlp.switch_mlp."},
                                              {"deepseek2", "mlp.switch_mlp."},
                                              {"granitemoe", "block_sparse_moe.switch_mlp."},
                                              {"gpt-oss", "mlp.experts."},
                                              {"gemma4", "experts.switch_glu."}}) {
    const Opened opened(
        TestFile(architecture).floats("blk.2.ffn_gate_up_exps.weight", {2, 6, 1}, rows));
    const auto tensors = gguf_tensors(opened.file);
    ASSERT_EQ(tensors.size(), 2u) << architecture;
    const std::string before = std::string("model.layers.2.") + mixture;
    const StoredTensor &gate = tensors.at(before + "gate_proj.weight"),
                       &up = tensors.at(before + "up_proj.weight");
    EXPECT_THAT(gate.shape, ElementsAre(2, 3, 1));
    EXPECT_THAT(floats_of(gate), ElementsAre(0, 1, 2, 6, 7, 8));
    EXPECT_THAT(floats_of(up), ElementsAre(3, 4, 5, 9, 10, 11));
    EXPECT_EQ(gate.bytes.size() + up.bytes.size(), rows.size() * sizeof(float));
  }
}

TEST(GgufTensors, QuantisedGateAndUpKeepTheirCodes) {
  std::string rows;
  for (int8_t i = 0; i < 8; ++i) rows += q8_row(i);
  const Opened opened(
      TestFile("qwen35moe")
          .tensor("blk.0.ffn_gate_up_exps.weight", TensorType::kQ8_0, {2, 4, 32}, rows));
  const auto tensors = gguf_tensors(opened.file);
  const auto first_codes = [&](const std::string& name) {
    const StoredTensor& tensor = tensors.at("model.layers.0.mlp.switch_mlp." + name + ".weight");
    EXPECT_THAT(tensor.shape, ElementsAre(2, 2, 32));
    EXPECT_EQ(tensor.quantised->format, "GGUF Q8_0");
    EXPECT_EQ(tensor.quantised->bytes, 4 * 34);
    const tensor::Weight weight = tensor.quantised->weight();
    EXPECT_EQ(weight.rows, 4);
    std::vector<int> codes;
    for (size_t row = 0; row < 4; ++row)
      codes.push_back(std::to_integer<int>(weight.codes.bytes[row * 32]) - weight.codes.zero_point);
    return codes;
  };
  EXPECT_THAT(first_codes("gate_proj"), ElementsAre(0, 1, 4, 5));
  EXPECT_THAT(first_codes("up_proj"), ElementsAre(2, 3, 6, 7));
}

TEST(GgufTensors, GateAndUpThatAreNoHalvesAreRefused) {
  const std::string name = "blk.0.ffn_gate_up_exps.weight";
  const auto refused = [&](const TestFile& file, const std::string& message) {
    const Opened opened(file);
    EXPECT_REFUSED(gguf_tensors(opened.file), ErrorCode::kCorrupt, message);
  };
  const std::string expected =
      name + ": expected experts with as many rows of gate as of up, found ";
  refused(TestFile("qwen3moe").floats(name, {1, 3, 1}, {1, 2, 3}), expected + "[1,3,1]");
  refused(TestFile("qwen3moe").floats(name, {2, 2}, {1, 2, 3, 4}), expected + "[2,2]");
  refused(TestFile("qwen3moe").floats(name, {1, 0, 4}, {}), name + ": has no numbers");
  refused(
      TestFile("qwen3moe")
          .floats(name, {1, 2, 1}, {1, 2})
          .floats("blk.0.ffn_up_exps.weight", {1, 1, 1}, {1}),
      "blk.0.ffn_up_exps.weight: another tensor is model.layers.0.mlp.switch_mlp.up_proj.weight");
  // Experts without a gate, and architectures without experts.
  for (const char* other : {"nomic-bert-moe", "qwen3"}) {
    const Opened opened(TestFile(other).floats(name, {1, 2, 1}, {1, 2}));
    EXPECT_TRUE(gguf_tensors(opened.file).contains(name)) << other;
  }
}

TEST(GgufTensors, QuantisedRowsMoveWithTheirScales) {
  std::string rows;
  for (int8_t i = 0; i < 4; ++i) rows += q8_row(i);
  const Opened opened(tiny_llama().tensor("blk.0.attn_k.weight", TensorType::kQ8_0, {4, 32}, rows));
  const auto tensors = gguf_tensors(opened.file);
  const StoredTensor& keys = tensors.at("model.layers.0.self_attn.k_proj.weight");
  ASSERT_TRUE(keys.quantised);
  EXPECT_EQ(keys.quantised->format, "GGUF Q8_0");
  EXPECT_EQ(keys.quantised->bytes, 4 * 34);
  const tensor::Weight weight = keys.quantised->weight();
  std::vector<int> first;
  for (size_t row = 0; row < 4; ++row)
    first.push_back(std::to_integer<int>(weight.codes.bytes[row * 32]) - weight.codes.zero_point);
  EXPECT_THAT(first, ElementsAre(0, 2, 1, 3));
}

TEST(GgufTensors, AMatrixThatIsAskedForTwiceLiesInMemoryOnce) {
  const Opened opened(
      tiny_llama().tensor("token_embd.weight", TensorType::kQ8_0, {1, 32}, q8_row(5)));
  const auto tensors = gguf_tensors(opened.file);
  const auto& words = tensors.at("model.embed_tokens.weight").quantised;
  const tensor::Weight table = words->weight(), head = words->weight();
  EXPECT_EQ(table.codes.bytes.data(), head.codes.bytes.data());
}

TEST(GgufTensors, NormsOfGemmaPositionsOfRobertaAndTapsAreTheCheckpoints) {
  const Opened gemma(TestFile("gemma2").floats("output_norm.weight", {2}, {1.5f, 0.25f}));
  EXPECT_THAT(floats_of(gguf_tensors(gemma.file).at("model.norm.weight")),
              ElementsAre(0.5f, -0.75f));
  const Opened roberta(TestFile("bert")
                           .text("tokenizer.ggml.model", "t5")
                           .integer("tokenizer.ggml.padding_token_id", 1)
                           .floats("position_embd.weight", {2, 1}, {7, 8}));
  const auto tensors = gguf_tensors(roberta.file);
  const StoredTensor& positions = tensors.at("embeddings.position_embeddings.weight");
  EXPECT_THAT(positions.shape, ElementsAre(4, 1));
  EXPECT_THAT(floats_of(positions), ElementsAre(0, 0, 7, 8));
  const Opened lfm2(
      TestFile("lfm2").floats("blk.0.shortconv.conv.weight", {2, 3}, {1, 2, 3, 4, 5, 6}));
  EXPECT_THAT(gguf_tensors(lfm2.file).at("model.layers.0.conv.conv.weight").shape,
              ElementsAre(2, 1, 3));
}

TEST(GgufTensors, RatesAreLogarithmsAndAGateIsARow) {
  const Opened opened(TestFile("qwen3next")
                          .floats("blk.0.ssm_a", {2}, {-1, -8})
                          .floats("blk.0.ffn_gate_inp_shexp.weight", {3}, {1, 2, 3}));
  const auto tensors = gguf_tensors(opened.file);
  EXPECT_THAT(floats_of(tensors.at("model.layers.0.linear_attn.A_log")),
              ElementsAre(0, ::testing::FloatEq(std::log(8.0f))));
  EXPECT_THAT(tensors.at("model.layers.0.mlp.shared_expert_gate.weight").shape, ElementsAre(1, 3));
  const Opened grows(TestFile("qwen3next").floats("blk.0.ssm_a", {2}, {-1, 0}));
  const auto of_grows = gguf_tensors(grows.file);
  EXPECT_REFUSED(floats_of(of_grows.at("model.layers.0.linear_attn.A_log")), ErrorCode::kCorrupt,
                 "blk.0.ssm_a: expected numbers below 0");
}

TEST(GgufTensors, TheHeadOfARerankerIsYesBeyondNo) {
  const Opened opened(TestFile("qwen3").floats("cls.output.weight", {2, 3}, {5, 6, 7, 1, 3, 9}));
  const auto tensors = gguf_tensors(opened.file);
  const StoredTensor& score = tensors.at("score.weight");
  EXPECT_THAT(score.shape, ElementsAre(1, 3));
  EXPECT_THAT(floats_of(score), ElementsAre(4, 3, -2));
  const Opened three(TestFile("qwen3").floats("cls.output.weight", {3, 1}, {1, 2, 3}));
  EXPECT_REFUSED(gguf_tensors(three.file), ErrorCode::kCorrupt, "cls.output.weight",
                 "expected two rows, of yes and no, found [3,1]");
}

TEST(GgufTensors, LayersOfModulesAreReadByThemselves) {
  const Opened opened(TestFile("gemma-embedding")
                          .floats("dense_2.weight", {2, 1}, {1, 2})
                          .floats("dense_2.bias", {2}, {3, 4}));
  EXPECT_TRUE(gguf_tensors(opened.file).empty());
  const auto layer = gguf_layer(opened.file, "dense_2");
  EXPECT_THAT(floats_of(layer.at("linear.weight")), ElementsAre(1, 2));
  EXPECT_THAT(floats_of(layer.at("linear.bias")), ElementsAre(3, 4));
  EXPECT_TRUE(gguf_layer(opened.file, "dense_3").empty());
  const auto modules = gguf_dense_modules(opened.file, "model.gguf");
  ASSERT_EQ(modules.size(), 1u);
  EXPECT_EQ(modules[0].folder, "model.gguf/dense_2");
  EXPECT_EQ(modules[0].in_features, 1);
  EXPECT_EQ(modules[0].out_features, 2);
  EXPECT_TRUE(modules[0].bias);
  EXPECT_FALSE(gguf_is_late_interaction(opened.file));
  EXPECT_TRUE(gguf_dense_modules(Opened(TestFile("llama")).file, "x").empty());
  const auto lfm2 = [] { return TestFile("lfm2").floats("dense_2.weight", {2, 1}, {1, 2}); };
  const Opened late(lfm2()), pooled(lfm2().integer("lfm2.pooling_type", 2));
  EXPECT_TRUE(gguf_tensors(late.file).empty());
  EXPECT_EQ(gguf_dense_modules(late.file, "x").size(), 1u);
  EXPECT_TRUE(gguf_is_late_interaction(late.file));
  EXPECT_FALSE(gguf_is_late_interaction(pooled.file));
  EXPECT_FALSE(gguf_is_late_interaction(Opened(TestFile("lfm2")).file));
}

// A row as long as the file is not said a thousand times.
TEST(GgufTensors, RowsBeforeThePositionsAreNoMoreThanThose) {
  const Opened opened(TestFile("bert")
                          .text("tokenizer.ggml.model", "t5")
                          .integer("tokenizer.ggml.padding_token_id", 1000)
                          .floats("position_embd.weight", {2, 1}, {7, 8}));
  EXPECT_REFUSED(gguf_tensors(opened.file), ErrorCode::kCorrupt, "position_embd.weight",
                 "a matrix of at least 1001 rows");
}

TEST(GgufTensors, WhatHasNoPlaceKeepsItsName) {
  const Opened opened(tiny_llama().floats("blk.0.attn_sinks.weight", {2}, {1, 2}));
  EXPECT_TRUE(gguf_tensors(opened.file).contains("blk.0.attn_sinks.weight"));
}

TEST(GgufTensors, ErrorsNameTheTensor) {
  const Opened odd(tiny_llama().floats("blk.0.attn_q.weight", {6, 1}, std::vector<float>(6)));
  EXPECT_REFUSED(gguf_tensors(odd.file), ErrorCode::kCorrupt, "model.gguf: blk.0.attn_q.weight",
                 "2 heads of an even number of rows, found 6 rows");
  const Opened norm(
      TestFile("gemma").tensor("output_norm.weight", TensorType::kQ8_0, {32}, q8_row(1)));
  EXPECT_REFUSED(gguf_tensors(norm.file), ErrorCode::kUnsupported, "output_norm.weight",
                 "stored as Q8_0: expected F32");
  const Opened twice(TestFile("lfm2")
                         .floats("output_norm.weight", {1}, {1})
                         .floats("token_embd_norm.weight", {1}, {1}));
  EXPECT_REFUSED(gguf_tensors(twice.file), ErrorCode::kCorrupt,
                 "model.embedding_norm.weight already");
  const Opened empty(TestFile("gemma").floats("output.weight", {0, 4}, {}));
  EXPECT_REFUSED(gguf_tensors(empty.file), ErrorCode::kCorrupt, "output.weight", "has no numbers");
  const Opened all(tiny_llama().floats("blk.0.attn_qkv.weight", {0, 4}, {}));
  EXPECT_REFUSED(gguf_tensors(all.file), ErrorCode::kCorrupt, "blk.0.attn_qkv.weight",
                 "has no numbers");
  // Their blocks go across the rows that are to be moved.
  const std::string blocks = q8_row(1) + q8_row(2);
  for (const char* name : {"blk.0.attn_q.bias", "blk.0.attn_qkv.bias"}) {
    const Opened vector(tiny_llama().tensor(name, TensorType::kQ8_0, {64}, blocks));
    EXPECT_REFUSED(gguf_tensors(vector.file), ErrorCode::kCorrupt, name,
                   "stored as Q8_0: expected a matrix, found [64]");
  }
  const Opened heads(TestFile().floats("blk.0.attn_q.weight", {2, 1}, {1, 2}));
  EXPECT_REFUSED(gguf_tensors(heads.file), ErrorCode::kCorrupt,
                 "llama.attention.head_count: missing");
}

TEST(GgufConfig, SaysWhatConfigJsonWould) {
  const Config config = config_of(decoder("llama").number("llama.rope.freq_base", 5000));
  EXPECT_EQ(config.file(), "model.gguf");
  EXPECT_EQ(config.strings_or_empty("architectures"), std::vector<std::string>{"LlamaForCausalLM"});
  EXPECT_EQ(config.string("model_type"), "llama");
  EXPECT_EQ(config.integer("num_hidden_layers"), 2);
  EXPECT_EQ(config.integer("hidden_size"), 8);
  EXPECT_EQ(config.integer("intermediate_size"), 16);
  EXPECT_EQ(config.integer("num_attention_heads"), 2);
  EXPECT_EQ(config.integer("num_key_value_heads"), 2);
  EXPECT_EQ(config.integer("head_dim"), 4);
  EXPECT_EQ(config.integer("max_position_embeddings"), 64);
  EXPECT_EQ(config.integer("vocab_size"), 5);
  EXPECT_EQ(config.number("rms_norm_eps"), 0.5);
  EXPECT_EQ(config.number("rope_theta"), 5000);
  EXPECT_TRUE(config.boolean_or("tie_word_embeddings", false));
  EXPECT_EQ(config_of(decoder("llama"), {{"is_causal", false}}).boolean_or("is_causal", true),
            false);
}

TEST(GgufConfig, AWindowMakesMistralOfLlama) {
  const Config config = config_of(decoder("llama").integer("llama.attention.sliding_window", 12));
  EXPECT_EQ(config.string("model_type"), "mistral");
  EXPECT_EQ(config.integer("sliding_window"), 12);
}

TEST(GgufConfig, ScalingsOfRotations) {
  const Config linear = config_of(decoder("llama")
                                      .text("llama.rope.scaling.type", "linear")
                                      .number("llama.rope.scaling.factor", 4));
  EXPECT_EQ(linear.child("rope_scaling")->string("rope_type"), "linear");
  EXPECT_EQ(linear.child("rope_scaling")->number("factor"), 4);
  for (const char* key : {"llama.rope.scaling.factor", "llama.rope.scale_linear"}) {
    const Config untyped = config_of(decoder("llama").number(key, 4));
    EXPECT_EQ(untyped.child("rope_scaling")->string("rope_type"), "linear") << key;
    EXPECT_EQ(untyped.child("rope_scaling")->number("factor"), 4) << key;
    EXPECT_FALSE(config_of(decoder("llama").number(key, 1)).has("rope_scaling")) << key;
    const Config none =
        config_of(decoder("llama").text("llama.rope.scaling.type", "none").number(key, 4));
    EXPECT_FALSE(none.has("rope_scaling")) << key;
  }
  const Config divided = config_of(decoder("llama").floats("rope_freqs.weight", {2}, {1, 8}));
  EXPECT_EQ(divided.child("rope_scaling")->string("rope_type"), "longrope");
  EXPECT_EQ(json::serialize(*divided.child("rope_scaling")->raw("short_factor")), "[1E0,8E0]");
  EXPECT_REFUSED(config_of(decoder("llama").floats("rope_freqs.weight", {3}, {1, 8, 9})),
                 ErrorCode::kCorrupt, "rope_freqs.weight: expected 2 numbers of F32");
  EXPECT_REFUSED(config_of(decoder("llama").text("llama.rope.scaling.type", "longrope")),
                 ErrorCode::kUnsupported, "llama.rope.scaling.type", "none, linear and yarn are");
  EXPECT_REFUSED(config_of(decoder("llama").integer("llama.rope.dimension_count", 2)),
                 ErrorCode::kUnsupported, "llama.rope.dimension_count", "expected 4");
}

TEST(GgufConfig, GemmasKnowWhatTheirFilesLeaveOut) {
  const Config gemma2 = config_of(decoder("gemma2"));
  EXPECT_EQ(gemma2.integer("query_pre_attn_scalar"), 4);
  EXPECT_EQ(gemma2.integer("sliding_window"), 4096);
  EXPECT_EQ(gemma2.number("attn_logit_softcapping"), 50);
  const Config gemma3 = config_of(decoder("gemma3").integer("gemma3.attention.sliding_window", 16));
  EXPECT_EQ(gemma3.integer("sliding_window_pattern"), 6);
  EXPECT_EQ(gemma3.number("rope_local_base_freq"), 10000);
  EXPECT_REFUSED(config_of(decoder("gemma3")), ErrorCode::kCorrupt,
                 "gemma3.attention.sliding_window: missing");
  const Config embedding = config_of(decoder("gemma-embedding")
                                         .integer("gemma-embedding.attention.sliding_window", 16)
                                         .boolean("gemma-embedding.attention.causal", false)
                                         .integer("gemma-embedding.pooling_type", 1));
  EXPECT_TRUE(embedding.boolean_or("use_bidirectional_attention", false));
  EXPECT_FALSE(embedding.has("is_causal"));
}

TEST(GgufConfig, LayersOfLfm2WithoutKeysConvolve) {
  const auto file = [](const std::vector<int32_t>& heads) {
    return decoder("lfm2")
        .integers("lfm2.attention.head_count_kv", heads)
        .integer("lfm2.shortconv.l_cache", 3);
  };
  const Config config = config_of(file({0, 1}));
  EXPECT_EQ(config.strings_or_empty("layer_types"),
            (std::vector<std::string>{"conv", "full_attention"}));
  EXPECT_EQ(config.integer("num_key_value_heads"), 1);
  EXPECT_REFUSED(config_of(file({2, 1})), ErrorCode::kUnsupported, "differ from layer to layer");
  EXPECT_REFUSED(config_of(file({1})), ErrorCode::kCorrupt,
                 "expected 2 numbers, one for each layer, found 1");
}

// Before memory is taken for each of them.
TEST(GgufConfig, RefusesMoreLayersThanAnyModelHas) {
  for (const char* name : {"llama", "lfm2", "bert"}) {
    TestFile test(name);
    test.integer(std::string(name) + ".block_count", 2'000'000'000);
    test.integer(std::string(name) + ".attention.head_count_kv", 1);
    EXPECT_REFUSED(config_of(test), ErrorCode::kCorrupt, "block_count: more layers");
  }
}

TestFile encoder(const std::string& name) {
  TestFile test = two_layers(name);
  test.number(name + ".attention.layer_norm_epsilon", 0.25f)
      .floats("token_types.weight", {2, 8}, std::vector<float>(16))
      .floats("position_embd.weight", {32, 8}, std::vector<float>(256));
  return test;
}

TEST(GgufConfig, BertHasAsManyPositionsAsRowsOfThem) {
  const Config config = config_of(encoder("bert"));
  EXPECT_EQ(config.string("model_type"), "bert");
  EXPECT_EQ(config.integer("max_position_embeddings"), 32);
  EXPECT_EQ(config.integer("type_vocab_size"), 2);
  EXPECT_EQ(config.number("layer_norm_eps"), 0.25);
  EXPECT_EQ(config.string("hidden_act"), "gelu");
  EXPECT_REFUSED(
      config_of(encoder("bert").floats("cls.output.weight", {1, 8}, std::vector<float>(8))),
      ErrorCode::kUnsupported, "cls.output.weight", "without the pooler");
}

TEST(GgufConfig, BertWithAnotherTokenizerIsRoberta) {
  const auto roberta = [] {
    return encoder("bert")
        .text("tokenizer.ggml.model", "t5")
        .integer("tokenizer.ggml.padding_token_id", 1);
  };
  const Config config = config_of(roberta());
  EXPECT_EQ(config.string("model_type"), "xlm-roberta");
  EXPECT_EQ(config.integer("max_position_embeddings"), 34);
  EXPECT_EQ(config.integer("pad_token_id"), 1);
  const Config ranks =
      config_of(roberta().floats("cls.output.weight", {1, 8}, std::vector<float>(8)));
  EXPECT_EQ(ranks.strings_or_empty("architectures").front(), "XLMRobertaForSequenceClassification");
  EXPECT_EQ(ranks.integer("num_labels"), 1);
}

TEST(GgufConfig, BertWithoutTokenTypesIsDistilBert) {
  const auto file = [](float eps) {
    TestFile test("bert");
    for (const auto& [key, value] :
         std::initializer_list<std::pair<const char*, uint32_t>>{{"block_count", 2},
                                                                 {"embedding_length", 8},
                                                                 {"feed_forward_length", 16},
                                                                 {"context_length", 64},
                                                                 {"attention.head_count", 2}})
      test.integer(std::string("bert.") + key, value);
    return test.number("bert.attention.layer_norm_epsilon", eps)
        .floats("token_embd.weight", {5, 8}, std::vector<float>(40))
        .floats("position_embd.weight", {32, 8}, std::vector<float>(256));
  };
  const Config config = config_of(file(1e-12f));
  EXPECT_EQ(config.string("model_type"), "distilbert");
  EXPECT_EQ(config.integer("dim"), 8);
  EXPECT_EQ(config.integer("hidden_dim"), 16);
  EXPECT_EQ(config.integer("max_position_embeddings"), 32);
  EXPECT_REFUSED(config_of(file(1e-5f)), ErrorCode::kUnsupported,
                 "bert.attention.layer_norm_epsilon");
}

TEST(GgufConfig, EuroBertSeesBothWays) {
  const Config config = config_of(decoder("eurobert").boolean("eurobert.attention.causal", false));
  EXPECT_EQ(config.string("model_type"), "eurobert");
  EXPECT_FALSE(config.has("is_causal"));
}

TEST(GgufConfig, GraniteScalesWhatItAdds) {
  const Config config = config_of(decoder("granite")
                                      .number("granite.attention.scale", 0.25f)
                                      .number("granite.embedding_scale", 12)
                                      .number("granite.residual_scale", 0.5f)
                                      .number("granite.logit_scale", 8));
  EXPECT_EQ(config.number("attention_multiplier"), 0.25);
  EXPECT_EQ(config.number("embedding_multiplier"), 12);
  EXPECT_EQ(config.number("residual_multiplier"), 0.5);
  EXPECT_EQ(config.number("logits_scaling"), 8);
  EXPECT_EQ(config_of(decoder("granite")).number("attention_multiplier"), 0.5);  // of heads of 4
}

TEST(GgufConfig, LayersWithoutARouterAreDense) {
  const TestFile file = decoder("qwen3moe")
                            .integer("qwen3moe.expert_count", 4)
                            .integer("qwen3moe.expert_used_count", 2)
                            .integer("qwen3moe.expert_feed_forward_length", 6)
                            .floats("blk.1.ffn_gate_inp.weight", {4, 8}, std::vector<float>(32));
  const Config config = config_of(file);
  EXPECT_EQ(config.string("model_type"), "qwen3_moe");
  EXPECT_EQ(config.integer("num_experts"), 4);
  EXPECT_EQ(config.integer("num_experts_per_tok"), 2);
  EXPECT_EQ(config.integer("moe_intermediate_size"), 6);
  EXPECT_TRUE(config.boolean_or("norm_topk_prob", false));
  EXPECT_THAT(config.integers_or_empty("mlp_only_layers"), ElementsAre(0));
}

TEST(GgufConfig, SmolLm3TurnsNothingInEveryFourthLayer) {
  EXPECT_EQ(config_of(decoder("smollm3")).integer("no_rope_layer_interval"), 4);
}

TEST(GgufConfig, AHeadMakesARerankerOfQwen3) {
  const auto file = [](const std::string& first) {
    return decoder("qwen3")
        .integer("qwen3.pooling_type", 4)
        .texts("qwen3.classifier.output_labels", {first, "no"})
        .floats("cls.output.weight", {2, 8}, std::vector<float>(16));
  };
  const Config config = config_of(file("yes"));
  EXPECT_EQ(config.strings_or_empty("architectures").front(), "Qwen3ForSequenceClassification");
  EXPECT_EQ(config.integer("num_labels"), 1);
  EXPECT_REFUSED(config_of(file("maybe")), ErrorCode::kUnsupported,
                 "qwen3.classifier.output_labels: expected yes and no");
}

TEST(GgufConfig, SizesOfDenseLayersAreThoseOfTheirTensors) {
  const auto file = [](uint32_t out) {
    return decoder("gemma-embedding")
        .integer("gemma-embedding.attention.sliding_window", 16)
        .integer("gemma-embedding.dense_2_feat_out", out)
        .floats("dense_2.weight", {4, 8}, std::vector<float>(32));
  };
  EXPECT_NO_THROW(config_of(file(4)));
  EXPECT_REFUSED(config_of(file(5)), ErrorCode::kCorrupt, "dense_2_feat_out: expected 4");
  EXPECT_REFUSED(config_of(decoder("gemma-embedding")
                               .integer("gemma-embedding.attention.sliding_window", 16)
                               .integer("gemma-embedding.dense_3_feat_out", 4)),
                 ErrorCode::kUnsupported, "dense_3_feat_out");
}

TEST(GgufConfig, EncodersWithRotations) {
  const Config nomic = config_of(encoder("nomic-bert").number("nomic-bert.rope.freq_base", 1000));
  EXPECT_EQ(nomic.number("rotary_emb_base"), 1000);
  EXPECT_EQ(nomic.integer("n_inner"), 16);
  EXPECT_EQ(nomic.boolean_or("qkv_proj_bias", true), false);
  const Config modern = config_of(encoder("modern-bert")
                                      .integer("modern-bert.attention.sliding_window", 128)
                                      .number("modern-bert.rope.freq_base", 160000));
  EXPECT_EQ(modern.integer("local_attention"), 128);
  EXPECT_EQ(modern.integer("global_attn_every_n_layers"), 3);
  EXPECT_EQ(modern.number("global_rope_theta"), 160000);
  EXPECT_EQ(modern.number("local_rope_theta"), 10000);
  EXPECT_REFUSED(config_of(encoder("nomic-bert")
                               .text("nomic-bert.rope.scaling.type", "linear")
                               .number("nomic-bert.rope.scaling.factor", 2)),
                 ErrorCode::kUnsupported, "nomic-bert.rope.scaling.type");
  EXPECT_REFUSED(config_of(encoder("jina-bert-v3").boolean("jina-bert-v3.attention.causal", true)),
                 ErrorCode::kUnsupported, "jina-bert-v3.attention.causal");
}

TEST(GgufConfig, NomicBertWithExpertsIsNotGated) {
  const Config config = config_of(encoder("nomic-bert-moe")
                                      .integer("nomic-bert-moe.moe_every_n_layers", 2)
                                      .integer("nomic-bert-moe.expert_count", 4)
                                      .integer("nomic-bert-moe.expert_used_count", 2));
  EXPECT_EQ(config.string("activation_function"), "gelu");
  EXPECT_EQ(config.integer("moe_every_n_layers"), 2);
  EXPECT_EQ(config.integer("num_experts"), 4);
  EXPECT_EQ(config.integer("moe_top_k"), 2);
}

TEST(GgufConfig, JinaBertIsToldByItsTensors) {
  const auto kind = [](TestFile file) {
    const Opened opened(file);
    return std::string(gguf_architecture(opened.file));
  };
  const std::vector<float> numbers(128);
  EXPECT_EQ(config_of(encoder("jina-bert-v2")).string("position_embedding_type"), "alibi");
  EXPECT_EQ(kind(encoder("jina-bert-v2")), "jina-bert-v2");
  EXPECT_EQ(kind(encoder("jina-bert-v2").floats("blk.0.ffn_gate.weight", {16, 8}, numbers)),
            "jina-bert-v2-split");
  EXPECT_EQ(
      kind(encoder("jina-bert-v2").floats("blk.0.attn_norm_2.weight", {8}, std::vector<float>(8))),
      "jina-bert-v2-code");
}

TEST(GgufConfig, AHeadMakesAClassifierOfModernBert) {
  const auto file = [] {
    return encoder("modern-bert")
        .integer("modern-bert.attention.sliding_window", 128)
        .text("modern-bert.hidden_activation", "silu")
        .floats("cls.output.weight", {2, 8}, std::vector<float>(16));
  };
  const Config config = config_of(file());
  EXPECT_EQ(config.strings_or_empty("architectures").front(),
            "ModernBertForSequenceClassification");
  EXPECT_EQ(config.string("hidden_activation"), "silu");
  EXPECT_EQ(config.integer("num_labels"), 2);
  EXPECT_EQ(config.string("classifier_pooling"), "mean");
  EXPECT_FALSE(config.boolean_or("classifier_bias", true));
  EXPECT_EQ(config_of(file().integer("modern-bert.classifier.pooling_type", 2))
                .string("classifier_pooling"),
            "cls");
  EXPECT_REFUSED(config_of(file().integer("modern-bert.classifier.pooling_type", 3)),
                 ErrorCode::kUnsupported, "modern-bert.classifier.pooling_type: expected 1");
  EXPECT_EQ(config_of(file().texts("modern-bert.classifier.output_labels", {"no", "yes"}))
                .values()
                .at("id2label")
                .at("1"),
            "yes");
  EXPECT_REFUSED(config_of(file().texts("modern-bert.classifier.output_labels", {"no"})),
                 ErrorCode::kCorrupt,
                 "modern-bert.classifier.output_labels: expected 2 names, one for each row");
  EXPECT_EQ(name_of("modern-bert", "cls.norm.weight"), "head.norm.weight");
  EXPECT_EQ(name_of("modern-bert", "cls.output.bias"), "classifier.bias");
}

TEST(GgufConfig, PoolingMakesAnEmbeddingModelOfADecoder) {
  const TestFile test = decoder("qwen3").integer("qwen3.pooling_type", 3);
  EXPECT_EQ(config_of(test).strings_or_empty("architectures").front(), "Qwen3Model");
  EXPECT_THAT(gguf_pooling(Opened(test).file)->modes, ElementsAre(ops::Pooling::kLast));
  EXPECT_FALSE(gguf_pooling(Opened(decoder("qwen3")).file));
  EXPECT_REFUSED(gguf_pooling(Opened(decoder("qwen3").integer("qwen3.pooling_type", 9)).file),
                 ErrorCode::kCorrupt, "qwen3.pooling_type: expected an integer from 0 to 4");
}

TEST(GgufConfig, RefusesOtherArchitecturesAndKeysThatMatter) {
  EXPECT_REFUSED(config_of(decoder("mamba")), ErrorCode::kUnsupported, "general.architecture",
                 "\"mamba\" is not supported; accepted are llama");
  EXPECT_REFUSED(config_of(decoder("qwen2").integer("qwen2.expert_count", 8)),
                 ErrorCode::kUnsupported, "qwen2.expert_count: changes what the model computes");
  EXPECT_NO_THROW(config_of(decoder("llama").integer("llama.expert_count", 0)));
  EXPECT_REFUSED(config_of(decoder("qwen2").number("qwen2.attention.scale", 0.1f)),
                 ErrorCode::kUnsupported, "qwen2.attention.scale");
  EXPECT_REFUSED(config_of(decoder("llama").integer("llama.vocab_size", 6)), ErrorCode::kCorrupt,
                 "llama.vocab_size: is 6, and token_embd.weight has 5 rows");
  EXPECT_REFUSED(config_of(decoder("llama")
                               .integer("llama.attention.key_length", 4)
                               .integer("llama.attention.value_length", 2)),
                 ErrorCode::kUnsupported, "llama.attention.value_length");
  EXPECT_REFUSED(config_of(TestFile("llama")), ErrorCode::kCorrupt, "llama.block_count: missing");
}

TEST(GgufConfig, OtherKeysAreReported) {
  const Config config = config_of(decoder("llama").integer("llama.new_key", 8));
  EXPECT_THAT(config.unread(), ::testing::Contains("llama.new_key"));
}

TEST(GgufModelFile, NamesOfTheHub) {
  EXPECT_EQ(gguf_reference("org/name:Q4_K_M")->quantisation, "Q4_K_M");
  EXPECT_EQ(gguf_reference("org/name:Q4_K_M")->repository, "org/name");
  EXPECT_EQ(gguf_reference("org/name/sub/file.gguf")->file, "sub/file.gguf");
  for (const char* other : {"org/name", "name.gguf", "org/name.gguf", "org/name:", "org/name:a/b",
                            "/a/b/c.gguf", "org/name/../x.gguf", "a b/c:Q8_0"})
    EXPECT_FALSE(gguf_reference(other)) << other;
}

TEST(GgufModelFile, ChoosesWholeWordsOfNames) {
  const std::vector<std::string> files = {"m-Q4_K_M.gguf",
                                          "m-Q4_K_S.gguf",
                                          "m.q8_0.gguf",
                                          "big-BF16-00001-of-00002.gguf",
                                          "big-BF16-00002-of-00002.gguf",
                                          "mmproj-m-Q4_K_M.gguf",
                                          "README.md"};
  const auto chosen = [&](std::string quantisation) {
    return choose_gguf({.repository = "o/n", .quantisation = std::move(quantisation), .file = {}},
                       files);
  };
  EXPECT_EQ(chosen("q4_k_m"), "m-Q4_K_M.gguf");
  EXPECT_EQ(chosen("Q8_0"), "m.q8_0.gguf");
  EXPECT_EQ(chosen("BF16"), "big-BF16-00001-of-00002.gguf");
  EXPECT_REFUSED(chosen("Q4_K"), ErrorCode::kNotFound, "no GGUF file of \"Q4_K\"; there are");
  EXPECT_REFUSED(chosen(""), ErrorCode::kInvalidArgument, "several GGUF files", "o/n:QUANTISATION");
  EXPECT_THAT(gguf_parts("a/big-BF16-00001-of-00002.gguf"),
              ElementsAre("a/big-BF16-00001-of-00002.gguf", "a/big-BF16-00002-of-00002.gguf"));
}

TEST(GgufModelFile, OfAFolder) {
  base::TemporaryFolder folder;
  EXPECT_FALSE(gguf_in_folder(folder.path()));
  folder.write("a.gguf", "x");
  EXPECT_EQ(gguf_in_folder(folder.path())->filename(), "a.gguf");
  folder.write("b.gguf", "x");
  EXPECT_REFUSED(gguf_in_folder(folder.path()), ErrorCode::kInvalidArgument, "several GGUF files",
                 "a.gguf, b.gguf");
  folder.write("config.json", "{}");
  EXPECT_FALSE(gguf_in_folder(folder.path()));
}

}  // namespace
}  // namespace vecton::checkpoint
