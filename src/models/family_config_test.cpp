// What every family asks of config.json: which keys it can't do without, what they may hold, and
// the shape that they give.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "base/json.h"
#include "models/registry.h"
#include "vecton/error.h"

namespace vecton::models {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The least that a config.json of each family says.
struct Least {
  const char *architecture, *settings;
  std::vector<const char*> required;  // keys without which it is refused
  const char *hidden = "hidden_size", *heads = "num_attention_heads", *layers = "num_hidden_layers";
};

const char* const kBert = R"("hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 3,
    "vocab_size": 10, "max_position_embeddings": 16, "intermediate_size": 12)";
const char* const kDecoder = R"("hidden_size": 8, "num_attention_heads": 4, "num_hidden_layers": 3,
    "num_key_value_heads": 2, "head_dim": 2, "vocab_size": 10, "max_position_embeddings": 16,
    "intermediate_size": 12)";
const std::vector<const char*> kBertKeys = {"hidden_size", "num_attention_heads",
                                            "num_hidden_layers", "vocab_size",
                                            "max_position_embeddings"};
const std::vector<const char*> kDecoderKeys = {"hidden_size", "num_attention_heads",
                                               "num_hidden_layers", "vocab_size"};

const std::string kMixture = std::string(kDecoder) + R"(, "num_experts": 4,
    "num_experts_per_tok": 2, "moe_intermediate_size": 6, "shared_expert_intermediate_size": 6,
    "partial_rotary_factor": 1)";
const std::string kLocalMixture = std::string(kDecoder) + R"(, "num_local_experts": 4,
    "num_experts_per_tok": 2, "rope_scaling": {"rope_type": "default"})";
const std::string kDeepseek = std::string(kDecoder) + R"(, "n_routed_experts": 4,
    "num_experts_per_tok": 2, "moe_intermediate_size": 6, "qk_nope_head_dim": 4,
    "qk_rope_head_dim": 2, "v_head_dim": 4, "kv_lora_rank": 6, "partial_rotary_factor": 1)";
const std::string kGemma4 = std::string(kDecoder) + R"(, "rope_parameters": {
    "full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25},
    "sliding_attention": {"rope_type": "default"}})";

std::vector<const char*> with(std::vector<const char*> keys,
                              std::initializer_list<const char*> more) {
  keys.insert(keys.end(), more);
  return keys;
}

