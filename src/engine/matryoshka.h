// Matryoshka: which models were trained so that their vectors may be shortened (arXiv:2205.13147).
// A part of make_plans().
#pragma once

#include "engine/plan.h"

namespace vecton::engine {

// Decides by config.json's is_matryoshka and matryoshka_dimensions, which --hf-overrides may set,
// else by the model's family and name: most of these models say it on their model card alone.
void decide_matryoshka(Plan& plan);

}  // namespace vecton::engine
