#include "quantise/pack.h"

#include <bit>
#include <cstring>

namespace vecton::quantise {

namespace {

static_assert(std::endian::native == std::endian::little);

// Eight codes, one per byte of a word, become the low 8 * kBits bits.
template <int kBits>
uint64_t squeeze(uint64_t codes) {
  codes = (codes & 0x00ff00ff00ff00ffu) | (codes & 0xff00ff00ff00ff00u) >> (8 - kBits);
  codes = (codes & 0x0000ffff0000ffffu) | (codes & 0xffff0000ffff0000u) >> (16 - 2 * kBits);
  return (codes & 0xffffffffu) | codes >> 32 << (4 * kBits);
}

template <int kBits>
void pack(const uint8_t* codes, int64_t count, std::byte* out) {
  for (int64_t i = 0; i < count; i += 8, codes += 8, out += kBits) {
    uint64_t eight;
    std::memcpy(&eight, codes, sizeof eight);
    eight = squeeze<kBits>(eight);
    std::memcpy(out, &eight, kBits);
  }
}

}  // namespace

void pack_codes(const uint8_t* codes, int64_t count, int bits, std::byte* out) {
  switch (bits) {
    case 2:
      return pack<2>(codes, count, out);
    case 3:
      return pack<3>(codes, count, out);
    case 4:
      return pack<4>(codes, count, out);
    case 5:
      return pack<5>(codes, count, out);
    case 6:
      return pack<6>(codes, count, out);
    default:
      std::memcpy(out, codes, static_cast<size_t>(count));
  }
}

}  // namespace vecton::quantise