const std::vector<Least>& families() {
  static const std::vector<Least> all = {
      {"BertModel", kBert, kBertKeys},
      {"RobertaModel", kBert, kBertKeys},
      {"XLMRobertaModel", kBert, kBertKeys},
      {"CamembertModel", kBert, kBertKeys},
      {"MPNetModel", kBert, kBertKeys},
      {"ElectraModel", kBert, kBertKeys},
      {"DistilBertModel",
       R"("dim": 8, "n_heads": 2, "n_layers": 3, "vocab_size": 10, "max_position_embeddings": 16,
          "hidden_dim": 12)",
       {"dim", "n_heads", "n_layers", "vocab_size", "max_position_embeddings"},
       "dim",
       "n_heads",
       "n_layers"},
      {"ModernBertModel",
       kBert,
       {"hidden_size", "num_attention_heads", "num_hidden_layers", "vocab_size"}},
      {"LlamaModel", kDecoder, kDecoderKeys},
      {"MistralModel", kDecoder, kDecoderKeys},
      {"Mistral3Model", kDecoder, kDecoderKeys},
      {"Qwen2Model", kDecoder, kDecoderKeys},
      {"Qwen3Model", kDecoder, kDecoderKeys},
      {"Gemma2Model", kDecoder, kDecoderKeys},
      {"Gemma3TextModel", kDecoder, kDecoderKeys},
      {"EuroBertModel", kDecoder, kDecoderKeys},
      {"Lfm2Model", kDecoder, kDecoderKeys},
      {"Lfm2BidirectionalModel", kDecoder, kDecoderKeys},
      {"Phi3Model", kDecoder, kDecoderKeys},
      {"SmolLM3Model", kDecoder, kDecoderKeys},
      {"GraniteModel", kDecoder, kDecoderKeys},
      {"Olmo2Model", kDecoder, kDecoderKeys},
      {"Olmo3Model", kDecoder, kDecoderKeys},
      {"Exaone4Model", kDecoder, kDecoderKeys},
      {"Cohere2Model", kDecoder, kDecoderKeys},
      {"Gemma4TextModel", kGemma4.c_str(), kDecoderKeys},
      {"Qwen2MoeModel", kMixture.c_str(),
       with(kDecoderKeys, {"num_experts", "num_experts_per_tok", "moe_intermediate_size",
                           "shared_expert_intermediate_size"})},
      {"Qwen3MoeModel", kMixture.c_str(),
       with(kDecoderKeys, {"num_experts", "num_experts_per_tok", "moe_intermediate_size"})},
      {"Qwen3NextModel", kMixture.c_str(),
       with(kDecoderKeys, {"num_experts", "num_experts_per_tok", "moe_intermediate_size",
                           "shared_expert_intermediate_size"})},
      {"Qwen3_5TextModel", kMixture.c_str(), kDecoderKeys},
      {"Qwen3_5MoeTextModel", kMixture.c_str(), with(kDecoderKeys, {"num_experts_per_tok"})},
      {"MixtralModel", kLocalMixture.c_str(),
       with(kDecoderKeys, {"num_experts_per_tok", "intermediate_size"})},
      {"PhimoeModel", kLocalMixture.c_str(), with(kDecoderKeys, {"num_experts_per_tok"})},
      {"GraniteMoeModel", kLocalMixture.c_str(), with(kDecoderKeys, {"num_experts_per_tok"})},
      {"GptOssModel", kLocalMixture.c_str(),
       with(kDecoderKeys, {"num_experts_per_tok", "intermediate_size"})},
      {"Glm4MoeModel", kDeepseek.c_str(),
       with(kDecoderKeys, {"n_routed_experts", "num_experts_per_tok", "moe_intermediate_size"})},
      {"DeepseekV3Model", kDeepseek.c_str(),
       with(kDecoderKeys, {"kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"})},
      {"Glm4MoeLiteModel", kDeepseek.c_str(), with(kDecoderKeys, {"n_routed_experts"})},
      {"MiniCPM3Model", kDeepseek.c_str(), with(kDecoderKeys, {"kv_lora_rank"})},
  };
  return all;
}

json::object settings_of(const Least& least) {
  json::object settings =
      base::parse_json("{" + std::string(least.settings) + "}", "config.json").as_object();
  settings["architectures"] = json::array{least.architecture};
  return settings;
}

ModelShape shape_of(const json::object& settings) {
  const checkpoint::Config config(settings, "config.json");
  return find_family(config).shape(config);
}

// What is said of the settings; "" where they are taken.
std::string refusal(const json::object& settings) {
  try {
    shape_of(settings);
  } catch (const Error& error) {
    EXPECT_NE(error.code(), ErrorCode::kInternal);
    return error.what();
  }
  return "";
}

TEST(FamilyConfig, TheLeastIsEnough) {
  for (const Least& least : families()) {
    SCOPED_TRACE(least.architecture);
    const ModelShape shape = shape_of(settings_of(least));
    EXPECT_EQ(shape.layers, 3);
    EXPECT_EQ(shape.hidden, 8);
    EXPECT_EQ(shape.vocab, 10);
    EXPECT_GT(shape.max_positions, 0);
    EXPECT_EQ(shape.heads % shape.kv_heads, 0);
    EXPECT_GT(shape.head_dim, 0);
    EXPECT_TRUE(shape.windows.empty() || shape.windows.size() == 3u);
  }
}

