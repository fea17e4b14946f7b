// Bytes of a JPEG, PNG, WebP, GIF or BMP file to a Picture, with the levels that PIL gives: the
// first frame, turned as its EXIF or XMP orientation says, converted to RGB, alpha dropped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "media/picture.h"

namespace vecton::media {

struct PictureLimits {
  int64_t bytes = int64_t{64} << 20;   // of the file
  int64_t pixels = int64_t{64} << 20;  // width times height, as the file's header has them
};

// `what` names the picture in errors ("images[0]"). The limits are checked before any pixel is
// decoded. Errors: kInvalidArgument. Thread-safe.
Picture decode(std::string_view bytes, const PictureLimits& limits, const std::string& what);

}  // namespace vecton::media
