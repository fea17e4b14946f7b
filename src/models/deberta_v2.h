// DeBERTa v2 and v3: He et al., arXiv:2006.03654 and arXiv:2111.09543.
#pragma once

#include <memory>

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/model.h"

namespace vecton::deberta_v2 {

ModelShape shape(const Config& config);
std::unique_ptr<Model> load(const Config& config, Weights weights);
HeadWeights head(const Config& config, HeadKind kind, const Weights& weights);

}  // namespace vecton::deberta_v2
