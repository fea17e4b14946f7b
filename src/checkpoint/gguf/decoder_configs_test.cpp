// What config.json would say of decoders beyond Llama's plain kin: experts, windows, latent
// attention, gated delta nets, and what their files leave out.
#include <gmock/gmock.h>

#include "base/json.h"
#include "checkpoint/gguf/config.h"
#include "checkpoint/gguf/test_models.h"
#include "checkpoint/test_files.h"

namespace vecton::checkpoint {
namespace {

using gguf::TensorType;
using ::testing::ElementsAre;

using Texts = std::vector<std::string>;

// The same of an architecture whose keys begin with its name.
class Named {
 public:
  explicit Named(const std::string& name) : name_(name + "."), file_(decoder(name)) {}

  Named& integer(const std::string& key, uint32_t number) {
    file_.integer(name_ + key, number);
    return *this;
  }
  Named& integers(const std::string& key, const std::vector<int32_t>& list) {
    file_.integers(name_ + key, list);
    return *this;
  }
  Named& number(const std::string& key, float number) {
    file_.number(name_ + key, number);
    return *this;
  }
  Named& boolean(const std::string& key, bool flag) {
    file_.boolean(name_ + key, flag);
    return *this;
  }
  Named& text(const std::string& key, const std::string& value) {
    file_.text(name_ + key, value);
    return *this;
  }
  Named& tensor(const std::string& name, std::vector<uint64_t> shape, float value = 0) {
    uint64_t size = 1;
    for (const uint64_t each : shape) size *= each;
    file_.floats(name, std::move(shape), std::vector<float>(size, value));
    return *this;
  }
  Named& numbers(const std::string& name, const std::vector<float>& values) {
    file_.floats(name, {values.size()}, values);
    return *this;
  }
  Named& experts() { return integer("expert_count", 4).integer("expert_used_count", 2); }
  Config config() const { return config_of(file_); }

