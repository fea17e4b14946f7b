// The backends of this build, by name. registry.cpp alone names them all.
#pragma once

#include <memory>
#include <string>

#include "ops/ops.h"

namespace vecton::backend {

// "cpu" or "ref". `pool` outlives the Ops and its forks; operations use its idle workers. `isa`
// forces an instruction set of the cpu backend ("avx512", "avx2", "neon", "scalar"; empty =
// default_isa()); one that the build or the machine lacks is an error.
std::unique_ptr<Ops> make_ops(const std::string& backend, base::ThreadPool& pool,
                              const std::string& isa = "");

// VECTON_CPU, or the best this machine has. A VECTON_CPU that it lacks is an error.
std::string default_isa();

}  // namespace vecton::backend
