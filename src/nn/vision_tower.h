// VisionTower: an image's patches to rows of a text model: pre-norm layers in which the patches of
// an image, or of a window of it, see each other, then a row of merge x merge patches. That of
// Qwen2-VL, Qwen2.5-VL and Qwen3-VL (arXiv:2409.12191, 2502.13923, 2511.21631) and their
// relatives. Immutable after load.
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
    std::optional<PatchMerger> branch = {};  // of what this layer gives: more columns of a row
    bool windowed = false;                   // patches see those of their window alone
  };

  ops::LinearWeight embedding;  // [width, values of a patch]
  bool row_by_row = false;      // how an image's patches come; otherwise block by block
  std::optional<PatchPositions> positions = {};
  std::optional<PatchRope> rope = {};
  std::vector<Layer> layers = {};
  std::optional<ops::NormWeight> last_norm = {};  // of what the last layer gives
  int64_t merge = 1;
  int64_t window = 0;  // blocks on a side of a window of windowed layers
  PatchMerger merger;

  // A row for each block of merge x merge patches, row by row, image by image: the merger's
  // columns, then those of the branches, in the order of the layers. Errors say what an image has
  // that this tower does not read.
  Tensor forward(Ops& ops, std::span<const tensor::Image* const> images) const;
};

}  // namespace vecton::nn
