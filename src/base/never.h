// The score of what is never chosen, where the greatest is.
#pragma once

#include <limits>

namespace vecton::base {

inline constexpr float kNever = -std::numeric_limits<float>::infinity();

}  // namespace vecton::base