 private:
  std::string name_;
  TestFile file_;
};

TEST(GgufDecoders, ExpertsMakeMixtralOfLlama) {
  const Config config = Named("llama").experts().integer("attention.sliding_window", 12).config();
  EXPECT_EQ(config.string("model_type"), "mixtral");
  EXPECT_EQ(config.integer("num_local_experts"), 4);
  EXPECT_EQ(config.integer("num_experts_per_tok"), 2);
  EXPECT_EQ(config.integer("intermediate_size"), 16);
  EXPECT_EQ(config.integer("sliding_window"), 12);
  EXPECT_EQ(Named("llama")
                .experts()
                .integer("expert_feed_forward_length", 6)
                .config()
                .integer("intermediate_size"),
            6);
  EXPECT_REFUSED(Named("llama").integer("expert_count", 4).config(), ErrorCode::kCorrupt,
                 "llama.expert_used_count: missing");
}

TEST(GgufDecoders, Phi3HasFactorsForShortAndLongTexts) {
  const auto file = [] {
    return Named("phi3")
        .integer("attention.sliding_window", 0)
        .integer("rope.dimension_count", 2)
        .integer("rope.scaling.original_context_length", 32)
        .number("rope.scaling.attn_factor", 1.25f)
        .numbers("rope_factors_short.weight", {2});
  };
  const Config config = file().numbers("rope_factors_long.weight", {3}).config();
  EXPECT_FALSE(config.has("sliding_window"));
  EXPECT_EQ(config.number("partial_rotary_factor"), 0.5);
  const auto scaling = config.child("rope_scaling");
  EXPECT_EQ(scaling->string("rope_type"), "longrope");
  EXPECT_EQ(json::serialize(*scaling->raw("short_factor")), "[2E0]");
  EXPECT_EQ(json::serialize(*scaling->raw("long_factor")), "[3E0]");
  EXPECT_EQ(scaling->number("attention_factor"), 1.25);
  EXPECT_EQ(scaling->integer("original_max_position_embeddings"), 32);
  EXPECT_EQ(Named("phi3").integer("attention.sliding_window", 8).config().integer("sliding_window"),
            8);
  EXPECT_REFUSED(file().config(), ErrorCode::kCorrupt, "rope_factors_long.weight");
  EXPECT_REFUSED(file().numbers("rope_factors_long.weight", {3, 4}).config(), ErrorCode::kCorrupt,
                 "rope_factors_long.weight: expected 1 numbers of F32");
  EXPECT_REFUSED(file().text("rope.scaling.type", "yarn").config(), ErrorCode::kUnsupported,
                 "\"yarn\" beside rope_factors_short.weight");
  EXPECT_REFUSED(Named("phi3").integer("rope.dimension_count", 6).config(), ErrorCode::kUnsupported,
                 "rope.dimension_count: expected 4");
}

TEST(GgufDecoders, PhiMoeAmplifiesAlikeAtEveryLength) {
  const Config config = Named("phimoe")
                            .experts()
                            .number("rope.scaling.attn_factor", 1.5f)
                            .numbers("rope_factors_short.weight", {2, 2})
                            .numbers("rope_factors_long.weight", {3, 3})
                            .tensor("blk.0.attn_q.bias", {8})
                            .config();
  EXPECT_EQ(config.child("rope_scaling")->number("short_mscale"), 1.5);
  EXPECT_EQ(config.child("rope_scaling")->number("long_mscale"), 1.5);
  EXPECT_TRUE(config.boolean_or("attention_bias", false));
  // Without a length of its own, short texts are those of the whole context.
  EXPECT_EQ(config.child("rope_scaling")->integer("original_max_position_embeddings"), 64);
}

TEST(GgufDecoders, WindowsByTheirPeriodOrOneByOne) {
  const auto cohere = [] {
    TestFile file("cohere2");
    for (const auto& [key, value] :
         std::initializer_list<std::pair<const char*, uint32_t>>{{"block_count", 2},
                                                                 {"embedding_length", 8},
                                                                 {"feed_forward_length", 16},
                                                                 {"context_length", 64},
                                                                 {"attention.head_count", 2},
                                                                 {"attention.sliding_window", 8}})
      file.integer(std::string("cohere2.") + key, value);
    return file.number("cohere2.attention.layer_norm_epsilon", 0.5f)
        .number("cohere2.logit_scale", 0.25f)
        .floats("token_embd.weight", {5, 8}, std::vector<float>(40));
  };
  const Config every_fourth = config_of(cohere());
  EXPECT_EQ(every_fourth.number("layer_norm_eps"), 0.5);
  EXPECT_EQ(every_fourth.number("logit_scale"), 0.25);
  EXPECT_EQ(every_fourth.strings_or_empty("layer_types"),
            (Texts{"sliding_attention", "sliding_attention"}));
  EXPECT_EQ(config_of(cohere().integer("cohere2.attention.sliding_window_pattern", 2))
                .strings_or_empty("layer_types"),
            (Texts{"sliding_attention", "full_attention"}));
  EXPECT_EQ(config_of(cohere().integers("cohere2.attention.sliding_window_pattern", {0, 1}))
                .strings_or_empty("layer_types"),
            (Texts{"full_attention", "sliding_attention"}));
  EXPECT_TRUE(Named("exaone4").config().is_null("sliding_window"));
  EXPECT_EQ(
      Named("exaone4").integer("attention.sliding_window", 9).config().integer("sliding_window"),
      9);
}

TEST(GgufDecoders, Mistral3IsReadUpToItsOriginalLength) {
  const auto file = [] {
    return Named("mistral3")
        .text("rope.scaling.type", "yarn")
        .number("rope.scaling.factor", 4)
        .integer("rope.scaling.original_context_length", 16)
        .number("rope.scaling.yarn_log_multiplier", 0.5f);
  };
  const Config config = file().number("attention.temperature_scale", 0.1f).config();
  EXPECT_EQ(config.string("model_type"), "llama");
  EXPECT_EQ(config.integer("max_position_embeddings"), 16);
  const json::object& scaling = config.values().at("rope_scaling").as_object();
  EXPECT_EQ(scaling.at("mscale").as_double(), 1);
  EXPECT_EQ(scaling.at("mscale_all_dim").as_double(), 0.5);
  EXPECT_EQ(file().config().integer("max_position_embeddings"), 64);
  EXPECT_REFUSED(Named("mistral3").number("attention.temperature_scale", 0.1f).config(),
                 ErrorCode::kCorrupt, "mistral3.rope.scaling.original_context_length: missing");
}

TEST(GgufDecoders, ModelsOfPicturesReadTexts) {
  const std::vector<int32_t> axes = {1, 1, 0, 0};
  for (const auto& [name, type] : {std::pair{"qwen2vl", "qwen2"}, {"paddleocr", "llama"}}) {
    const Config config = Named(name).integers("rope.dimension_sections", axes).config();
    EXPECT_EQ(config.string("model_type"), type);
    EXPECT_THAT(config.unread(), ::testing::Not(::testing::Contains("rope.dimension_sections")));
  }
  const auto qwen3 = [&] {
    return Named("qwen3vl")
        .integers("rope.dimension_sections", axes)
        .integer("n_deepstack_layers", 1);
  };
  const Config config = qwen3().config();
  EXPECT_EQ(config.string("model_type"), "qwen3_vl");
  EXPECT_EQ(config.values().at("rope_scaling").at("mrope_section"), (json::array{1, 1, 0}));
  EXPECT_EQ(qwen3().integer("pooling_type", 3).config().strings_or_empty("architectures").front(),
            "Qwen3VLTextModel");
  EXPECT_EQ(qwen3()
                .tensor("cls.output.weight", {2, 8})
                .config()
                .strings_or_empty("architectures")
                .front(),
            "Qwen3VLForSequenceClassification");
  EXPECT_REFUSED(Named("qwen3vl").config(), ErrorCode::kCorrupt,
                 "qwen3vl.rope.dimension_sections: missing");
}

TEST(GgufDecoders, WindowsMakeOlmo3OfOlmo2) {
  EXPECT_EQ(Named("olmo2").config().string("model_type"), "olmo2");
  const auto file = [](float local) {
    return Named("olmo2")
        .integer("attention.sliding_window", 8)
        .number("rope.freq_base", 5000)
        .number("rope.freq_base_swa", local)
        .text("rope.scaling.type", "yarn")
        .number("rope.scaling.factor", 8)
        .number("rope.scaling.yarn_attn_factor", 1.25f)
        .integer("rope.scaling.original_context_length", 32);
  };
  const Config config = file(5000).config();
  EXPECT_EQ(config.string("model_type"), "olmo3");
  EXPECT_EQ(config.integer("sliding_window"), 8);
  EXPECT_EQ(config.child("rope_scaling")->number("attention_factor"), 1.25);
  EXPECT_REFUSED(file(10000).config(), ErrorCode::kUnsupported, "olmo2.rope.freq_base_swa");
}

TEST(GgufDecoders, ExpertsOfQwen2AreSharedAndNotNormalised) {
  const Config config = Named("qwen2moe")
                            .experts()
                            .integer("expert_feed_forward_length", 6)
                            .integer("expert_shared_feed_forward_length", 12)
                            .tensor("blk.0.ffn_gate_inp.weight", {4, 8})
                            .config();
  EXPECT_EQ(config.integer("shared_expert_intermediate_size"), 12);
  EXPECT_FALSE(config.boolean_or("norm_topk_prob", true));
  EXPECT_FALSE(config.boolean_or("qkv_bias", true));
  EXPECT_THAT(config.integers_or_empty("mlp_only_layers"), ElementsAre(1));
}

TEST(GgufDecoders, GraniteWithoutRotationsIsRefused) {
  EXPECT_EQ(Named("granitemoe").experts().config().integer("num_local_experts"), 4);
  EXPECT_REFUSED(Named("granitemoe").experts().boolean("rope.scaling.finetuned", false).config(),
                 ErrorCode::kUnsupported, "granitemoe.rope.scaling.finetuned");
  EXPECT_REFUSED(
      Named("granitemoe").experts().integer("expert_shared_feed_forward_length", 8).config(),
      ErrorCode::kUnsupported, "granitemoe.expert_shared_feed_forward_length");
}

TEST(GgufDecoders, GptOssRoundsNoRamp) {
  const auto file = [] {
    return Named("gpt-oss").experts().integer("attention.sliding_window", 8);
  };
  const Config config = file()
                            .text("rope.scaling.type", "yarn")
                            .number("rope.scaling.factor", 8)
                            .integer("rope.scaling.original_context_length", 32)
                            .config();
  EXPECT_FALSE(config.child("rope_scaling")->boolean_or("truncate", true));
  EXPECT_EQ(config.strings_or_empty("layer_types"), (Texts{"sliding_attention", "full_attention"}));
  EXPECT_REFUSED(file().config(), ErrorCode::kUnsupported, "gpt-oss.rope.scaling.type");
}

// Of a file with one row for all heads, and of one with a matrix.
TEST(GgufDecoders, LatentAttention) {
  const auto file = [] {
    return Named("deepseek2")
        .experts()
        .integer("attention.kv_lora_rank", 6)
        .integer("attention.key_length", 8)
        .integer("attention.value_length", 6)
        .integer("attention.key_length_mla", 5)
        .integer("attention.value_length_mla", 3)
        .integer("rope.dimension_count", 2)
        .integer("leading_dense_block_count", 1)
        .integer("expert_feed_forward_length", 6)
        .number("expert_weights_scale", 2.5f)
        .boolean("expert_weights_norm", true);
  };
  const Config config = file().tensor("blk.1.exp_probs_b.bias", {4}).config();
  EXPECT_EQ(config.string("model_type"), "deepseek_v3");
  EXPECT_EQ(config.integer("qk_rope_head_dim"), 2);
  EXPECT_EQ(config.integer("qk_nope_head_dim"), 3);
  EXPECT_EQ(config.integer("v_head_dim"), 3);
  EXPECT_FALSE(config.has("q_lora_rank"));
  EXPECT_EQ(config.number("routed_scaling_factor"), 2.5);
  EXPECT_EQ(config.integer("first_k_dense_replace"), 1);
  EXPECT_TRUE(config.boolean_or("norm_topk_prob", false));
  const Config yarn = file()
                          .integer("expert_gating_func", 2)
                          .text("rope.scaling.type", "yarn")
                          .number("rope.scaling.factor", 4)
                          .integer("rope.scaling.original_context_length", 16)
                          .number("rope.scaling.yarn_log_multiplier", 0.1f)
                          .config();
  EXPECT_EQ(yarn.child("rope_scaling")->number("mscale_all_dim"), 1);
  // DeepSeek-V2's.
  EXPECT_REFUSED(file().config(), ErrorCode::kUnsupported,
                 "deepseek2.expert_gating_func: expected 2, sigmoid");
  EXPECT_REFUSED(Named("deepseek2")
                     .integer("attention.key_length", 2)
                     .integer("rope.dimension_count", 2)
                     .config(),
                 ErrorCode::kCorrupt, "deepseek2.attention.key_length: expected more than");
}

TEST(GgufDecoders, MiniCpm3IsScaledWithoutAKey) {
  const auto file = [](std::vector<uint64_t> out) {
    return Named("minicpm3")
        .integer("attention.kv_lora_rank", 6)
        .integer("attention.q_lora_rank", 4)
        .integer("attention.key_length", 5)
        .integer("rope.dimension_count", 2)
        .tensor("blk.0.attn_output.weight", std::move(out));
  };
  const Config config = file({8, 6}).config();
  EXPECT_EQ(config.integer("v_head_dim"), 3);
  EXPECT_EQ(config.integer("q_lora_rank"), 4);
  EXPECT_EQ(config.number("scale_emb"), 12);
  EXPECT_EQ(config.number("scale_depth"), 1.4);
  EXPECT_EQ(config.integer("dim_model_base"), 256);
  EXPECT_REFUSED(file({8, 7}).config(), ErrorCode::kCorrupt, "blk.0.attn_output.weight",
                 "as many columns for each of 2 heads");
}

TEST(GgufDecoders, LayersBehindTheModelAreNoneOfIt) {
  const auto file = [](uint32_t more) {
    return Named("glm4moe")
        .experts()
        .integer("expert_feed_forward_length", 6)
        .integer("expert_gating_func", 2)
        .integer("rope.dimension_count", 2)
        .integers("attention.head_count_kv", {2, 1})
        .integer("nextn_predict_layers", more);
  };
  const Config config = file(1).config();
  EXPECT_EQ(config.integer("num_hidden_layers"), 1);
  EXPECT_EQ(config.integer("num_key_value_heads"), 2);
  EXPECT_EQ(config.number("partial_rotary_factor"), 0.5);
  EXPECT_FALSE(config.boolean_or("use_qk_norm", true));
  EXPECT_REFUSED(file(2).config(), ErrorCode::kCorrupt,
                 "glm4moe.nextn_predict_layers: expected less than block_count, 2");
}

TEST(GgufDecoders, ConvolutionsBesideExperts) {
  const auto file = [](uint32_t gating) {
    return Named("lfm2moe")
        .experts()
        .integers("attention.head_count_kv", {0, 1})
        .integer("shortconv.l_cache", 3)
        .integer("expert_feed_forward_length", 6)
        .integer("leading_dense_block_count", 1)
        .integer("expert_gating_func", gating);
  };
  const Config config = file(2).config();
  EXPECT_EQ(config.string("model_type"), "lfm2_moe");
  EXPECT_EQ(config.strings_or_empty("layer_types"), (Texts{"conv", "full_attention"}));
  EXPECT_EQ(config.integer("num_dense_layers"), 1);
  EXPECT_EQ(config.integer("moe_intermediate_size"), 6);
  EXPECT_FALSE(config.boolean_or("use_expert_bias", true));
  EXPECT_FALSE(config.has("block_dim"));
  EXPECT_REFUSED(file(1).config(), ErrorCode::kUnsupported,
                 "lfm2moe.expert_gating_func: expected 2, sigmoid");
}

// LFM2's models for retrieval.
TEST(GgufDecoders, ALayerBehindEveryTokenIsLateInteraction) {
  const auto file = [](bool causal) {
    Named file("lfm2");
    file.integers("attention.head_count_kv", {0, 1}).integer("shortconv.l_cache", 3);
    if (!causal) file.boolean("attention.causal", false);
    return file;
  };
  const auto layered = [&](int64_t columns) {
    Named made = file(true);
    made.tensor("dense_2.weight", {4, static_cast<uint64_t>(columns)});
    return made;
  };
  EXPECT_EQ(file(true).config().strings_or_empty("architectures"), Texts{"Lfm2ForCausalLM"});
  const Config both_ways = file(false).config();
  EXPECT_EQ(both_ways.strings_or_empty("architectures"), Texts{"Lfm2BidirectionalModel"});
  EXPECT_EQ(both_ways.string("model_type"), "lfm2_bidirectional");
  EXPECT_FALSE(both_ways.boolean_or("is_causal", true));
  EXPECT_FALSE(both_ways.boolean_or("conv_zero_padding", true));
  const Config late = layered(8).integer("embedding_length_out", 4).config();
  EXPECT_EQ(late.strings_or_empty("architectures"), Texts{"Lfm2Model"});
  EXPECT_THAT(late.unread(), ::testing::Not(::testing::Contains("lfm2.embedding_length_out")));
  EXPECT_REFUSED(layered(7).config(), ErrorCode::kCorrupt,
                 "dense_2.weight: expected 8 columns, as many as come in, found 7");
  EXPECT_REFUSED(layered(8).integer("embedding_length_out", 5).config(), ErrorCode::kCorrupt,
                 "lfm2.embedding_length_out: expected 4, what comes out of the model");
  EXPECT_REFUSED(file(true).integer("embedding_length_out", 5).config(), ErrorCode::kCorrupt,
                 "lfm2.embedding_length_out: expected 8");
}

Named delta_nets(const std::string& name) {
  return Named(name)
      .integer("ssm.conv_kernel", 4)
      .integer("ssm.group_count", 1)
      .integer("ssm.time_step_rank", 2)
      .integer("ssm.inner_size", 6)
      .integer("ssm.state_size", 5);
}

TEST(GgufDecoders, GatedDeltaNets) {
  const Config config = delta_nets("qwen3next")
                            .experts()
                            .integer("expert_feed_forward_length", 6)
                            .integer("expert_shared_feed_forward_length", 8)
                            .integer("full_attention_interval", 2)
                            .integer("rope.dimension_count", 2)
                            .config();
  EXPECT_EQ(config.integer("linear_num_key_heads"), 1);
  EXPECT_EQ(config.integer("linear_num_value_heads"), 2);
  EXPECT_EQ(config.integer("linear_key_head_dim"), 5);
  EXPECT_EQ(config.integer("linear_value_head_dim"), 3);
  EXPECT_EQ(config.integer("full_attention_interval"), 2);
  EXPECT_FALSE(config.has("linear_value_heads_in_turn"));
  const Config dense = delta_nets("qwen35")
                           .integers("rope.dimension_sections", {1, 1, 0, 0})
                           .integers("attention.recurrent_layers", {0, 1})
                           .config();
  EXPECT_EQ(dense.string("model_type"), "qwen3_5_text");
  EXPECT_TRUE(dense.boolean_or("linear_value_heads_in_turn", false));
  EXPECT_EQ(dense.strings_or_empty("layer_types"), (Texts{"full_attention", "linear_attention"}));
  EXPECT_REFUSED(
      Named("qwen35").integer("ssm.time_step_rank", 2).integer("ssm.inner_size", 7).config(),
      ErrorCode::kCorrupt, "qwen35.ssm.inner_size: expected a multiple of");
  EXPECT_REFUSED(Named("qwen35")
                     .integer("ssm.time_step_rank", 2)
                     .integer("ssm.inner_size", 6)
                     .integer("ssm.group_count", 3)
                     .config(),
                 ErrorCode::kCorrupt,
                 "qwen35.ssm.time_step_rank: expected a multiple of ssm.group_count, 3");
  const json::object& rope = dense.values().at("rope_parameters").as_object();
  EXPECT_EQ(rope.at("mrope_section"), (json::array{1, 1, 0}));
  EXPECT_EQ(rope.at("partial_rotary_factor"), 1.0);
  EXPECT_FALSE(dense.has("rope_scaling"));
}

Named gemma4(const std::vector<int32_t>& pattern = {1, 0}) {
  return Named("gemma4")
      .integer("attention.key_length", 8)
      .integer("attention.key_length_swa", 4)
      .integer("attention.sliding_window", 8)
      .integers("attention.sliding_window_pattern", pattern)
      .number("rope.freq_base", 1e6f);
}

TEST(GgufDecoders, Gemma4HasTwoKindsOfLayers) {
  const Config config = gemma4()
                            .integers("attention.head_count_kv", {2, 1})
                            .integer("attention.shared_kv_layers", 0)
                            .integer("embedding_length_per_layer_input", 0)
                            .numbers("rope_freqs.weight", {1, 1e30f, 1e30f, 1e30f})
                            .tensor("blk.1.attn_k.weight", {8, 8})
                            .config();
  EXPECT_EQ(config.integer("num_key_value_heads"), 2);
  EXPECT_EQ(config.integer("num_global_key_value_heads"), 1);
  EXPECT_TRUE(config.boolean_or("attention_k_eq_v", false));
  EXPECT_EQ(config.integer("head_dim"), 4);
  EXPECT_EQ(config.integer("global_head_dim"), 8);
  const auto full = config.child("rope_parameters")->child("full_attention");
  EXPECT_EQ(full->number("partial_rotary_factor"), 0.25);
  EXPECT_EQ(full->number("rope_theta"), 1e6);
  EXPECT_FALSE(config.boolean_or("enable_moe_block", false));
}

TEST(GgufDecoders, Gemma4MayHaveTablesOfLayersAndExperts) {
  const Config config = gemma4()
                            .experts()
                            .integer("expert_feed_forward_length", 6)
                            .integer("attention.head_count_kv", 1)
                            .integer("embedding_length_per_layer_input", 3)
                            .tensor("per_layer_token_embd.weight", {7, 6})
                            .config();
  EXPECT_EQ(config.integer("vocab_size_per_layer_input"), 7);
  EXPECT_EQ(config.integer("top_k_experts"), 2);
  EXPECT_FALSE(config.has("attention_k_eq_v"));
}

// An MLP of layers that read others' keys is as wide, or twice as wide.
TEST(GgufDecoders, WidthsOfGemma4) {
  const auto file = [](const std::vector<int32_t>& widths, uint32_t shared) {
    TestFile file("gemma4");
    for (const auto& [key, value] : std::initializer_list<std::pair<const char*, uint32_t>>{
             {"block_count", 3},
             {"embedding_length", 8},
             {"context_length", 64},
             {"attention.head_count", 2},
             {"attention.head_count_kv", 1},
             {"attention.key_length", 8},
             {"attention.key_length_swa", 4},
             {"attention.sliding_window", 8},
             {"attention.shared_kv_layers", shared}})
      file.integer(std::string("gemma4.") + key, value);
    return file.integers("gemma4.feed_forward_length", widths)
        .integers("gemma4.attention.sliding_window_pattern", {1, 0, 1})
        .number("gemma4.attention.layer_norm_rms_epsilon", 0.5f)
        .number("gemma4.rope.freq_base", 1e6f)
        .floats("token_embd.weight", {5, 8}, std::vector<float>(40));
  };
  EXPECT_TRUE(config_of(file({16, 16, 32}, 1)).boolean_or("use_double_wide_mlp", false));
  EXPECT_FALSE(config_of(file({16, 16, 16}, 1)).boolean_or("use_double_wide_mlp", true));
  EXPECT_REFUSED(config_of(file({16, 32, 32}, 1)), ErrorCode::kUnsupported,
                 "gemma4.feed_forward_length: expected 16 of all layers");
}

TEST(GgufDecoders, RefusesWhatGemma4DoesNotHave) {
  EXPECT_REFUSED(gemma4()
                     .integer("attention.head_count_kv", 1)
                     .numbers("rope_freqs.weight", {1e30f, 1, 1, 1})
                     .config(),
                 ErrorCode::kUnsupported, "rope_freqs.weight: expected ones, and then");
  EXPECT_REFUSED(gemma4({1, 1}).integers("attention.head_count_kv", {2, 1}).config(),
                 ErrorCode::kUnsupported,
                 "gemma4.attention.head_count_kv: numbers that differ between layers of one kind");
  EXPECT_REFUSED(gemma4()
                     .integer("attention.head_count_kv", 1)
                     .integer("attention.value_length_swa", 3)
                     .config(),
                 ErrorCode::kUnsupported, "gemma4.attention.value_length_swa");
}

}  // namespace
}  // namespace vecton::checkpoint
