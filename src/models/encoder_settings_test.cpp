// Settings of config.json that the encoder families understand and do not support are refused by
// name, before a weight is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/json.h"
#include "models/registry.h"
#include "vecton/error.h"

namespace vecton::models {
namespace {

using ::testing::HasSubstr;

const std::string kBert = R"("hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1,
    "vocab_size": 10, "max_position_embeddings": 16, "intermediate_size": 8)";
const std::string kNomicTable = R"("architectures": ["NomicBertModel"], "n_embd": 8, "n_head": 2,
    "n_layer": 1, "vocab_size": 10, "n_positions": 16, "n_inner": 8,
    "activation_function": "swiglu")";

const std::string kNomic = kNomicTable + R"(, "rotary_emb_fraction": 1.0)";

std::string architecture(const std::string& name) {
  return R"("architectures": [")" + name + "\"], " + kBert;
}

ModelShape shape_of(const std::string& settings) {
  const checkpoint::Config config(base::parse_json("{" + settings + "}", "config.json").as_object(),
                                  "config.json");
  return find_family(config).shape(config);
}

std::string refusal(const std::string& settings, const std::string& change,
                    const std::string& supported = {}) {
  EXPECT_NO_THROW(shape_of(settings + (supported.empty() ? "" : ", " + supported)));
  try {
    shape_of(settings + ", " + change);
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was refused";
}

TEST(EncoderSettings, RefusesWhatChangesTheNumbersByName) {
  const std::string xlm = architecture("XLMRobertaModel"), gte = architecture("NewModel"),
                    deberta = architecture("DebertaV2Model");
  EXPECT_THAT(refusal(xlm, R"("lora_adaptations": ["retrieval.query"])"),
              HasSubstr("lora_adaptations"));
  EXPECT_THAT(refusal(xlm, R"("emb_pooler": "mean")"), HasSubstr("emb_pooler"));
  EXPECT_THAT(refusal(xlm, R"("position_embedding_type": "alibi")"),
              HasSubstr("position_embedding_type"));
  EXPECT_THAT(refusal(xlm, R"("pad_token_id": 15)"), HasSubstr("max_position_embeddings"));
  EXPECT_THAT(refusal(gte, R"("logn_attention_scale": true)"), HasSubstr("logn_attention_scale"));
  EXPECT_THAT(refusal(gte, R"("layer_norm_type": "rms_norm")"), HasSubstr("layer_norm_type"));
  EXPECT_THAT(refusal(deberta, R"("pos_att_type": "c2p|p2p")"), HasSubstr("p2p"));
  EXPECT_THAT(refusal(deberta, R"("norm_rel_ebd": "batch_norm")"), HasSubstr("norm_rel_ebd"));
  EXPECT_THAT(refusal(deberta, R"("position_buckets": 2)"), HasSubstr("position_buckets"));
  EXPECT_THAT(refusal(deberta, R"("attention_head_size": 3)"), HasSubstr("attention_head_size"));
  EXPECT_THAT(refusal(kNomic, R"("num_experts": 8)"), HasSubstr("num_experts"));
  EXPECT_THAT(refusal(kNomic, R"("moe_every_n_layers": 2, "num_experts": 8, "moe_top_k": 2)"),
              HasSubstr("moe_every_n_layers"));
  const std::string jina = architecture("JinaBertModel") + R"(, "feed_forward_type": "geglu")";
  EXPECT_THAT(refusal(jina, R"("position_embedding_type": "absolute")",
                      R"("position_embedding_type": "alibi")"),
              HasSubstr("position_embedding_type"));
  EXPECT_THAT(refusal(kNomic, R"("prenorm": true)"), HasSubstr("prenorm"));
}

// They are counted out before a weight is read.
TEST(EncoderSettings, RefusesImpossibleNumbersOfLayers) {
  for (const std::string name : {"ModernBertModel", "Qwen3Model", "Gemma3TextModel"}) {
    EXPECT_THAT(refusal(R"("architectures": [")" + name + R"("], "hidden_size": 8,
                "num_attention_heads": 2, "head_dim": 4, "num_key_value_heads": 1,
                "vocab_size": 10, "max_position_embeddings": 16)",
                        R"("num_hidden_layers": 2147483647)", R"("num_hidden_layers": 1)"),
                HasSubstr("num_hidden_layers"));
  }
}

TEST(EncoderSettings, NomicHasRotaryPositions) {
  for (const std::string fraction : {"", R"(, "rotary_emb_fraction": 1.5)"}) {
    try {
      shape_of(kNomicTable + fraction);
      ADD_FAILURE() << "nothing was refused";
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr("rotary_emb_fraction"));
    }
  }
}

TEST(EncoderSettings, PositionsOfTableOfRobertaStartAfterThePadding) {
  EXPECT_EQ(shape_of(architecture("RobertaModel")).max_positions, 14);
  EXPECT_EQ(shape_of(architecture("RobertaModel") + R"(, "pad_token_id": 0)").max_positions, 15);
  EXPECT_EQ(shape_of(architecture("MPNetModel") + R"(, "pad_token_id": 0)").max_positions, 14);
  EXPECT_EQ(shape_of(architecture("XLMRobertaModel") + R"(, "position_embedding_type": "rotary")")
                .max_positions,
            16);
}

TEST(EncoderSettings, NomicsTextsStayWhereScalingChangesNothing) {
  EXPECT_EQ(shape_of(kNomic).max_positions, 16);
  EXPECT_EQ(shape_of(kNomic + R"(, "rotary_scaling_factor": 2, "max_trained_positions": 8)")
                .max_positions,
            8);
}

}  // namespace
}  // namespace vecton::models
