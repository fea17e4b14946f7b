// PaliGemma (arXiv:2407.07726): the rows of a SigLIP tower before Gemma's text, whose prompt sees
// itself both ways. ColPali (arXiv:2407.01449) gives a vector for each of its tokens.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/composite.h"
#include "models/family.h"
#include "models/gemma.h"
#include "models/image_text_model.h"
#include "models/siglip_vision.h"
#include "vecton/error.h"

namespace vecton::models::paligemma {

namespace {

struct Configs {
  checkpoint::Config text, vision;
};

Configs configs(const checkpoint::Config& config) {
  const checkpoint::Config whole = vlm_config(config);
  // Of older files, beside the one that counts; and what text_config and the weights say.
  if (config.has("vlm_config")) config.ignore({"text_config"});
  whole.ignore({"hidden_size", "vocab_size", "projection_dim", "ignore_index"});
  const std::optional<checkpoint::Config> text = whole.child("text_config"),
                                          vision = whole.child("vision_config");
  if (!text || !vision) {
    throw Error(ErrorCode::kCorrupt, config.file() + ": " +
                                         (text ? "vision_config" : "text_config") +
                                         " is missing: expected the settings of both models");
  }
  text->require("model_type", "gemma");  // PaliGemma 2 has Gemma 2
  text->ignore({"num_image_tokens"});
  vision->require("model_type", "siglip_vision_model");
  vision->ignore({"num_image_tokens", "projection_dim", "projector_hidden_act", "vision_use_head"});
  return {.text = *text, .vision = *vision};
}

llama::Settings settings(const Configs& of) {
  llama::Settings s = gemma::settings(of.text);
  s.shape.causal = false;
  return s;
}

ModelShape shape(const checkpoint::Config& config) { return settings(configs(config)).shape; }

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const Configs of = configs(config);
  const llama::Settings s = settings(of);
  gemma::rename_parts(weights);
  check_projection(config, weights / "linear");
  std::unique_ptr<Model> text = llama::build(s, of.text, weights);
  nn::VisionTower tower = siglip_tower(of.vision, weights / "vision_tower");
  tower.projection =
      (weights / "multi_modal_projector" / "linear").linear(s.shape.hidden, tower.embedding.w->n);
  return with_tower(std::move(text), std::move(tower));
}

// A query is followed by tokens for what it leaves unsaid.
std::string augmented(std::string_view before, std::string_view text) {
  std::string query(before);
  query += text;
  for (int i = 0; i < 10; ++i) query += "<pad>";
  return query;
}

std::string described(std::string_view images, std::string_view before, std::string_view text) {
  std::string document(images);
  document.append(before).append("Describe the image.");
  if (!text.empty()) document.append(" ").append(text);
  return document + "\n";
}

// transformers' ColPaliProcessor.
std::string query(std::string_view text) { return augmented("<bos>Question: ", text) + "\n"; }

std::string document(std::string_view images, std::string_view text) {
  if (images.empty()) return "<bos>" + std::string(text) + "\n";
  return described(images, "<bos>", text);
}

// colpali-engine's, whose prompt of a page has a <bos> beside that of PaliGemma's processor.
std::string engine_query(std::string_view text) { return augmented("<bos>", text); }

std::string engine_document(std::string_view images, std::string_view text) {
  if (images.empty()) return "<bos>" + std::string(text);
  return described(images, "<bos><bos>", text);
}

std::optional<ImageInput> images(const checkpoint::Config& config) {
  const checkpoint::Config whole = vlm_config(config);
  const int64_t index = whole.integer_or("image_token_index", 256000, 0);
  ImageInput input{.token = static_cast<int32_t>(whole.integer_or("image_token_id", index, 0)),
                   .markup = "<image>",
                   .retrieval = {.query = query, .document = document}};
  const std::vector<std::string> names = config.strings_or_empty("architectures");
  if (!names.empty() && names.front() == "ColPali")
    input.retrieval = {.query = engine_query, .document = engine_document};
  return input;
}

}  // namespace

extern constinit const Family kFamily{
    .name = "paligemma",
    .model_types = {"paligemma", "colpali"},
    .architectures = {{"PaliGemmaModel"},
                      {"PaliGemmaForConditionalGeneration", checkpoint::HeadKind::kOther},
                      {.name = "ColPaliForRetrieval", .late_interaction = true},
                      {.name = "ColPali", .late_interaction = true}},
    .default_pooling = ops::Pooling::kMean,
    .tensors = {.words = "embed_tokens.weight",
                .prefixes = {"vlm.language_model.model.", "model.language_model.model."}},
    .shape = shape,
    .load = load,
    .images = images,
};

}  // namespace vecton::models::paligemma
