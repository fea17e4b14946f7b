#include "grammar/byte_classes.h"

#include <bit>

namespace vecton::grammar {

void ByteClasses::split(const ByteSet& set) {
  // A set and its complement split alike: by the smaller one.
  int members = 0;
  for (const uint64_t word : set.words) members += std::popcount(word);
  const uint64_t invert = members > 128 ? ~uint64_t{0} : 0;
  std::array<uint8_t, 256> bytes;
  size_t count = 0;
  for (unsigned w = 0; w < 4; ++w) {
    for (uint64_t left = set.words[w] ^ invert; left != 0; left &= left - 1)
      bytes[count++] = static_cast<uint8_t>(w * 64 + static_cast<unsigned>(std::countr_zero(left)));
  }
  std::array<uint16_t, 256> inside{};
  for (size_t i = 0; i < count; ++i) ++inside[class_of_[bytes[i]]];
  constexpr uint16_t kNone = 256;
  std::array<uint16_t, 256> parts;
  parts.fill(kNone);
  for (size_t i = 0; i < count; ++i) {
    const size_t old = class_of_[bytes[i]];
    if (parts[old] == kNone) {
      if (inside[old] == sizes_[old]) continue;
      parts[old] = static_cast<uint16_t>(classes_++);
      sizes_[parts[old]] = inside[old];
      sizes_[old] = static_cast<uint16_t>(sizes_[old] - inside[old]);
    }
    class_of_[bytes[i]] = static_cast<uint8_t>(parts[old]);
  }
}

std::vector<uint8_t> ByteClasses::representatives() const {
  std::vector<uint8_t> out(classes_);
  for (size_t b = 256; b-- > 0;) out[class_of_[b]] = static_cast<uint8_t>(b);
  return out;
}

}  // namespace vecton::grammar
