// A backend that has the operations which every backend must have, the reference's, and no other:
// all else runs as the compositions of ops.cpp.
#pragma once

#include <memory>

#include "ops/ops.h"

namespace vecton::test {

std::unique_ptr<Ops> make_irreducible_ops(base::ThreadPool& pool);

}  // namespace vecton::test
