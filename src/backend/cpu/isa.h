// Isa: the instruction sets that kernels are compiled for. One is chosen when a CpuOps is made.
#pragma once

#include <string_view>
#include <vector>

namespace vecton::cpu {

enum class Isa { kScalar, kNeon, kAvx2, kAvx512 };

std::string_view to_string(Isa isa);

// Those of this build that this machine has, the best last.
std::vector<Isa> supported_isas();

// Which instructions for products this machine has beside those of `isa`: 0 = none, 1 = of
// vectors, 2 = of matrices as well.
//
// Of bfloat16: AVX512-BF16, AMX-BF16 (which adds in another order, amx.h); Armv8.6's are 1: those
// of its matrices give the bits of those of its vectors.
int bfloat16_products(Isa isa);
// Of bytes: AVX512-VNNI and AVX-VNNI, AMX-INT8; Armv8.2's, Armv8.6's.
int byte_products(Isa isa);

}  // namespace vecton::cpu
