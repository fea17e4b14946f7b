// The vision tower of Pixtral (arXiv:2410.07073) and of Mistral 3, and what stands for an image in
// their prompts. Called by the families.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/image_input.h"
#include "models/model.h"

namespace vecton::models {

// What tells the two apart, where config.json says nothing.
struct PixtralTower {
  int64_t merge = 1;           // spatial_merge_size
  bool merges = false;         // patches have a norm and a layer that merges them: Mistral 3
  bool bias = false;           // multimodal_projector_bias
  int64_t feature_layer = -1;  // vision_feature_layer
};

// `text`, of rows of `hidden` numbers, with the tower under "vision_tower." and the layers under
// "multi_modal_projector.", where the checkpoint has them. `eps` is of the text's norms. After
// `text` was made.
std::unique_ptr<Model> with_pixtral_tower(std::unique_ptr<Model> text, int64_t hidden, double eps,
                                          const checkpoint::Config& config,
                                          checkpoint::Weights weights, const PixtralTower& kind);

// Of Family::images; nothing where config.json has no vision_config.
std::optional<ImageInput> pixtral_images(const checkpoint::Config& config,
                                         const PixtralTower& kind);

}  // namespace vecton::models