TEST(FamilyConfig, WhatIsMissingIsNamed) {
  for (const Least& least : families()) {
    for (const char* key : least.required) {
      json::object settings = settings_of(least);
      settings.erase(key);
      EXPECT_THAT(refusal(settings), HasSubstr(std::string("config.json: \"") + key + "\""))
          << least.architecture;
      settings[key] = nullptr;
      EXPECT_THAT(refusal(settings), HasSubstr(std::string("config.json: \"") + key + "\""))
          << least.architecture;
    }
  }
}

// A wrong value of a key that is needed is refused by the key's name, whatever it is.
TEST(FamilyConfig, WhatIsNoCountIsNamed) {
  const json::value wrong[] = {"8",
                               0,
                               -1,
                               1.5,
                               true,
                               json::array{8},
                               json::object{},
                               int64_t{1} << 40,
                               std::numeric_limits<int64_t>::min(),
                               std::numeric_limits<uint64_t>::max()};
  for (const Least& least : families()) {
    for (const char* key : least.required) {
      for (const json::value& value : wrong) {
        json::object settings = settings_of(least);
        settings[key] = value;
        EXPECT_THAT(refusal(settings), HasSubstr(std::string("\"") + key + "\""))
            << least.architecture << ": " << json::serialize(value);
      }
    }
  }
}

// Queries of Ministral 3 grow behind the original length.
TEST(FamilyConfig, TextsAreReadAsFarAsQueriesStayAsTheyAre) {
  json::object settings = settings_of({"Ministral3ForCausalLM", kDecoder, {}});
  json::object rope{{"rope_type", "yarn"},
                    {"rope_theta", 1e4},
                    {"factor", 4},
                    {"original_max_position_embeddings", 4},
                    {"max_position_embeddings", 16}};
  settings["rope_parameters"] = rope;
  EXPECT_EQ(shape_of(settings).max_positions, 16);
  rope["llama_4_scaling_beta"] = 0.1;
  settings["rope_parameters"] = rope;
  EXPECT_EQ(shape_of(settings).max_positions, 4);
}

