// What config.json says of models that read a SigLIP tower's rows beside a text, and their prompts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/json.h"
#include "models/registry.h"
#include "vecton/error.h"

namespace vecton::models {
namespace {

using ::testing::HasSubstr;

const std::string kVision = R"("vision_config": {"model_type": "siglip_vision_model"})";
const std::string kGemma = R"("text_config": {"model_type": "gemma", "hidden_size": 8,
    "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 10, "intermediate_size": 12})";
const std::string kModernBert = R"("text_config": {"model_type": "modernbert", "hidden_size": 8,
    "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 10, "intermediate_size": 12})";

checkpoint::Config config_of(const std::string& architecture, const std::string& settings) {
  const std::string text = R"({"architectures": [")" + architecture + "\"], " + settings + "}";
  return checkpoint::Config(base::parse_json(text, "config.json").as_object(), "config.json");
}

ModelShape shape_of(const std::string& architecture, const std::string& settings) {
  const checkpoint::Config config = config_of(architecture, settings);
  return find_family(config).shape(config);
}

ImageInput images_of(const std::string& architecture, const std::string& settings) {
  const checkpoint::Config config = config_of(architecture, settings);
  return find_family(config).images(config).value();
}

std::string refusal_of(const std::string& architecture, const std::string& settings) {
  try {
    shape_of(architecture, settings);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

const std::string kGemma3 = R"("text_config": {"model_type": "gemma3_text", "hidden_size": 8,
    "num_hidden_layers": 1, "intermediate_size": 12, "sliding_window": 1024})";
std::string vision_of(int side, int patch) {
  return R"("vision_config": {"model_type": "siglip_vision_model", "image_size": )" +
         std::to_string(side) + R"(, "patch_size": )" + std::to_string(patch) + "}";
}

std::string wrapped(const std::string& inner) { return R"("vlm_config": {)" + inner + "}"; }

std::string ten(const std::string& token) {
  std::string all;
  for (int i = 0; i < 10; ++i) all += token;
  return all;
}

TEST(PaliGemma, SeesBothWaysWhateverItsConfigSays) {
  const std::string both = kGemma + ", " + kVision;
  EXPECT_FALSE(shape_of("PaliGemmaModel", both).causal);
  EXPECT_FALSE(shape_of("ColPali", both).causal);
  const ModelShape shape = shape_of("ColPaliForRetrieval", wrapped(both));
  EXPECT_FALSE(shape.causal);
  EXPECT_EQ(shape.head_dim, 256) << "where the file leaves Gemma's out";
  EXPECT_EQ(shape.max_positions, 8192);
}

TEST(PaliGemma, RefusesByNameWhatItDoesNotRead) {
  EXPECT_THAT(refusal_of("ColPaliForRetrieval", wrapped(kGemma)),
              HasSubstr("config.json: vision_config is missing"));
  EXPECT_THAT(refusal_of("PaliGemmaModel", kVision), HasSubstr("text_config is missing"));
  const std::string gemma2 = R"("text_config": {"model_type": "gemma2"})";
  EXPECT_THAT(refusal_of("PaliGemmaModel", gemma2 + ", " + kVision), HasSubstr("model_type"));
  const std::string clip = R"("vision_config": {"model_type": "clip_vision_model"})";
  EXPECT_THAT(refusal_of("PaliGemmaModel", kGemma + ", " + clip), HasSubstr("model_type"));
}

TEST(PaliGemma, ReadsThePromptsOfItsProcessor) {
  const std::string both = kGemma + ", " + kVision + R"(, "image_token_index": 7)";
  const ImageInput images = images_of("ColPaliForRetrieval", wrapped(both));
  EXPECT_EQ(images.token, 7);
  EXPECT_EQ(images.markup, "<image>");
  const RetrievalPrompt& own = images.retrieval;
  EXPECT_FALSE(own.add_special_tokens);
  EXPECT_EQ(own.query("cat"), "<bos>Question: cat" + ten("<pad>") + "\n");
  EXPECT_EQ(own.document("<image>", ""), "<image><bos>Describe the image.\n");
  EXPECT_EQ(own.document("<image>", "Now."), "<image><bos>Describe the image. Now.\n");
  EXPECT_EQ(own.document("", "cat"), "<bos>cat\n");
  const RetrievalPrompt engine = images_of("ColPali", both).retrieval;
  EXPECT_EQ(engine.query("cat"), "<bos>cat" + ten("<pad>"));
  EXPECT_EQ(engine.document("<image>", ""), "<image><bos><bos>Describe the image.\n");
  EXPECT_EQ(engine.document("", "cat"), "<bos>cat");
}

TEST(PaliGemma, HasATokenOfImagesUnderEitherName) {
  const std::string both = kGemma + ", " + kVision;
  EXPECT_EQ(images_of("PaliGemmaModel", both).token, 256000);
  EXPECT_EQ(images_of("PaliGemmaModel", both + R"(, "image_token_id": 5)").token, 5);
}

TEST(ModernVBert, TakesBothConfigsFromWhereTheyAre) {
  const std::string both = kModernBert + ", " + kVision;
  EXPECT_EQ(shape_of("ModernVBertModel", both).hidden, 8);
  EXPECT_EQ(shape_of("ColModernVBertForRetrieval", wrapped(both)).hidden, 8);
  EXPECT_THAT(refusal_of("ModernVBertModel", kModernBert),
              HasSubstr("config.json: vision_config is missing"));
  EXPECT_THAT(refusal_of("ColModernVBert", kVision), HasSubstr("text_config is missing"));
  EXPECT_THAT(refusal_of("ModernVBertModel", kGemma + ", " + kVision), HasSubstr("model_type"));
}

TEST(ModernVBert, ReadsThePromptsOfItsProcessor) {
  const std::string both =
      kModernBert + ", " + kVision + R"(, "image_token_id": 7, "pixel_shuffle_factor": 2)";
  const ImageInput images = images_of("ColModernVBertForRetrieval", wrapped(both));
  EXPECT_EQ(images.token, 7);
  EXPECT_EQ(images.merge, 2);
  EXPECT_TRUE(images.retrieval.add_special_tokens);
  EXPECT_EQ(images.retrieval.query("cat"), "cat" + ten("<end_of_utterance>"));
  EXPECT_EQ(images.retrieval.document("", "cat"), "cat");
  EXPECT_EQ(images.retrieval.document("<image>", ""),
            "<|begin_of_text|>User:<image>Describe the image.<end_of_utterance>\nAssistant:");
}

TEST(ModernVBert, SpellsOutTilesByRowAndColumn) {
  const auto tiles = images_of("ModernVBertModel", kModernBert + ", " + kVision).tiles;
  const std::string around = "<fake_token_around_image>";
  EXPECT_EQ(tiles(0, 0), around + "<global-img><image>" + around);
  EXPECT_EQ(tiles(2, 1), around + "<row_1_col_1><image>\n" + around + "<row_2_col_1><image>\n\n" +
                             around + "<global-img><image>" + around);
}

TEST(Gemma3, HasWhatItsTextConfigLeavesOut) {
  const ModelShape shape =
      shape_of("Gemma3ForConditionalGeneration", kGemma3 + ", " + vision_of(896, 14));
  EXPECT_TRUE(shape.causal);
  EXPECT_EQ(shape.heads, 8);
  EXPECT_EQ(shape.kv_heads, 4);
  EXPECT_EQ(shape.head_dim, 256);
  EXPECT_EQ(shape.vocab, 262208);
  EXPECT_EQ(shape.max_positions, 131072);
}

TEST(Gemma3, ReadsImagesBetweenTheirTokens) {
  const ImageInput images =
      images_of("Gemma3ForConditionalGeneration",
                kGemma3 + ", " + vision_of(896, 14) + R"(, "image_token_index": 7)");
  EXPECT_EQ(images.token, 7);
  EXPECT_EQ(images.placeholder, "<start_of_image>");
  EXPECT_EQ(images.tiles(0, 0), "\n\n<start_of_image><image_soft_token><end_of_image>\n\n");
  EXPECT_TRUE(images.both_ways);
  tensor::Image image;
  image.rows = image.columns = 64;
  EXPECT_EQ(images.rows(image), 256);
  const checkpoint::Config text = config_of("Gemma3ForConditionalGeneration", kGemma3);
  EXPECT_FALSE(find_family(text).images(text));
}

TEST(Gemma3, RefusesByNameWhatItDoesNotRead) {
  const auto refusal = [](const std::string& settings) {
    return refusal_of("Gemma3ForConditionalGeneration", settings);
  };
  EXPECT_THAT(refusal(vision_of(896, 14)), HasSubstr("text_config is missing"));
  EXPECT_THAT(refusal(kGemma3 + ", " + vision_of(896, 14) + R"(, "mm_tokens_per_image": 255)"),
              HasSubstr("mm_tokens_per_image is 255"));
  EXPECT_THAT(refusal(kGemma3 + ", " + vision_of(140, 14)), HasSubstr("10 patches on a side"));
  EXPECT_THAT(refusal(kGemma3 + ", " + vision_of(896, 14) + R"(, "mm_tokens_per_image": 4096)"),
              HasSubstr("sliding_window is 1024"));
}

}  // namespace
}  // namespace vecton::models
