// Qwen3: https://arxiv.org/abs/2505.09388
#pragma once

#include <memory>

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/model.h"

namespace vecton::qwen3 {

ModelShape shape(const Config& config);
std::unique_ptr<Model> load(const Config& config, Weights weights);

}  // namespace vecton::qwen3
