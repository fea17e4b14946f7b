// ModernBERT, for the families that have it beside a vision tower.
#pragma once

#include <cstdint>
#include <memory>

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/model.h"

namespace vecton::models::modernbert {

// As Family has them; `config` is the text model's, and names have no prefix.
ModelShape shape(const checkpoint::Config& config);
std::unique_ptr<Model> build(const checkpoint::Config& config, checkpoint::Weights weights);
checkpoint::HeadWeights head(const checkpoint::Config& config, checkpoint::HeadKind kind,
                             int64_t labels, const checkpoint::Weights& weights);

}  // namespace vecton::models::modernbert
