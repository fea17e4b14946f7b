// Models that compare texts and images, through the engine: padding that nobody counts, what is
// refused, and how else such checkpoints lie in folders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "base/json.h"
#include "base/temporary_folder.h"
#include "checkpoint/test_files.h"
#include "fixture.h"
#include "vecton/vecton.h"

namespace vecton::golden {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Engine> open(const fs::path& model, int64_t max_model_len = 0,
                             const std::string& pooler_config = "") {
  EngineOptions options{.model = model.string()};
  options.threads = 1;
  options.max_model_len = max_model_len;
  options.pooler_config = pooler_config;
  return Engine::open(options);
}

Result ask(Engine& engine, const Request& request) { return engine.submit({request}).get().at(0); }

Image picture() { return {.source = (Fixture("siglip").folder() / "../images/gray.png").string()}; }

const Request kCat{.prompt = {.input = "cat"}, .task = Embed{}};

TEST(DualSettings, PaddingIsReadAndNotCounted) {
  const auto engine = open(Fixture("siglip").model());
  const Result whole = ask(*engine, kCat);
  EXPECT_EQ(whole.usage.prompt_tokens, 2);
  // Up to the length that the model was trained with, whatever it takes.
  const auto brief = open(Fixture("siglip").model(), 8);
  EXPECT_EQ(ask(*brief, kCat).get<Vectors>().values, whole.get<Vectors>().values);
  const Request longer{.prompt = {.input = "What is the total revenue in the quarterly report?"},
                       .task = Embed{}};
  EXPECT_REFUSED(ask(*brief, longer), ErrorCode::kTooLong, "maximum context length is 8");
}

TEST(DualSettings, WhatSuchModelsDoNotHaveIsRefusedByName) {
  const auto engine = open(Fixture("clip").model());
  EXPECT_EQ(engine->info().tasks, std::vector{Task::kEmbed});
  Request request = kCat;
  request.task = TokenEmbed{};
  EXPECT_REFUSED(ask(*engine, request), ErrorCode::kInvalidArgument, "Unsupported task");
  request.task = Classify{};
  EXPECT_REFUSED(ask(*engine, request), ErrorCode::kInvalidArgument, "candidates");
  request.task = Classify{.candidates = {"a cat"}};  // of a text
  EXPECT_REFUSED(ask(*engine, request), ErrorCode::kInvalidArgument, "one image");
  request = kCat;
  request.prompt.images = {picture()};
  EXPECT_REFUSED(ask(*engine, request), ErrorCode::kInvalidArgument, "not both");
  request = {.task = Embed{.late_chunks = {"a", "b"}}};
  EXPECT_REFUSED(ask(*engine, request), ErrorCode::kInvalidArgument, "late chunking");
  EXPECT_REFUSED(open(Fixture("clip").model(), 0, R"({"pooling_type": "MEAN"})"),
                 ErrorCode::kUnsupported, "pooling_type");
  const auto text = open(Fixture("bert-embed-mean").model());
  request = {.prompt = {.input = "", .images = {picture()}}, .task = Embed{}};
  EXPECT_REFUSED(ask(*text, request), ErrorCode::kInvalidArgument, "takes text");
  const auto classifier = open(Fixture("bert-classify-softmax").model());
  request = {.prompt = {.input = "cat"}, .task = Classify{.candidates = {"a cat"}}};
  EXPECT_REFUSED(ask(*classifier, request), ErrorCode::kInvalidArgument, "candidates");
}

// A candidate that is wrong is named.
TEST(DualSettings, CandidatesAreTextsOfTheModel) {
  const auto engine = open(Fixture("siglip").model());
  std::string longer;
  for (int i = 0; i < 40; ++i) longer += "the quarterly report ";
  Request request{.prompt = {.images = {picture()}},
                  .task = Classify{.candidates = {"cat", longer}}};
  EXPECT_REFUSED(ask(*engine, request), ErrorCode::kTooLong, "candidates[1]: ");
  request.prompt.truncation.to = -1;
  EXPECT_EQ(ask(*engine, request).get<Labels>().columns, 2);
}

class DualFolder : public ::testing::Test {
 protected:
  explicit DualFolder(const std::string& fixture = "clip") : fixture_(fixture) {}
  void copy_model(const std::string& into) {
    fs::copy(fixture_.model(), folder_.path() / into, fs::copy_options::recursive);
  }
  std::vector<float> expected(const char* id, const char* what) const {
    for (const json::value& c : fixture_.cases()) {
      if (c.at("id") == id) return fixture_.tensor(c.at("expect").at(what)).values;
    }
    return {};
  }

