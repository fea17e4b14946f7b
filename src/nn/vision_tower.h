// VisionTower: an image's patches to rows: pre-norm layers in which the patches of an image, or of
// a window of it, see each other, then what is left out or not: a row of merge x merge patches
// (Qwen2-VL, Qwen2.5-VL, Qwen3-VL, arXiv:2409.12191, 2502.13923, 2511.21631), one row of an image
// (SigLIP, arXiv:2303.15343; CLIP, arXiv:2103.00020). Immutable after load.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nn/mlp.h"
#include "nn/patch_grid.h"
#include "nn/pre_norm.h"
#include "nn/probe_pooling.h"
#include "ops/ops.h"
#include "tensor/image.h"

namespace vecton::nn {

// Patches side by side to a row, or their mean.
struct PatchMerger {
  bool averaged = false;
  // Of each patch, or of all of a row: as wide as its weight is.
  std::optional<ops::NormWeight> norm = {};
  // Of the patches of a row, side by side: column by column, the first of all patches first, as a
  // convolution over them reads it (Mistral 3).
  std::optional<ops::LinearWeight> reduction = {};
  std::optional<Mlp> mlp = {};

  // Of each `count` rows of x that follow one another.
  Tensor forward(Ops& ops, const Tensor& x, int64_t count) const;
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
  // A row of its own before each image's patches, with its position in it; empty = none has. It
  // alone is left then. The embedding has no bias, and there are no rope and no windows.
  std::vector<float> class_row = {};
  std::optional<ops::NormWeight> first_norm = {};  // before the layers
  std::vector<Layer> layers = {};
  std::optional<ops::NormWeight> last_norm = {};  // of every row that the layers give
  int64_t merge = 1;
  int64_t window = 0;  // blocks on a side of a window of windowed layers
  // At most one of these: the merger makes a row of merge x merge patches, the probe one of an
  // image.
  std::optional<PatchMerger> merger = {};
  std::optional<ProbePooling> probe = {};
  std::optional<ops::LinearWeight> projection = {};  // of each row in the end

  // The rows of all images, image by image: one for each block of merge x merge patches, row by
  // row, or one in all. Their columns are followed by those of the branches, in the order of the
  // layers. Errors say what an image has that this tower does not read.
  Tensor forward(Ops& ops, std::span<const tensor::Image* const> images) const;
};

}  // namespace vecton::nn
