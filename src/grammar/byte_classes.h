// ByteClasses: bytes that no set of those it was split by tells apart are one class.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "grammar/byte_set.h"

namespace vecton::grammar {

class ByteClasses {
 public:
  ByteClasses() { sizes_[0] = 256; }

  void split(const ByteSet& set);

  size_t size() const { return classes_; }
  size_t of(uint8_t byte) const { return class_of_[byte]; }
  // One byte of each.
  std::vector<uint8_t> representatives() const;

 private:
  std::array<uint8_t, 256> class_of_{};
  std::array<uint16_t, 256> sizes_{};
  size_t classes_ = 1;
};

}  // namespace vecton::grammar
