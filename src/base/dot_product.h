// The dot product of two vectors that somebody has been given. Vectors that a program holds have
// left the device, whose operations compute what the engine itself answers; so its cosines are
// computed here.
#pragma once

#include <cstddef>
#include <span>

namespace vecton::base {

inline double dot_product(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

}  // namespace vecton::base
