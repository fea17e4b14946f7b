// splitmix64 (Steele, Lea, Flood 2014): every bit of a result depends on every bit of what it is
// made from. Not for secrets.
#pragma once

#include <cstdint>

namespace vecton::base {

inline constexpr uint64_t kSplitmixStep = 0x9e3779b97f4a7c15;

// What the generator gives for a state.
constexpr uint64_t splitmix64_of(uint64_t state) {
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
  state = (state ^ (state >> 27)) * 0x94d049bb133111eb;
  return state ^ (state >> 31);
}

// Of the state after `x`.
constexpr uint64_t splitmix64(uint64_t x) { return splitmix64_of(x + kSplitmixStep); }

}  // namespace vecton::base
