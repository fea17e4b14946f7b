// Gemma's text models, for the families that have one beside a vision tower.
#pragma once

#include "checkpoint/config.h"
#include "checkpoint/weights.h"
#include "models/llama.h"

namespace vecton::models::gemma {

// Names of such checkpoints, in whatever they are wrapped: those of the text model as it has them
// alone, "vision_tower." before the tower's, "linear." before a projection of every token.
void rename_parts(checkpoint::Weights& weights);

// Of the first Gemma, as its text model's config says.
llama::Settings settings(const checkpoint::Config& config);

}  // namespace vecton::models::gemma
