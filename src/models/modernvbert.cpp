// ModernVBERT (arXiv:2510.01149): ModernBERT that reads the patches of a SigLIP tower among its
// words, several side by side to a row. ColModernVBERT gives a vector for each of its tokens.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/composite.h"
#include "models/family.h"
#include "models/image_text_model.h"
#include "models/modernbert.h"
#include "models/siglip_vision.h"
#include "vecton/error.h"

namespace vecton::models::modernvbert {

namespace {

struct Configs {
  checkpoint::Config whole, text, vision;

  int64_t shuffle() const { return whole.integer_or("pixel_shuffle_factor", 4, 1, 64); }
};

Configs configs(const checkpoint::Config& config) {
  const checkpoint::Config whole = vlm_config(config);
  whole.ignore({"vocab_size", "initializer_cutoff_factor"});
  const std::optional<checkpoint::Config> text = whole.child("text_config"),
                                          vision = whole.child("vision_config");
  if (!text || !vision) {
    throw Error(ErrorCode::kCorrupt, config.file() + ": " +
                                         (text ? "vision_config" : "text_config") +
                                         " is missing: expected the settings of both models");
  }
  text->require("model_type", "modernbert");
  vision->require("model_type", "siglip_vision_model");
  vision->ignore({"vision_use_head"});
  return {.whole = whole, .text = *text, .vision = *vision};
}

ModelShape shape(const checkpoint::Config& config) {
  return modernbert::shape(configs(config).text);
}

void rename(checkpoint::Weights& weights) {
  const std::vector<checkpoint::Weights::Rename> levels[] = {{{"vlm.", ""}},
                                                             {{"model.", ""}},
                                                             {{"text_model.", ""},
                                                              {"projection_head.", "head."},
                                                              {"lm_head.", "decoder."},
                                                              {"embedding_proj_layer.", "linear."},
                                                              {"custom_text_proj.", "linear."}}};
  for (const auto& rules : levels) weights.rename_prefixes(rules);
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const Configs of = configs(config);
  rename(weights);
  check_projection(config, weights / "linear");
  nn::VisionTower tower = siglip_tower(of.vision, weights / "vision_model");
  tower.merge = of.shuffle();
  tower.row_by_row = true;
  tower.merger = nn::PatchMerger{};
  tower.projection = (weights / "connector" / "modality_projection")
                         .linear(modernbert::shape(of.text).hidden,
                                 tower.merge * tower.merge * tower.embedding.w->n,
                                 checkpoint::Weights::Bias::kNone);
  return with_tower(modernbert::build(of.text, weights), std::move(tower));
}

checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& weights) {
  return modernbert::head(configs(config).text, kind, labels, weights);
}

// Idefics3Processor: each tile with its place, then the whole picture in one.
std::string tiles(int64_t rows, int64_t columns) {
  const std::string around = "<fake_token_around_image>", whole = "<global-img><image>" + around;
  std::string text;
  for (int64_t row = 1; row <= rows; ++row) {
    for (int64_t column = 1; column <= columns; ++column) {
      text +=
          around + "<row_" + std::to_string(row) + "_col_" + std::to_string(column) + "><image>";
    }
    text += "\n";
  }
  if (rows > 0) text += "\n";
  return text + around + whole;
}

std::string query(std::string_view text) {
  std::string query(text);
  for (int i = 0; i < 10; ++i) query += "<end_of_utterance>";
  return query;
}

std::string document(std::string_view images, std::string_view text) {
  if (images.empty()) return std::string(text);
  std::string document = "<|begin_of_text|>User:";
  document.append(images).append("Describe the image.");
  if (!text.empty()) document.append(" ").append(text);
  return document.append("<end_of_utterance>\nAssistant:");
}

std::optional<ImageInput> images(const checkpoint::Config& config) {
  const Configs of = configs(config);
  return ImageInput{
      .token = static_cast<int32_t>(of.whole.integer_or("image_token_id", 50407, 0)),
      .markup = "<image>",
      .merge = of.shuffle(),
      .tiles = tiles,
      .retrieval = {.query = query, .document = document, .add_special_tokens = true}};
}

}  // namespace

extern constinit const Family kFamily{
    .name = "modernvbert",
    .model_types = {"modernvbert", "colmodernvbert"},
    .architectures = {{"ModernVBertModel"},
                      {"ModernVBertForMaskedLM", checkpoint::HeadKind::kMaskedLm},
                      {"ModernVBertForSequenceClassification", checkpoint::HeadKind::kOther},
                      {"ModernVBertForTokenClassification", checkpoint::HeadKind::kOther},
                      {.name = "ColModernVBertForRetrieval", .late_interaction = true},
                      {.name = "ColModernVBert", .late_interaction = true}},
    .default_pooling = ops::Pooling::kMean,
    .tensors = {.words = "embeddings.tok_embeddings.weight",
                .prefixes = {"vlm.text_model.", "model.text_model."}},
    .shape = shape,
    .load = load,
    .head = head,
    .images = images,
};

}  // namespace vecton::models::modernvbert
