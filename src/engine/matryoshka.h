// Matryoshka: which models were trained so that their vectors may be shortened (arXiv:2205.13147).
// A part of make_plans().
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/plan.h"

namespace vecton::engine {

// Decides by config.json's is_matryoshka and matryoshka_dimensions, which --hf-overrides may set,
// else by the model's family and name: most of these models say it on their model card alone.
void decide_matryoshka(Plan& plan);

// Why an embedding may not be cut to its first `size` values, in words; none where it may.
// `any_model`: whatever the model was trained for.
std::optional<std::string> refusal_of_dimensions(const Plan& plan, int64_t size,
                                                 bool any_model = false);

}  // namespace vecton::engine
