// Gemma's text models, for the families that have one beside a vision tower.
#pragma once

#include <cstdint>
#include <memory>

#include "checkpoint/config.h"
#include "checkpoint/head_weights.h"
#include "checkpoint/weights.h"
#include "models/llama.h"
#include "models/model.h"

namespace vecton::models::gemma {

// Names of such checkpoints, in whatever they are wrapped: those of the text model as it has them
// alone, "vision_tower." before the tower's, "linear." before a projection of every token.
void rename_parts(checkpoint::Weights& weights);

// Of the first Gemma, as its text model's config says.
llama::Settings settings(const checkpoint::Config& config);

// Gemma 3, as its text model's config says.
ModelShape inner_shape3(const checkpoint::Config& config);
std::unique_ptr<Model> build3(const checkpoint::Config& config, checkpoint::Weights weights);
checkpoint::HeadWeights inner_head3(const checkpoint::Config& config, checkpoint::HeadKind kind,
                                    int64_t labels, const checkpoint::Weights& weights);

}  // namespace vecton::models::gemma