TEST(FamilyConfig, ImpossibleNumbersOfLayersAreNamed) {
  for (const Least& least : families()) {
    for (const int64_t layers : {int64_t{100'001}, int64_t{2147483647}}) {
      json::object settings = settings_of(least);
      settings[least.layers] = layers;
      EXPECT_THAT(refusal(settings), HasSubstr(least.layers)) << least.architecture;
    }
  }
}

// Heads share the hidden size equally, where no key says how large they are.
TEST(FamilyConfig, HeadsThatDoNotDivideAreNamed) {
  for (const Least& least : families()) {
    SCOPED_TRACE(least.architecture);
    json::object settings = settings_of(least);
    if (settings.contains("head_dim")) {
      settings["num_key_value_heads"] = 3;  // of 4 attention heads
      EXPECT_THAT(refusal(settings), HasSubstr("num_key_value_heads"));
      continue;
    }
    settings[least.heads] = 3;
    EXPECT_THAT(refusal(settings), HasSubstr(least.heads));
  }
}

// Layers that see all tokens have numbers of their own.
TEST(FamilyConfig, HeadsOfGemma4sGlobalLayersAreNamed) {
  json::object settings = settings_of({"Gemma4TextModel", kGemma4.c_str(), {}});
  settings["global_head_dim"] = 3;
  EXPECT_THAT(refusal(settings), HasSubstr("global_head_dim must be a multiple of 2"));
  settings["global_head_dim"] = 4;
  EXPECT_EQ(refusal(settings), "");
  settings["attention_k_eq_v"] = true;
  settings["num_global_key_value_heads"] = 3;  // of 4 attention heads
  EXPECT_THAT(refusal(settings), HasSubstr("num_global_key_value_heads"));
}

// --- Shapes by hand.

struct Positions {
  const char *architecture, *settings;
  int64_t positions;
};

TEST(FamilyConfig, PositionsAreTheTablesOrTheConfigs) {
  const Positions rows[] = {
      {"BertModel", kBert, 16},          {"ElectraModel", kBert, 16},
      {"RobertaModel", kBert, 14},  // they start after the padding's, 1
      {"XLMRobertaModel", kBert, 14},    {"CamembertModel", kBert, 14},
      {"MPNetModel", kBert, 14},         {"ModernBertModel", kBert, 16},
      {"LlamaModel", kDecoder, 16},      {"Qwen3Model", kDecoder, 16},
      {"Gemma3TextModel", kDecoder, 16},
  };
  for (const auto& [architecture, settings, positions] : rows)
    EXPECT_EQ(shape_of(settings_of({architecture, settings, {}})).max_positions, positions)
        << architecture;
}

TEST(FamilyConfig, TablesTooSmallForTheirStartAreNamed) {
  for (const char* architecture : {"RobertaModel", "CamembertModel", "MPNetModel"}) {
    for (const int64_t rows : {1, 2}) {
      json::object settings = settings_of({architecture, kBert, {}});
      settings["max_position_embeddings"] = rows;
      EXPECT_THAT(refusal(settings), HasSubstr("max_position_embeddings must be above"))
          << architecture;
    }
    json::object settings = settings_of({architecture, kBert, {}});
    settings["max_position_embeddings"] = 3;
    EXPECT_EQ(shape_of(settings).max_positions, 1) << architecture;
  }
}

TEST(FamilyConfig, EncodersSeeBothWaysAndDecodersBack) {
  for (const Least& least : families()) {
    const std::string name = least.architecture;
    const bool decodes = std::string(least.settings).find("head_dim") != std::string::npos &&
                         name != "EuroBertModel" && name != "Lfm2BidirectionalModel";
    EXPECT_EQ(shape_of(settings_of(least)).causal, decodes) << name;
  }
}

std::vector<int64_t> windows_of(const char* architecture, const char* more) {
  const bool rotations = std::string(architecture) == "Gemma4TextModel";
  json::object settings = settings_of({architecture, rotations ? kGemma4.c_str() : kDecoder, {}});
  settings["num_hidden_layers"] = 6;
  const json::value changes = base::parse_json(more, "more");
  for (const auto& [key, value] : changes.as_object()) settings[key] = value;
  return shape_of(settings).windows;
}

// Which layers see all tokens (0) and which so many back, as transformers decides it.
TEST(FamilyConfig, WindowsFollowTheLayers) {
  EXPECT_THAT(windows_of("Gemma2Model", R"({"sliding_window": 4})"), ElementsAre(4, 0, 4, 0, 4, 0));
  EXPECT_THAT(windows_of("Gemma3TextModel", R"({"sliding_window": 4})"),
              ElementsAre(4, 4, 4, 4, 4, 0));
  EXPECT_THAT(
      windows_of("Gemma3TextModel", R"({"sliding_window": 4, "sliding_window_pattern": 2})"),
      ElementsAre(4, 0, 4, 0, 4, 0));
  EXPECT_THAT(windows_of("Gemma3TextModel",
                         R"({"sliding_window": 9, "use_bidirectional_attention": true})"),
              ElementsAre(5, 5, 5, 5, 5, 0));  // half on each side, and the token itself
  EXPECT_THAT(windows_of("Gemma2Model",
                         R"({"sliding_window": 4, "layer_types": ["full_attention",
                             "full_attention", "sliding_attention", "full_attention",
                             "full_attention", "full_attention"]})"),
              ElementsAre(0, 0, 4, 0, 0, 0));
  for (const char* qwen : {"Qwen2Model", "Qwen3Model"}) {
    EXPECT_THAT(windows_of(qwen, R"({"use_sliding_window": true, "sliding_window": 5,
                                     "max_window_layers": 2})"),
                ElementsAre(0, 0, 5, 5, 5, 5));
    EXPECT_THAT(windows_of(qwen, R"({"use_sliding_window": false, "sliding_window": 5,
                                     "max_window_layers": 2})"),
                ElementsAre(0, 0, 0, 0, 0, 0));
    EXPECT_THAT(windows_of(qwen, R"({"use_sliding_window": true, "sliding_window": null,
                                     "max_window_layers": 2})"),
                ElementsAre(0, 0, 0, 0, 0, 0));
  }
}

