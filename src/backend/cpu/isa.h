// Isa: the instruction sets that kernels are compiled for. One is chosen when a CpuOps is made.
#pragma once

#include <string_view>
#include <vector>

namespace vecton::cpu {

enum class Isa { kScalar, kNeon, kAvx2, kAvx512 };

std::string_view to_string(Isa isa);

// Those of this build that this machine has, the best last.
std::vector<Isa> supported_isas();

// Whether this machine has instructions that multiply bfloat16 beside those of `isa`: AVX512-BF16
// to avx512, Armv8.6's to neon.
bool has_bfloat16(Isa isa);
// Which instructions for products of bytes this machine has beside those of `isa`: 0 = none; 1 =
// dot products (AVX512-VNNI, AVX-VNNI, Armv8.2's), 2 = of matrices as well (Armv8.6's).
int byte_products(Isa isa);

}  // namespace vecton::cpu
