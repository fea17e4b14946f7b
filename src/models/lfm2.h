// LFM2: short convolutions and grouped-query attention, layer by layer. Liquid AI 2025,
// https://www.liquid.ai/blog/liquid-foundation-models-v2-our-second-series-of-generative-ai-models
#pragma once

#include <memory>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/model.h"

namespace vecton::lfm2 {

ModelShape shape(const Config& config);
std::unique_ptr<Model> load(const Config& config, Weights weights);

}  // namespace vecton::lfm2
