// Which codes of a weight stand for whole numbers, and for how many columns they share their
// scales: what arithmetic on whole numbers takes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "tensor/weight.h"

namespace vecton::host {

// A code stands for unit * (byte - zero), where the byte is the code itself or what `bytes` has in
// its place.
struct WholeCodes {
  int zero = 0;
  float unit = 1;
  bool lookup = false;
  std::array<uint8_t, 16> bytes{};

  // Differences that fit 9 bits.
  bool near() const { return zero >= 0 && zero <= 255; }
};

// None where they are no whole multiples of a power of two, or (of a table) more than 255 of them
// apart.
std::optional<WholeCodes> whole_codes(const tensor::Codes& codes);

// The columns, a multiple of 16 up to 128, within which all numbers of a row stay the same. Throws
// kUnsupported, naming the weight, for blocks that are no multiple of 16.
int64_t columns_of_group(const tensor::Weight& weight);

}  // namespace vecton::host
