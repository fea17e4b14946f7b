// Mistral: Llama with a window over all layers. Jiang et al. 2023, arXiv:2310.06825.
#pragma once

#include <memory>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/model.h"

namespace vecton::mistral {

ModelShape shape(const Config& config);
std::unique_ptr<Model> load(const Config& config, Weights weights);

}  // namespace vecton::mistral
