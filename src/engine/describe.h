// A Plan in the words of ModelInfo.
#pragma once

#include <string>

#include "engine/plan.h"
#include "vecton/vecton.h"

namespace vecton::engine {

ModelInfo describe(const Plan& plan);

// What is told of an option that was given and has no effect: "`option` changes nothing: ", the
// architecture, and `why`, which says what it does or lacks.
std::string unused_option(const std::string& option, const Plan& plan, const std::string& why);

}  // namespace vecton::engine
