// What the layers of a model keep of earlier tokens, as its family reads it from config.json.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/json.h"
#include "models/registry.h"
#include "ops/cache.h"
#include "vecton/error.h"

namespace vecton::models {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kSizes = R"("hidden_size": 8, "num_attention_heads": 2, "head_dim": 4,
    "num_key_value_heads": 1, "num_hidden_layers": 3, "vocab_size": 10, "intermediate_size": 8,
    "max_position_embeddings": 64)";

tensor::CacheLayout layout_of(const std::string& architecture, const std::string& more = {}) {
  const std::string text = R"({"architectures": [")" + architecture + "\"], " + kSizes + more + "}";
  const checkpoint::Config config(base::parse_json(text, "config.json").as_object(), "config.json");
  return cache_layout(find_family(config).shape(config));
}

tensor::KeysAndValues heads(int64_t window = 0) {
  return {.kv_heads = 1, .key_dim = 4, .value_dim = 4, .window = window};
}

TEST(CacheLayout, DecodersKeepKeysAndValues) {
  const tensor::CacheLayout layout = layout_of("Qwen3Model");
  EXPECT_THAT(layout, ElementsAre(heads(), heads(), heads()));
  EXPECT_TRUE(ops::is_paged(layout));
  EXPECT_EQ(ops::cache_row_bytes(layout), 3 * 2 * 4 * 4);
  EXPECT_EQ(ops::cache_row_bytes(layout, tensor::DType::kBF16), 3 * 2 * 4 * 2);
  EXPECT_EQ(ops::cache_row_bytes(layout, tensor::DType::kF8E5M2), 3 * 2 * 4);
  ASSERT_EQ(tensor::cache_groups(layout).size(), 1u);
  EXPECT_THAT(tensor::cache_groups(layout)[0].layers, ElementsAre(0, 1, 2));
}

TEST(CacheLayout, LayersThatSeeEquallyFarBackAreAGroup) {
  const tensor::CacheLayout layout = layout_of("Gemma2Model", R"(, "sliding_window": 16)");
  EXPECT_THAT(layout, ElementsAre(heads(16), heads(), heads(16)));
  const std::vector<tensor::CacheGroup> groups = tensor::cache_groups(layout);
  ASSERT_EQ(groups.size(), 3u);  // of one layer each, as the one that sees all is
  EXPECT_THAT(groups[0].layers, ElementsAre(0));
  EXPECT_EQ(groups[1].window, 16);
  EXPECT_THAT(groups[1].layers, ElementsAre(2));
  EXPECT_EQ(groups[2].window, 0);
  EXPECT_EQ(ops::cache_row_bytes(layout), 2 * 4 * 4);  // of one of them
}

TEST(CacheLayout, ConvolutionsKeepAState) {
  const tensor::CacheLayout layout =
      layout_of("Lfm2Model", R"(, "layer_types": ["conv", "full_attention", "conv"])");
  const tensor::RecurrentState state{.rows = 2, .columns = 8};
  EXPECT_THAT(layout, ElementsAre(state, heads(), state));
  EXPECT_FALSE(ops::is_paged(layout));
}

TEST(CacheLayout, LatentAttentionKeepsOneRowOfAToken) {
  const tensor::CacheLayout layout = layout_of("DeepseekV3Model", R"(, "qk_nope_head_dim": 4,
      "qk_rope_head_dim": 2, "v_head_dim": 4, "kv_lora_rank": 6, "n_routed_experts": 2,
      "num_experts_per_tok": 1, "moe_intermediate_size": 8)");
  const tensor::Latent latent{.rank = 6, .rope_dim = 2};
  EXPECT_THAT(layout, ElementsAre(latent, latent, latent));
  EXPECT_TRUE(ops::is_paged(layout));
  EXPECT_EQ(ops::cache_row_bytes(layout), 3 * (6 + 2) * 4);
}

TEST(CacheLayout, LayersShareWhatTheLastOfTheirKindKeeps) {
  const tensor::CacheLayout layout = layout_of("Gemma4TextModel", R"(, "sliding_window": 16,
      "num_kv_shared_layers": 1, "global_head_dim": 8, "rope_parameters": {},
      "layer_types": ["full_attention", "sliding_attention", "full_attention"])");
  EXPECT_THAT(layout,
              ElementsAre(tensor::KeysAndValues{.kv_heads = 1, .key_dim = 8, .value_dim = 8},
                          heads(16), tensor::SharedWith{.layer = 0}));
  EXPECT_TRUE(ops::is_paged(layout));
}

TEST(CacheLayout, DeltaNetsKeepAStateBesideTheConvolutions) {
  const tensor::CacheLayout layout =
      layout_of("Qwen3_5TextModel", R"(, "full_attention_interval": 3,
      "linear_num_key_heads": 1, "linear_num_value_heads": 2, "linear_key_head_dim": 4,
      "linear_value_head_dim": 2, "partial_rotary_factor": 0.5)");
  const tensor::RecurrentState state{.rows = 3, .columns = 2 * 4 + 4, .state = 16};
  EXPECT_THAT(layout, ElementsAre(state, state, heads()));
  EXPECT_FALSE(ops::is_paged(layout));
}

TEST(CacheLayout, ModelsThatTurnLongSequencesOtherwiseKeepTheSame) {
  EXPECT_THAT(layout_of("LlamaModel", R"(, "original_max_position_embeddings": 16,
      "rope_scaling": {"type": "longrope", "short_factor": [1, 1], "long_factor": [2, 2]})"),
              ElementsAre(heads(), heads(), heads()));
}

// One number of tokens decides for all layers what a kept prefix stands for.
TEST(CacheLayout, LayersThatTurnOtherwiseAfterDifferentLengthsAreRefused) {
  const auto layout = [](const std::string& sliding) {
    const std::string scaled = R"({"rope_type": "longrope", "short_factor": [1, 1],
        "long_factor": [2, 2], "original_max_position_embeddings": )";
    return layout_of("Gemma3TextModel", R"(, "rope_parameters": {"full_attention": )" + scaled +
                                            R"(16}, "sliding_attention": )" + scaled + sliding +
                                            "}}");
  };
  EXPECT_EQ(layout("16").size(), 3u);
  try {
    layout("32");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(e.what(), ::testing::HasSubstr("original_max_position_embeddings"));
    EXPECT_THAT(e.what(), ::testing::HasSubstr("16 and 32"));
  }
}

TEST(CacheLayout, NothingIsKeptWhereNoPrefixStandsForItself) {
  EXPECT_THAT(layout_of("BertModel"), IsEmpty());
  EXPECT_THAT(layout_of("Gemma3TextModel", R"(, "use_bidirectional_attention": true)"), IsEmpty());
}

}  // namespace
}  // namespace vecton::models
