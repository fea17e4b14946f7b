// What stands around an image in the prompts of Qwen's families.
#include <string>
#include <utility>
#include <vector>

#include "models/composite.h"
#include "models/qwen_vision.h"

namespace vecton::models {

namespace {

// What stands behind a query of a model that was trained with it.
std::string augmented(std::string_view text) {
  std::string query(text);
  for (int i = 0; i < 10; ++i) query += "<|endoftext|>";
  return query;
}

std::string described(std::string_view images, std::string_view text, std::string_view after) {
  std::string document = "<|im_start|>user\n";
  document.append(images).append("Describe the image.");
  if (!text.empty()) document.append(" ").append(text);
  return document.append("<|im_end|>").append(after);
}

// Of transformers' classes of ColQwen.
std::string asked(std::string_view text) { return "Query: " + augmented(text) + "\n"; }

std::string tomoro_document(std::string_view images, std::string_view text) {
  return images.empty() ? augmented(text) : described(images, text, "<|endoftext|>");
}

std::string engine_document(std::string_view images, std::string_view text) {
  return images.empty() ? std::string(text) : described(images, text, "<|endoftext|>");
}

std::string ops_document(std::string_view images, std::string_view text) {
  return images.empty() ? std::string(text)
                        : described(images, text, "<|im_start|>assistant\n<|endoftext|>");
}

std::string turn(std::string_view images, std::string_view words, std::string_view text) {
  std::string prompt = "<|im_start|>user\n";
  prompt.append(images).append(words).append(text);
  return prompt.append("<|im_end|>\n<|im_start|>assistant\n");
}

std::string nemotron_query(std::string_view text) { return turn("", "Query: query: ", text); }

std::string nemotron_document(std::string_view images, std::string_view text) {
  return turn(images, "passage: ", text);
}

struct Retrieval {
  std::string_view architecture;
  RetrievalPrompt prompt;
};
constexpr Retrieval kRetrieval[] = {
    {"ColQwen2", {.query = augmented, .document = engine_document}},
    {"ColQwen2_5", {.query = augmented, .document = engine_document}},
    {"ColQwen2ForRetrieval", {.query = asked, .document = engine_document}},
    {"ColQwen2_5ForRetrieval", {.query = asked, .document = engine_document}},
    {"ColQwen3", {.query = augmented, .document = tomoro_document}},
    {"ColQwen3_5", {.query = augmented, .document = engine_document}},
    {"OpsColQwen3Model", {.document = ops_document}},
    {"Qwen3VLNemotronEmbedModel", {.query = nemotron_query, .document = nemotron_document}}};

}  // namespace

std::optional<ImageInput> qwen_images(const checkpoint::Config& config) {
  const checkpoint::Config whole = vlm_config(config);
  const std::optional<checkpoint::Config> vision = whole.child("vision_config");
  if (!vision) return std::nullopt;
  ImageInput images{.token = static_cast<int32_t>(whole.integer("image_token_id", 0)),
                    .markup = "<|vision_start|><|image_pad|><|vision_end|>",
                    .merge = vision->integer_or("spatial_merge_size", 2, 1, 64),
                    .axis_positions = config.boolean_or("use_mrope", true)};
  const std::vector<std::string> architectures = config.strings_or_empty("architectures");
  for (const Retrieval& row : kRetrieval) {
    if (!architectures.empty() && architectures.front() == row.architecture)
      images.retrieval = row.prompt;
  }
  if (config.has(kKeptDimensions)) images.kept_dimensions = config.integer(kKeptDimensions);
  return images;
}

}  // namespace vecton::models
