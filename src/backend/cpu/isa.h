// Isa: the instruction sets that kernels are compiled for. One is chosen when a CpuOps is made.
#pragma once

#include <string_view>
#include <vector>

namespace vecton::cpu {

enum class Isa { kScalar, kNeon, kAvx2, kAvx512 };

std::string_view to_string(Isa isa);

// Those of this build that this machine has, the best last.
std::vector<Isa> supported_isas();

}  // namespace vecton::cpu
