// SigLIP's vision tower (arXiv:2303.15343), alone or inside of models that read text as well.
// Called by the families.
#pragma once

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "nn/vision_tower.h"

namespace vecton::models {

// `vision`: the tower's config. `w`: what stands before "embeddings", mostly "vision_model". Rows
// of patches, row by row, after the last norm; positions are of image_size alone. "head" is not
// taken: models that read a text beside the patches have none, or do not use it.
nn::VisionTower siglip_tower(const checkpoint::Config& vision, const checkpoint::Weights& w);

// SigLIP 2's (arXiv:2502.14786) whose pictures have their own shapes (NaFlex): patches with the
// channels last, and positions that are drawn to each picture's grid.
nn::VisionTower siglip2_tower(const checkpoint::Config& vision, const checkpoint::Weights& w);

// `head`: its path, where in_proj_weight is called in_proj.weight. One row of an image, which a
// learned query makes of those of its patches.
nn::ProbePooling siglip_probe(const checkpoint::Config& vision, const checkpoint::Weights& head);

}  // namespace vecton::models
