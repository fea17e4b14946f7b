// The decoders of decode(), one per kind of file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "media/decode.h"

namespace vecton::media {

// A file that is being decoded.
struct Input {
  std::string_view bytes;
  const PictureLimits& limits;
  const std::string& what;
  const char* kind;  // "PNG"

  const uint8_t* data() const { return reinterpret_cast<const uint8_t*>(bytes.data()); }
  [[noreturn]] void fail(const std::string& reason) const;
  // Errors where one is zero or they are more than the limit.
  void check_size(int64_t width, int64_t height) const;
};

// A picture as its file has it, and how it is to be turned: EXIF's number, 1 = not.
struct Decoded {
  Picture picture;
  int orientation = 1;
};

Decoded decode_jpeg(const Input& input);
Decoded decode_png(const Input& input);
Decoded decode_webp(const Input& input);
Decoded decode_gif(const Input& input);
Decoded decode_bmp(const Input& input);

}  // namespace vecton::media