TEST(FamilyConfig, WindowsOfTheNewerFamilies) {
  EXPECT_THAT(windows_of("Olmo3Model", R"({"sliding_window": 4})"), ElementsAre(4, 4, 4, 0, 4, 4));
  EXPECT_THAT(windows_of("Cohere2Model", R"({"sliding_window": 4, "sliding_window_pattern": 3})"),
              ElementsAre(4, 4, 0, 4, 4, 0));
  EXPECT_THAT(windows_of("Exaone4Model", R"({"sliding_window": 4, "sliding_window_pattern": 2})"),
              ElementsAre(4, 0, 4, 0, 4, 0));
  EXPECT_THAT(windows_of("Exaone4Model", R"({"sliding_window": null})"), ElementsAre());
  EXPECT_THAT(windows_of("Phi3Model", R"({"sliding_window": 4})"), ElementsAre(4, 4, 4, 4, 4, 4));
  EXPECT_THAT(windows_of("Phi3Model", R"({"sliding_window": null})"), ElementsAre());
  EXPECT_THAT(windows_of("SmolLM3Model", R"({"sliding_window": 4})"), ElementsAre());
  EXPECT_THAT(windows_of("SmolLM3Model", R"({"sliding_window": 4, "use_sliding_window": true,
                                             "no_rope_layers": [1, 0, 1, 1, 0, 1]})"),
              ElementsAre(0, 4, 0, 0, 4, 0));
  EXPECT_THAT(windows_of("Gemma4TextModel", R"({"sliding_window": 4})"),
              ElementsAre(4, 4, 4, 4, 4, 0));
}

TEST(FamilyConfig, ListsOfLayersAreAsLongAsTheModel) {
  const auto refused = [](const char* architecture, const std::string& settings, const char* more) {
    json::object all = settings_of({architecture, settings.c_str(), {}});
    const json::value changes = base::parse_json(more, "more");
    for (const auto& [key, value] : changes.as_object()) all[key] = value;
    return refusal(all);
  };
  EXPECT_THAT(refused("SmolLM3Model", kDecoder, R"({"no_rope_layers": [1, 0]})"),
              HasSubstr("no_rope_layers: expected 3 entries, found 2"));
  EXPECT_THAT(refused("Glm4MoeLiteModel", kDeepseek, R"({"mlp_layer_types": ["dense"]})"),
              HasSubstr("mlp_layer_types: expected 3 entries, found 1"));
  EXPECT_THAT(
      refused("Glm4MoeLiteModel", kDeepseek, R"({"mlp_layer_types": ["dense", "sparse", "wide"]})"),
      HasSubstr("mlp_layer_types \"wide\""));
  EXPECT_THAT(refused("Gemma4TextModel", kGemma4, R"({"num_kv_shared_layers": 2,
                      "layer_types": ["full_attention", "sliding_attention", "full_attention"]})"),
              HasSubstr("num_kv_shared_layers"));
  EXPECT_THAT(refused("Qwen3MoeModel", kMixture, R"({"num_local_experts": 5})"),
              HasSubstr("num_experts"));
  EXPECT_THAT(refused("DeepseekV3Model", kDeepseek,
                      R"({"n_group": 4, "topk_group": 1, "num_experts_per_tok": 2})"),
              HasSubstr("n_group"));
  EXPECT_THAT(refused("Qwen3NextModel", kMixture, R"({"linear_num_key_heads": 3})"),
              HasSubstr("linear_num_value_heads"));
  EXPECT_THAT(refused("GptOssModel", kMixture, "{}"), HasSubstr("rope_scaling"));
  EXPECT_THAT(refused("Gemma4TextModel", kDecoder, "{}"), HasSubstr("rope_parameters"));
}

