#include "models/qwen_vision.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "models/equal_heads.h"
#include "models/image_text_model.h"
#include "nn/activation.h"
#include "vecton/error.h"

namespace vecton::models {

namespace {

constexpr double kEps = 1e-6;  // of all of the tower's norms

struct Sizes {
  int64_t hidden = 0, heads = 0, intermediate = 0, merge = 0, text = 0;
  int64_t head_dim() const { return hidden / heads; }
  int64_t block() const { return merge * merge * hidden; }
  ops::Activation activation = ops::Activation::kGeluTanh;
};

Sizes sizes(const checkpoint::Config& vision, int64_t text) {
  constexpr int64_t kMost = checkpoint::Config::kMostCounted;
  Sizes s{.hidden = vision.integer("hidden_size", 1, kMost),
          .heads = vision.integer("num_heads", 1, kMost),
          .intermediate = vision.integer("intermediate_size"),
          .merge = vision.integer_or("spatial_merge_size", 2, 1, 64),
          .text = text,
          .activation = nn::activation(vision, "hidden_act", "gelu_pytorch_tanh")};
  equal_heads(vision, "hidden_size", "num_heads");
  if (s.head_dim() % 4 != 0) {
    throw Error(ErrorCode::kCorrupt,
                vision.file() + ": vision_config: heads of " + std::to_string(s.head_dim()) +
                    " columns; expected a multiple of 4, which turn by row and column");
  }
  if (vision.integer_or("out_hidden_size", text) != text) {
    throw Error(ErrorCode::kCorrupt, vision.file() +
                                         ": vision_config: out_hidden_size must be the text "
                                         "model's hidden_size, " +
                                         std::to_string(text));
  }
  return s;
}

nn::Mlp mlp(const checkpoint::Weights& w, int64_t in, int64_t inner, int64_t out,
            ops::Activation activation) {
  return {.up = (w / "linear_fc1").linear(inner, in),
          .down = (w / "linear_fc2").linear(out, inner),
          .activation = activation};
}

nn::PatchMerger merger(const Sizes& s, const checkpoint::Weights& w, int64_t norm_width) {
  return {.norm = (w / "norm").layer_norm(norm_width, kEps),
          .mlp = mlp(w, s.block(), s.block(), s.text, ops::Activation::kGelu)};
}

nn::VisionTower::Layer layer(const Sizes& s, const checkpoint::Weights& w) {
  const int64_t n = s.hidden;
  const checkpoint::Weights qkv = w / "attn" / "qkv";
  return {.attention =
              nn::PreNormAttention{
                  .norm = (w / "norm1").layer_norm(n, kEps),
                  .attention =
                      nn::SelfAttention{
                          .q = qkv.linear_rows(0, n, 3 * n, n),
                          .kv = qkv.linear_rows(n, 2 * n, 3 * n, n),
                          .out = (w / "attn" / "proj").linear(n, n),
                          .shape = {.heads = s.heads,
                                    .kv_heads = s.heads,
                                    .head_dim = s.head_dim(),
                                    .scale = 1.0f / std::sqrt(static_cast<float>(s.head_dim()))}}},
          .mlp = nn::PreNormMlp{.norm = (w / "norm2").layer_norm(n, kEps),
                                .mlp = mlp(w / "mlp", n, s.intermediate, n, s.activation)},
          .branch = {}};
}

nn::PatchPositions positions(const checkpoint::Config& vision, const checkpoint::Weights& w,
                             int64_t width) {
  const int64_t count = vision.integer("num_position_embeddings");
  const auto side = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(count))));
  if (side * side != count) {
    throw Error(ErrorCode::kCorrupt, vision.file() +
                                         ": vision_config: num_position_embeddings must be a "
                                         "square, it is " +
                                         std::to_string(count));
  }
  return {.table = w.values("weight", count, width), .side = side, .width = width};
}

double theta(const checkpoint::Config& vision) {
  const std::optional<checkpoint::Config> rope = vision.child("rope_parameters");
  if (!rope) return 10000;
  const std::string type = rope->string_or("rope_type", "axial");
  if (type != "axial" && type != "default") {
    throw Error(ErrorCode::kUnsupported, vision.file() + ": vision_config: rope_type \"" + type +
                                             "\" is not supported; axial is");
  }
  return rope->number_or("rope_theta", 10000);
}

