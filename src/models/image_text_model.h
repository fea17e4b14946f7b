// A text model that reads what a vision tower makes of images.
#pragma once

#include <memory>

#include "models/model.h"
#include "nn/vision_tower.h"

namespace vecton::models {

// `text` puts the tower's rows in place of those of their ids (nn::ImageRows).
std::unique_ptr<Model> with_tower(std::unique_ptr<Model> text, nn::VisionTower tower);

}  // namespace vecton::models
