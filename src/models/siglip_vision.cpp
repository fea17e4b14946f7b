#include "models/siglip_vision.h"

#include <cmath>
#include <string>
#include <utility>

#include "models/siglip_layers.h"
#include "vecton/error.h"

namespace vecton::models {

namespace {

nn::VisionTower tower_of(const SiglipSizes& sizes, const checkpoint::Weights& w,
                         ops::LinearWeight embedding, int64_t side,
                         nn::PatchPositions::Resize resize) {
  const int64_t n = sizes.hidden;
  nn::VisionTower tower{
      .embedding = std::move(embedding),
      .positions =
          nn::PatchPositions{
              .table = (w / "embeddings" / "position_embedding").values("weight", side * side, n),
              .side = side,
              .width = n,
              .resize = resize},
      .last_norm = (w / "post_layernorm").layer_norm(n, sizes.eps)};
  for (SiglipLayer& layer : siglip_layers(sizes, w / "encoder" / "layers")) {
    tower.layers.push_back(
        {.attention = std::move(layer.attention), .mlp = std::move(layer.mlp), .branch = {}});
  }
  return tower;
}

}  // namespace

nn::VisionTower siglip_tower(const checkpoint::Config& vision, const checkpoint::Weights& w) {
  const SiglipSizes sizes = siglip_sizes(vision);
  const int64_t patch = vision.integer_or("patch_size", 16, 1, checkpoint::Config::kMostCounted),
                side =
                    vision.integer_or("image_size", 224, patch, checkpoint::Config::kMostCounted) /
                    patch;
  return tower_of(sizes, w,
                  (w / "embeddings" / "patch_embedding")
                      .patches(sizes.hidden, vision.integer_or("num_channels", 3, 1, 64), 1, patch),
                  side, nn::PatchPositions::Resize::kNever);
}

nn::VisionTower siglip2_tower(const checkpoint::Config& vision, const checkpoint::Weights& w) {
  const SiglipSizes sizes = siglip_sizes(vision);
  const int64_t patch = vision.integer_or("patch_size", 16, 1, checkpoint::Config::kMostCounted),
                count = vision.integer_or("num_patches", 256),
                channels = vision.integer_or("num_channels", 3, 1, 64);
  const auto side = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(count))));
  if (side * side != count) {
    throw Error(ErrorCode::kCorrupt, vision.file() +
                                         ": vision_config: num_patches must be a square, it is " +
                                         std::to_string(count));
  }
  return tower_of(sizes, w,
                  (w / "embeddings" / "patch_embedding")
                      .in_float32()
                      .linear(sizes.hidden, channels * patch * patch),
                  side, nn::PatchPositions::Resize::kAntialias);
}

nn::ProbePooling siglip_probe(const checkpoint::Config& vision, const checkpoint::Weights& head) {
  const SiglipSizes sizes = siglip_sizes(vision);
  const int64_t n = sizes.hidden;
  const checkpoint::Weights in = head / "attention" / "in_proj";
  return {.probe = head.vector("probe", n),
          .q = in.linear_rows(0, n, 3 * n, n),
          .kv = in.linear_rows(n, 2 * n, 3 * n, n),
          .out = (head / "attention" / "out_proj").linear(n, n),
          .shape = sizes.attention(),
          .mlp = nn::PreNormMlp{.norm = (head / "layernorm").layer_norm(n, sizes.eps),
                                .mlp = siglip_mlp(sizes, head / "mlp")}};
}

}  // namespace vecton::models
