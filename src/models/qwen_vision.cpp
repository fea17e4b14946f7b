#include "models/qwen_vision.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "models/composite.h"
#include "models/equal_heads.h"
#include "models/image_text_model.h"
#include "nn/activation.h"
#include "vecton/error.h"

namespace vecton::models {

namespace {

constexpr double kEps = 1e-6;  // of all of the tower's norms

[[noreturn]] void corrupt(const checkpoint::Config& vision, const std::string& message) {
  throw Error(ErrorCode::kCorrupt, vision.file() + ": vision_config: " + message);
}

struct Sizes {
  int64_t hidden = 0, heads = 0, intermediate = 0, merge = 0, patch = 0, depth = 0, text = 0;
  int64_t head_dim() const { return hidden / heads; }
  int64_t block() const { return merge * merge * hidden; }
  ops::Activation activation = ops::Activation::kGeluTanh;
  float slope = 1;  // nn::Mlp::slope
};

// intermediate_size, or (Qwen2-VL) mlp_ratio times the width.
int64_t intermediate_size(const checkpoint::Config& vision, int64_t hidden) {
  if (vision.has("intermediate_size"))
    return vision.integer("intermediate_size", 1, checkpoint::Config::kMostCounted);
  const double ratio = vision.number("mlp_ratio");
  const auto size = static_cast<int64_t>(ratio * static_cast<double>(hidden));
  if (!(ratio > 0 && ratio < 1000) || size < 1) corrupt(vision, "mlp_ratio: expected 0 to 1000");
  return size;
}

Sizes sizes(const checkpoint::Config& vision, int64_t text, const QwenTower& kind) {
  const bool quick = vision.string_or("hidden_act", kind.activation) == "quick_gelu";
  Sizes s{.hidden = vision.integer(kind.hidden_size, 1, checkpoint::Config::kMostCounted),
          .heads = vision.integer("num_heads", 1, checkpoint::Config::kMostCounted),
          .merge = vision.integer_or("spatial_merge_size", 2, 1, 64),
          .patch = vision.integer("patch_size", 1, checkpoint::Config::kMostCounted),
          .depth = vision.integer("depth", 1, checkpoint::Config::kMostCounted),
          .text = text,
          .activation = quick ? ops::Activation::kSilu
                              : nn::activation(vision, "hidden_act", kind.activation),
          .slope = quick ? 1.702f : 1.0f};
  s.intermediate = intermediate_size(vision, s.hidden);
  equal_heads(vision, kind.hidden_size, "num_heads");
  if (vision.integer_or(kind.out_hidden_size, text) != text) {
    corrupt(vision, std::string(kind.out_hidden_size) + " must be the text model's hidden_size, " +
                        std::to_string(text));
  }
  // Of videos, and what says again how large a patch is.
  vision.ignore({"tokens_per_second", "spatial_patch_size"});
  return s;
}

ops::NormWeight norm(const QwenTower& kind, const checkpoint::Weights& w, int64_t width) {
  return kind.rms_norms ? w.rms_norm(width, kEps) : w.layer_norm(width, kEps);
}

nn::Mlp mlp(const QwenTower::Mlp& names, const checkpoint::Weights& w, int64_t in, int64_t inner,
            int64_t out, ops::Activation activation, float slope = 1) {
  nn::Mlp made{.up = ops::LinearWeight(),
               .down = (w / names.down).linear(out, inner),
               .activation = activation,
               .slope = slope};
  if (names.gate.empty()) {
    made.up = (w / names.up).linear(inner, in);
  } else {
    made.up = w.gated(names.gate, names.up, inner, in, checkpoint::Weights::Bias::kRequired);
  }
  return made;
}

nn::PatchMerger merger(const Sizes& s, const QwenTower& kind, const checkpoint::Weights& w,
                       int64_t norm_width) {
  return {.norm = norm(kind, w / kind.merger_norm, norm_width),
          .mlp = mlp(kind.merger, w, s.block(), s.block(), s.text, ops::Activation::kGelu)};
}

nn::VisionTower::Layer layer(const Sizes& s, const QwenTower& kind, const checkpoint::Weights& w) {
  const int64_t n = s.hidden;
  const checkpoint::Weights qkv = w / "attn" / "qkv";
  return {.attention =
              nn::PreNormAttention{
                  .norm = norm(kind, w / "norm1", n),
                  .attention =
                      nn::SelfAttention{
                          .q = qkv.linear_rows(0, n, 3 * n, n),
                          .kv = qkv.linear_rows(n, 2 * n, 3 * n, n),
                          .out = (w / "attn" / "proj").linear(n, n),
                          .shape = {.heads = s.heads,
                                    .kv_heads = s.heads,
                                    .head_dim = s.head_dim(),
                                    .scale = 1.0f / std::sqrt(static_cast<float>(s.head_dim()))}}},
          .mlp = nn::PreNormMlp{.norm = norm(kind, w / "norm2", n),
                                .mlp = mlp(kind.mlp, w / "mlp", n, s.intermediate, n, s.activation,
                                           s.slope)},
          .branch = {}};
}

nn::PatchPositions positions(const checkpoint::Config& vision, const checkpoint::Weights& w,
                             int64_t width) {
  const int64_t count = vision.integer("num_position_embeddings");
  const auto side = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(count))));
  if (side * side != count)
    corrupt(vision, "num_position_embeddings must be a square, it is " + std::to_string(count));
  return {.table = w.values("weight", count, width), .side = side, .width = width};
}

