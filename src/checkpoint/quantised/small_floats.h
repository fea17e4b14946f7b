// Small floats (E2M1, E4M3) in groups along a row, whose scales are a byte each. Called by the
// readers of compressed-tensors and ModelOpt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "checkpoint/quantised/parts.h"

namespace vecton::checkpoint {

// NVFP4: X.`codes` [out, in / 2], two codes of E2M1 in a byte, the low half first; X.weight_scale
// [out, in / group] of E4M3; and one number of the matrix, X.`whole`.
struct Nvfp4Names {
  std::string_view codes, whole;
  bool divides = false;  // `whole` divides the scales; else they are multiplied by it
};
void gather_nvfp4(Parts& parts, const Nvfp4Names& names, int64_t group, std::string format);

// X.weight_packed likewise, and X.weight_scale [out, in / group] of E8M0.
void gather_mxfp4(Parts& parts, int64_t group, std::string format);

// X.weight [out, in] of E4M3, and X.weight_scale likewise.
void gather_mxfp8(Parts& parts, int64_t group, std::string format);

}  // namespace vecton::checkpoint
