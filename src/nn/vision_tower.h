// VisionTower: an image's patches to rows of a text model: pre-norm layers in which the patches of
// an image see each other, then a row of merge x merge patches. Qwen3-VL's and its relatives'
// (arXiv:2511.21631). Immutable after load.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nn/mlp.h"
#include "nn/patch_grid.h"
#include "nn/pre_norm.h"
#include "ops/ops.h"
#include "tensor/image.h"

namespace vecton::nn {

// Patches side by side to a row.
struct PatchMerger {
  ops::NormWeight norm;  // of each patch, or of all of a row: as wide as its weight is
  Mlp mlp;

  Tensor forward(Ops& ops, const Tensor& blocks) const;
};

struct VisionTower {
  struct Layer {
    PreNormAttention attention;
    PreNormMlp mlp;
    std::optional<PatchMerger> branch;  // of what this layer gives: more columns of a row
  };

  ops::LinearWeight embedding;  // [width, values of a patch]
  std::optional<PatchPositions> positions;
  std::optional<PatchRope> rope;
  std::vector<Layer> layers;
  int64_t merge = 1;
  PatchMerger merger;

  // A row for each block of merge x merge patches, in their order, image by image: the merger's
  // columns, then those of the branches, in the order of the layers. Errors say what an image has
  // that this tower does not read.
  Tensor forward(Ops& ops, std::span<const tensor::Image* const> images) const;
};

}  // namespace vecton::nn
