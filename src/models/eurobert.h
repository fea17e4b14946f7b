// EuroBERT: Llama's blocks, where every token sees all others. Boizard et al. 2025,
// arXiv:2503.05500.
#pragma once

#include <memory>

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/model.h"

namespace vecton::eurobert {

ModelShape shape(const Config& config);
std::unique_ptr<Model> load(const Config& config, Weights weights);
HeadWeights head(const Config& config, HeadKind kind, const Weights& weights);

}  // namespace vecton::eurobert
