// A Plan in the words of ModelInfo.
#pragma once

#include "engine/plan.h"
#include "vecton/vecton.h"

namespace vecton::engine {

ModelInfo describe(const Plan& plan);

}  // namespace vecton::engine
