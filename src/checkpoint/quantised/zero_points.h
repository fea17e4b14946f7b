// Zero points of blocks of codes, as Weight has them. Called by the readers of formats whose blocks
// have one each.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/weight.h"

namespace vecton::checkpoint {

// Gives the codes of `weight` a zero for each of its scales, in their order: one that all share as
// the codes' own, others as offsets of -scale * zero. `weight` refers to what is returned.
std::vector<float> set_zeros(tensor::Weight& weight, std::span<const float> scales,
                             std::span<const uint8_t> zeros);

}  // namespace vecton::checkpoint
