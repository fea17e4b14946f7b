// ELECTRA: Clark et al. 2020, arXiv:2003.10555.
#pragma once

#include <memory>

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/model.h"

namespace vecton::electra {

ModelShape shape(const Config& config);
std::unique_ptr<Model> load(const Config& config, Weights weights);
HeadWeights head(const Config& config, HeadKind kind, const Weights& weights);

}  // namespace vecton::electra
