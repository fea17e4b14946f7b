// Which of a family's architectures a checkpoint is, where config.json names a class of its
// authors' own: modules.json or the tensors say. A part of make_plans().
#pragma once

#include "engine/plan.h"
#include "vecton/options.h"

namespace vecton::engine {

// Sets plan.family and plan.architecture; a class that nobody knows becomes the architecture that
// its weights fit, with a note. Weights are looked at by name and shape alone.
// An adapter is what its task_type says. `overrides`: of config.json.
void recognise(const EngineOptions& options, const json::object& overrides, Plan& plan);

}  // namespace vecton::engine
