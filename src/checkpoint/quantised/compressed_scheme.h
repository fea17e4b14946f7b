// CompressedScheme: how one group of compressed-tensors' config_groups keeps the weights of its
// modules. Made by the reader of config.json; gather_compressed() reads the tensors.
#pragma once

#include <cstdint>

#include "checkpoint/quantised/block_scales.h"
#include "checkpoint/quantised/parts.h"

namespace vecton::checkpoint {

struct CompressedScheme {
  enum class Format {
    kPackQuantized,   // whole numbers, packed
    kIntQuantized,    // int8
    kFloatQuantized,  // E4M3
    kNvfp4,           // E2M1 in groups of 16 with E4M3 as scales, and a scale of those
    kMxfp4,           // E2M1 in groups of 32 with E8M0 as scales
    kMxfp8,           // E4M3, likewise
  };
  Format format = Format::kPackQuantized;
  int64_t bits = 0;        // kPackQuantized
  bool has_zeros = false;  // kPackQuantized: a zero point of its own for each scale
  BlockShape blocks;       // of the scales
};

// Puts one tensor X.weight in place of those that the module has.
void gather_compressed(Parts& parts, const CompressedScheme& scheme);

}  // namespace vecton::checkpoint
