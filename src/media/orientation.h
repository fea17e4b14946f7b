// How a camera was held, from a file's EXIF or XMP data, and the picture turned accordingly.
#pragma once

#include <string_view>

#include "media/picture.h"

namespace vecton::media {

// 1 to 8, from EXIF data (a TIFF header and what follows) and, where that names none, from XMP
// data; either may be empty. 1 where neither names one, or their bytes make no sense.
int find_orientation(std::string_view exif, std::string_view xmp);

// 1 = as it is.
Picture turned(Picture picture, int orientation);

}  // namespace vecton::media
