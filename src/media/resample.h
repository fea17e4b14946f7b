// A picture of another size, with PIL's arithmetic: separable filters that are stretched where the
// picture shrinks (antialiasing), coefficients in fixed point, each pass rounded
// to 8 bits.
#pragma once

#include <cstdint>

#include "media/picture.h"

namespace vecton::media {

// PIL's numbers; its 0 (nearest) is not among them.
enum class Filter { kLanczos = 1, kBilinear = 2, kBicubic = 3, kBox = 4, kHamming = 5 };

// As it is where it has the size already.
Picture resized(Picture picture, int64_t width, int64_t height, Filter filter);

}  // namespace vecton::media
