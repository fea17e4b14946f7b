// NomicBERT: Nussbaum et al. 2024, arXiv:2402.01613.
#pragma once

#include <memory>

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/model.h"

namespace vecton::nomic_bert {

ModelShape shape(const Config& config);
std::unique_ptr<Model> load(const Config& config, Weights weights);
HeadWeights head(const Config& config, HeadKind kind, const Weights& weights);

}  // namespace vecton::nomic_bert