// Layers of the tower that config.json lists in ascending order.
std::vector<int64_t> layers_of(const checkpoint::Config& vision, std::string_view key,
                               int64_t depth) {
  std::vector<int64_t> layers = vision.integers_or_empty(key);
  int64_t last = -1;
  for (const int64_t i : layers) {
    if (i <= last || i >= depth) {
      corrupt(vision, std::string(key) + ": expected layers of the tower, below " +
                          std::to_string(depth) + ", in ascending order");
    }
    last = i;
  }
  return layers;
}

// How many blocks a window has on a side; all layers but those listed have windows.
int64_t set_windows(const checkpoint::Config& vision, const Sizes& s,
                    std::vector<nn::VisionTower::Layer>& layers) {
  const int64_t pixels = vision.integer_or("window_size", 112), side = pixels / s.merge / s.patch;
  if (side < 1) {
    corrupt(vision, "window_size is " + std::to_string(pixels) + "; expected at least " +
                        std::to_string(s.merge * s.patch) + ", a block of patches");
  }
  for (nn::VisionTower::Layer& layer : layers) layer.windowed = true;
  for (const int64_t i : layers_of(vision, "fullatt_block_indexes", s.depth))
    layers[static_cast<size_t>(i)].windowed = false;
  return side;
}

nn::VisionTower tower(const checkpoint::Config& vision, const checkpoint::Weights& w, int64_t text,
                      const QwenTower& kind) {
  const Sizes s = sizes(vision, text, kind);
  const int64_t channels = vision.integer_or("in_chans", 3, 1, 64);
  nn::VisionTower made{
      .embedding = (w / "patch_embed" / "proj")
                       .patches(s.hidden, vision.integer_or("in_channels", channels, 1, 64),
                                vision.integer_or("temporal_patch_size", 2, 1, 64), s.patch,
                                kind.patch_bias ? checkpoint::Weights::Bias::kRequired
                                                : checkpoint::Weights::Bias::kNone),
      .rope = nn::patch_rope(vision, s.head_dim()),
      .merge = s.merge,
      .merger = merger(s, kind, w / "merger", s.hidden)};
  if (kind.positions) made.positions = positions(vision, w / "pos_embed", s.hidden);
  for (int64_t i = 0; i < s.depth; ++i) made.layers.push_back(layer(s, kind, w / "blocks" / i));
  if (kind.windows) made.window = set_windows(vision, s, made.layers);
  if (!kind.deepstack) return made;
  int64_t index = 0;
  for (const int64_t i : layers_of(vision, "deepstack_visual_indexes", s.depth)) {
    made.layers[static_cast<size_t>(i)].branch =
        merger(s, kind, w / "deepstack_merger_list" / index++, s.block());
  }
  return made;
}

}  // namespace

void rename_qwen_vl(checkpoint::Weights& weights) {
  const checkpoint::Weights::Rename prefixes[] = {{"vlm.model.language_model.", ""},
                                                  {"vlm.model.visual.", "visual."},
                                                  {"vlm.language_model.", ""},
                                                  {"vlm.visual.", "visual."},
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
                                       checkpoint::Weights weights, const QwenTower& kind) {
  check_projection(config, weights / "linear");
  const checkpoint::Weights visual = weights / "visual";
  const std::optional<checkpoint::Config> vision = vlm_config(config).child("vision_config");
  if (!vision || !visual.has("patch_embed.proj.weight")) {
    const std::string_view skipped[] = {"visual"};
    weights.skip(skipped);
    return text;
  }
  return with_tower(std::move(text), tower(*vision, visual, hidden, kind));
}

}  // namespace vecton::models
