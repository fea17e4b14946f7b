// ByteSet: a set of byte values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace vecton::grammar {

struct ByteSet {
  std::array<uint64_t, 4> words{};

  static ByteSet range(unsigned first, unsigned last) {
    ByteSet set;
    for (unsigned b = first; b <= last; ++b) set.add(static_cast<uint8_t>(b));
    return set;
  }
  static ByteSet all() { return {{~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}}}; }
  void add(uint8_t byte) { words[byte >> 6] |= uint64_t{1} << (byte & 63); }
  bool has(uint8_t byte) const { return words[byte >> 6] >> (byte & 63) & 1; }
  bool empty() const { return (words[0] | words[1] | words[2] | words[3]) == 0; }
  ByteSet operator|(const ByteSet& other) const {
    ByteSet set;
    for (size_t i = 0; i < 4; ++i) set.words[i] = words[i] | other.words[i];
    return set;
  }
  ByteSet operator&(const ByteSet& other) const {
    ByteSet set;
    for (size_t i = 0; i < 4; ++i) set.words[i] = words[i] & other.words[i];
    return set;
  }
  auto operator<=>(const ByteSet&) const = default;
};

}  // namespace vecton::grammar
