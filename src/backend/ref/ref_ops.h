// The reference backend: every operation written as its formula says, one number after another,
// summed in double and rounded to float32 once. Slow and readable: the definition of correct that
// the other backends are tested against.
//
// Called by backend/registry.cpp. An Ops has no state here; the thread pool is not used.
#pragma once

#include <memory>

#include "ops/ops.h"

namespace vecton::backend {

std::unique_ptr<Ops> make_ref_ops();

// The same with nothing but the operations that every backend must have: all else is what ops.cpp
// composes of them. For tests of those compositions.
std::unique_ptr<Ops> make_irreducible_ops();

}  // namespace vecton::backend
