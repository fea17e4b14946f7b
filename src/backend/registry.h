// The backends of this build, by name. registry.cpp alone names them all.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/compute.h"
#include "ops/ops.h"

namespace vecton::backend {

// One of backends(). `pool` outlives the Ops and its forks; operations use its idle workers. `isa`
// forces an instruction set of the cpu backend ("avx512", "avx2", "neon", "scalar"; empty =
// default_isa()) or a device of mlx ("metal", "cpu"; empty = the best); one that the build or the
// machine lacks is an error.
std::unique_ptr<Ops> make_ops(const std::string& backend, base::ThreadPool& pool,
                              const std::string& isa = "");

// VECTON_CPU, or the best this machine has. A VECTON_CPU that it lacks is an error.
std::string default_isa();

std::vector<std::string> backends();  // "cpu", "ref", and "mlx" where it is built
// What `isa` of make_ops() may be here, the best last. A backend that the build lacks is an error.
std::vector<std::string> isas_of(const std::string& backend);
// How it multiplies linear layers.
std::vector<ops::Compute> computes_of(const std::string& backend);

}  // namespace vecton::backend