// A model among others of one checkpoint: its settings are text_config's.
TEST(FamilyConfig, TextModelsOfCompositesAreFound) {
  for (const char* architecture :
       {"Gemma4ForConditionalGeneration", "Qwen3_5ForConditionalGeneration"}) {
    json::object whole;
    whole["architectures"] = json::array{architecture};
    whole["text_config"] = base::parse_json("{" + kGemma4 + "}", "config.json").as_object();
    whole["text_config"].as_object()["partial_rotary_factor"] = 1;
    whole["vision_config"] = json::object{{"hidden_size", 77}};
    EXPECT_EQ(shape_of(whole).hidden, 8) << architecture;
    whole["text_config"].as_object().erase("hidden_size");
    EXPECT_THAT(refusal(whole), HasSubstr("hidden_size")) << architecture;
  }
}

TEST(FamilyConfig, LayerTypesMustBeWholeAndKnown) {
  const auto refused = [](const char* architecture, const char* more) {
    try {
      windows_of(architecture, more);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing was refused");
  };
  for (const char* architecture : {"Gemma2Model", "Gemma3TextModel", "Qwen3Model"}) {
    EXPECT_THAT(refused(architecture, R"({"layer_types": ["full_attention"]})"),
                HasSubstr("layer_types"))
        << architecture;
    EXPECT_THAT(refused(architecture,
                        R"({"layer_types": ["full_attention", "full_attention", "full_attention",
                            "full_attention", "full_attention", "linear_attention"]})"),
                HasSubstr("linear_attention"))
        << architecture;
  }
  EXPECT_THAT(refused("Qwen3Model",
                      R"({"layer_types": ["sliding_attention", "full_attention", "full_attention",
                          "full_attention", "full_attention", "full_attention"]})"),
              HasSubstr("needs use_sliding_window and a sliding_window"));
}

// Of ModernBERT every third layer sees all; a local one half of the width on each side.
TEST(FamilyConfig, ModernBertAlternates) {
  json::object settings = settings_of({"ModernBertModel", kBert, {}});
  settings["num_hidden_layers"] = 7;
  settings["local_attention"] = 8;
  EXPECT_THAT(shape_of(settings).windows, ElementsAre(0, 5, 5, 0, 5, 5, 0));
  settings["global_attn_every_n_layers"] = 2;
  EXPECT_THAT(shape_of(settings).windows, ElementsAre(0, 5, 0, 5, 0, 5, 0));
  settings["global_attn_every_n_layers"] = 1;
  EXPECT_THAT(shape_of(settings).windows, ElementsAre(0, 0, 0, 0, 0, 0, 0));
}

// --- Settings that a family understands and does not have.

struct Unsupported {
  const char *architecture, *settings, *key;
  json::value value;
};