nn::VisionTower tower(const checkpoint::Config& vision, const checkpoint::Weights& w,
                      int64_t text) {
  const Sizes s = sizes(vision, text);
  nn::VisionTower made{
      .embedding = (w / "patch_embed" / "proj")
                       .patches(s.hidden, vision.integer_or("in_channels", 3, 1, 64),
                                vision.integer_or("temporal_patch_size", 2, 1, 64),
                                vision.integer("patch_size", 1, checkpoint::Config::kMostCounted)),
      .positions = positions(vision, w / "pos_embed", s.hidden),
      .rope = nn::PatchRope{.head_dim = s.head_dim(), .theta = theta(vision)},
      .layers = {},
      .merge = s.merge,
      .merger = merger(s, w / "merger", s.hidden)};
  const int64_t depth = vision.integer("depth", 1, checkpoint::Config::kMostCounted);
  for (int64_t i = 0; i < depth; ++i) made.layers.push_back(layer(s, w / "blocks" / i));
  int64_t last = -1, index = 0;
  for (const int64_t i : vision.integers_or_empty("deepstack_visual_indexes")) {
    if (i <= last || i >= depth) {
      throw Error(ErrorCode::kCorrupt,
                  vision.file() + ": vision_config: deepstack_visual_indexes: expected layers of " +
                      "the tower, below " + std::to_string(depth) + ", in ascending order");
    }
    made.layers[static_cast<size_t>(i)].branch =
        merger(s, w / "deepstack_merger_list" / index++, s.block());
    last = i;
  }
  return made;
}

// config.json counts what the projection of every token gives, under one of these names.
void check_projection(const checkpoint::Config& config, const checkpoint::Weights& projection) {
  for (const char* key : {"embed_dim", "dims", "dim"}) {
    if (!projection.has("weight") || !config.has(key)) continue;
    const int64_t said = config.integer(key), rows = projection.rows_of("weight");
    if (said == rows) continue;
    throw Error(said < rows ? ErrorCode::kUnsupported : ErrorCode::kCorrupt,
                config.file() + ": " + key + " is " + std::to_string(said) +
                    ", the projection gives " + std::to_string(rows) +
                    " numbers a token; a part of them is not supported");
  }
}

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
    {"ColQwen3", {.query = augmented, .document = tomoro_document}},
    {"ColQwen3_5", {.query = augmented, .document = engine_document}},
    {"OpsColQwen3Model", {.document = ops_document}},
    {"Qwen3VLNemotronEmbedModel", {.query = nemotron_query, .document = nemotron_document}}};

}  // namespace

void rename_qwen_vl(checkpoint::Weights& weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"vlm.model.language_model.", ""},
                                                  {"vlm.model.visual.", "visual."},
                                                  {"vlm.lm_head.", "lm_head."},
                                                  {"model.language_model.", ""},
                                                  {"model.visual.", "visual."},
                                                  {"language_model.model.", ""},
                                                  {"language_model.lm_head.", "lm_head."},
                                                  {"language_model.", ""},
                                                  {"vision_tower.", "visual."},
                                                  {"custom_text_proj.", "linear."},
                                                  {"embedding_proj_layer.", "linear."},
                                                  {"model.", ""}};
  weights.rename_prefixes(prefixes);
}

std::unique_ptr<Model> with_qwen_tower(std::unique_ptr<Model> text, int64_t hidden,
                                       const checkpoint::Config& config,
                                       checkpoint::Weights weights) {
  check_projection(config, weights / "linear");
  const checkpoint::Weights visual = weights / "visual";
  const std::optional<checkpoint::Config> vision = config.child("vision_config");
  if (!vision || !visual.has("patch_embed.proj.weight")) {
    const std::string_view skipped[] = {"visual"};
    weights.skip(skipped);
    return text;
  }
  return with_tower(std::move(text), tower(*vision, visual, hidden));
}

std::optional<ImageInput> qwen_images(const checkpoint::Config& config) {
  const std::optional<checkpoint::Config> vision = config.child("vision_config");
  if (!vision) return std::nullopt;
  ImageInput images{.token = static_cast<int32_t>(config.integer("image_token_id", 0)),
                    .markup = "<|vision_start|><|image_pad|><|vision_end|>",
                    .merge = vision->integer_or("spatial_merge_size", 2, 1, 64),
                    .axis_positions = true};
  const std::vector<std::string> architectures = config.strings_or_empty("architectures");
  for (const Retrieval& row : kRetrieval) {
    if (!architectures.empty() && architectures.front() == row.architecture)
      images.retrieval = row.prompt;
  }
  return images;
}

}  // namespace vecton::models