  Fixture fixture_;
  base::TemporaryFolder folder_;
};

// As sentence-transformers gives them: not of length 1.
TEST_F(DualFolder, OfSentenceTransformersGivesVectorsAsTheyAre) {
  copy_model("0_CLIPModel");
  folder_.write("modules.json",
                R"([{"idx": 0, "name": "0", "path": "0_CLIPModel",
                     "type": "sentence_transformers.models.CLIPModel"}])");
  const auto engine = open(folder_.path());
  EXPECT_THAT(
      ask(*engine, kCat).get<Vectors>().values,
      ::testing::Pointwise(::testing::FloatNear(2e-4f), expected("text_short", "text_embed_raw")));
  const Request image{.prompt = {.images = {picture()}}, .task = Embed{}};
  EXPECT_THAT(
      ask(*engine, image).get<Vectors>().values,
      ::testing::Pointwise(::testing::FloatNear(2e-4f), expected("image_gray", "image_embed_raw")));
}

TEST_F(DualFolder, OfSentenceTransformersSince54NamesItsMethods) {
  copy_model("");
  const char* const modules = R"([{"idx": 0, "name": "0", "path": "",
      "type": "sentence_transformers.base.modules.transformer.Transformer"}])";
  const auto settings = [](const std::string& method) {
    return R"({"transformer_task": "feature-extraction", "modality_config": {"text": {"method": ")" +
           method + R"(", "method_output_name": "pooler_output"}, "image": {"method":
           "get_image_features", "method_output_name": "pooler_output"}},
           "module_output_name": "sentence_embedding"})";
  };
  folder_.write("modules.json", modules);
  folder_.write("sentence_bert_config.json", settings("get_text_features"));
  EXPECT_THAT(
      ask(*open(folder_.path()), kCat).get<Vectors>().values,
      ::testing::Pointwise(::testing::FloatNear(2e-4f), expected("text_short", "text_embed_raw")));
  folder_.write("sentence_bert_config.json", settings("get_audio_features"));
  EXPECT_REFUSED(open(folder_.path()), ErrorCode::kUnsupported, "method");
}

// A text tower alone; what the file has of another is left over.
TEST_F(DualFolder, OfATextTowerAloneReadsTexts) {
  copy_model("");
  const json::object all = base::parse_json(
                               [&] {
                                 std::ifstream file(folder_.path() / "config.json");
                                 return std::string(std::istreambuf_iterator<char>(file), {});
                               }(),
                               "config.json")
                               .as_object();
  json::object text = all.at("text_config").as_object();
  text["architectures"] = {"CLIPTextModelWithProjection"};
  text["projection_dim"] = all.at("projection_dim");
  folder_.write("config.json", json::serialize(text));
  const auto engine = open(folder_.path());
  EXPECT_THAT(
      ask(*engine, kCat).get<Vectors>().values,
      ::testing::Pointwise(::testing::FloatNear(1e-4f), expected("text_short", "embedding")));
  const Request image{.prompt = {.images = {picture()}}, .task = Embed{}};
  EXPECT_REFUSED(ask(*engine, image), ErrorCode::kInvalidArgument, "takes text");
}

// A vision tower alone; of its vectors those of the whole model.
TEST_F(DualFolder, OfAVisionTowerAloneReadsImages) {
  copy_model("");
  fs::remove(folder_.path() / "tokenizer.json");
  const json::object all = base::parse_json(
                               [&] {
                                 std::ifstream file(folder_.path() / "config.json");
                                 return std::string(std::istreambuf_iterator<char>(file), {});
                               }(),
                               "config.json")
                               .as_object();
  json::object vision = all.at("vision_config").as_object();
  vision["architectures"] = {"CLIPVisionModelWithProjection"};
  vision["projection_dim"] = all.at("projection_dim");
  folder_.write("config.json", json::serialize(vision));
  const auto engine = open(folder_.path());
  EXPECT_EQ(engine->info().vocab_size, 0);
  const Request image{.prompt = {.images = {picture()}}, .task = Embed{}};
  EXPECT_THAT(
      ask(*engine, image).get<Vectors>().values,
      ::testing::Pointwise(::testing::FloatNear(1e-4f), expected("image_gray", "embedding")));
  EXPECT_REFUSED(ask(*engine, kCat), ErrorCode::kInvalidArgument, "reads images, and no text");
  Request other = kCat;
  other.prompt.input = std::vector<int32_t>{0};
  EXPECT_REFUSED(ask(*engine, other), ErrorCode::kInvalidArgument, "reads images, and no text");
  other = kCat;
  other.prompt.images = {picture()};
  EXPECT_REFUSED(ask(*engine, other), ErrorCode::kInvalidArgument, "one image, and no text");
  other = image;
  other.task = Classify{.candidates = {"a cat"}};
  EXPECT_REFUSED(ask(*engine, other), ErrorCode::kInvalidArgument, "and no text");
  EXPECT_REFUSED(engine->tokenizer().encode("cat"), ErrorCode::kInvalidArgument, "no tokenizer");
  vision["vision_use_head"] = false;
  vision["architectures"] = {"SiglipVisionModel"};
  vision["model_type"] = "siglip_vision_model";
  folder_.write("config.json", json::serialize(vision));
  EXPECT_REFUSED(open(folder_.path()), ErrorCode::kUnsupported, "vision_use_head");
}

}  // namespace
}  // namespace vecton::golden