TEST(FamilyConfig, SettingsThatChangeTheNumbersAreNamed) {
  const Unsupported rows[] = {
      {"BertModel", kBert, "position_embedding_type", "relative_key"},
      {"ElectraModel", kBert, "position_embedding_type", "relative_key_query"},
      {"RobertaModel", kBert, "truncate_dim", 4},
      {"RobertaModel", kBert, "emb_pooler", "mean"},
      {"XLMRobertaModel", kBert, "lora_adaptations", json::array{"text-matching"}},
      {"ModernBertModel", kBert, "position_embedding_type", "rotary"},
      {"Gemma2Model", kDecoder, "use_bidirectional_attention", true},
      {"Lfm2Model", kDecoder, "block_use_swiglu", false},
      {"Lfm2Model", kDecoder, "use_pos_enc", false},
      {"Lfm2Model", kDecoder, "block_dim", 9},
      {"Lfm2Model", kDecoder, "conv_dim", 9},
      {"Lfm2Model", kDecoder, "num_heads", 2},
      {"Lfm2Model", kDecoder, "is_causal", false},
      {"Lfm2BidirectionalModel", kDecoder, "is_causal", true},
      {"LlamaBidirectionalModel", kDecoder, "pooling", "cls"},
      {"Phi3Model", kDecoder, "full_attn_mod", 2},
      {"Cohere2Model", kDecoder, "attention_bias", true},
      {"Cohere2Model", kDecoder, "position_embedding_type", "rope_neox"},
      {"Cohere2Model", kDecoder, "use_parallel_block", false},
      {"Qwen3_5TextModel", kMixture.c_str(), "attn_output_gate", false},
      {"Gemma4TextModel", kGemma4.c_str(), "use_bidirectional_attention", "all"},
      {"Qwen3_5TextModel", kMixture.c_str(), "hidden_act", "gelu"},
      {"Qwen3_5MoeTextModel", kMixture.c_str(), "norm_topk_prob", false},
      {"DeepseekV3Model", kDeepseek.c_str(), "scoring_func", "softmax"},
      {"DeepseekV3Model", kDeepseek.c_str(), "topk_method", "greedy"},
      {"DeepseekV3Model", kDeepseek.c_str(), "moe_layer_freq", 2},
      {"DeepseekV3Model", kDeepseek.c_str(), "n_group", 3},
      {"GptOssModel", kLocalMixture.c_str(), "experts_per_token", 3},
  };
  for (const auto& [architecture, settings, key, value] : rows) {
    json::object changed = settings_of({architecture, settings, {}});
    EXPECT_EQ(refusal(changed), "") << architecture;
    changed[key] = value;
    EXPECT_THAT(refusal(changed), HasSubstr(key)) << architecture;
    changed[key] = nullptr;
    EXPECT_EQ(refusal(changed), "") << architecture << ": null is no setting";
  }
}

// What a decoder keeps of a token: two tensors of its key heads in each layer.
TEST(FamilyConfig, DecodersHaveACache) {
  for (const char* architecture : {"LlamaModel", "MistralModel", "Qwen2Model", "Qwen3Model",
                                   "Gemma2Model", "Gemma3TextModel"}) {
    const ModelShape shape = shape_of(settings_of({architecture, kDecoder, {}}));
    EXPECT_EQ(shape.kv_heads, 2) << architecture;
    EXPECT_EQ(shape.head_dim, 2) << architecture;
    EXPECT_EQ(shape.long_after, 0) << architecture;
  }
  // Frequencies that change with the length of a text are of no use to another.
  json::object scaled = settings_of({"LlamaModel", kDecoder, {}});
  scaled["original_max_position_embeddings"] = 8;
  scaled["rope_scaling"] = json::object{{"rope_type", "longrope"},
                                        {"short_factor", json::array{1.0}},
                                        {"long_factor", json::array{2.0}}};
  EXPECT_EQ(shape_of(scaled).long_after, 8);
  // A convolution keeps what it reads of the tokens before.
  json::object lfm2 = settings_of({"Lfm2Model", kDecoder, {}});
  lfm2["layer_types"] = json::array{"conv", "full_attention", "conv"};
  lfm2["conv_L_cache"] = 4;
  const ModelShape shape = shape_of(lfm2);
  ASSERT_EQ(shape.cache.size(), 3u);
  EXPECT_EQ(std::get<tensor::RecurrentState>(shape.cache[0]).rows, 3);
  EXPECT_EQ(std::get<tensor::RecurrentState>(shape.cache[0]).columns, 8);
  EXPECT_EQ(std::get<tensor::KeysAndValues>(shape.cache[1]).kv_heads, 2);
}

}  // namespace
}  // namespace vecton::models
