// Codes of 2 to 8 bits to a stream of bits, the low bits of a byte first, as Weight and MLX have
// them. For any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vecton::quantise {

// `count` (a multiple of 8) codes of `bits` bits, one per byte, to count * bits / 8 bytes.
void pack_codes(const uint8_t* codes, int64_t count, int bits, std::byte* out);

}  // namespace vecton::quantise
