// random_bits(): from the system. Not std::random_device, whose code in libstdc++ asks for a newer
// C library than all else does.
#pragma once

#include <sys/random.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>

namespace vecton::base {

inline uint64_t random_bits() {
  uint64_t bits = 0;
  // A system that has none: the time alone has to tell two runs apart.
  if (getentropy(&bits, sizeof bits) != 0) return static_cast<uint64_t>(std::time(nullptr));
  return bits;
}

}  // namespace vecton::base
