#include "media/decode.h"

#include <string>

#include "base/counted.h"
#include "media/formats.h"
#include "media/orientation.h"
#include "vecton/error.h"

namespace vecton::media {

namespace {

struct Format {
  const char* kind;
  bool (*is)(std::string_view bytes);
  Decoded (*decode)(const Input& input);
};

constexpr Format kFormats[] = {
    {"JPEG", [](std::string_view bytes) { return bytes.starts_with("\xff\xd8\xff"); }, decode_jpeg},
    {"PNG",
     [](std::string_view bytes) {
       return bytes.starts_with(std::string_view("\x89PNG\r\n\x1a\n", 8));
     },
     decode_png},
    {"WebP",
     [](std::string_view bytes) {
       return bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP";
     },
     decode_webp},
    {"GIF",
     [](std::string_view bytes) {
       return bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a");
     },
     decode_gif},
    {"BMP", [](std::string_view bytes) { return bytes.starts_with("BM"); }, decode_bmp},
};

}  // namespace

void Input::fail(const std::string& reason) const {
  throw Error(ErrorCode::kInvalidArgument,
              what + ": this " + std::string(kind) + " picture " + reason);
}

void Input::check_size(int64_t width, int64_t height) const {
  if (width <= 0 || height <= 0) fail("has no pixels");
  if (width > limits.pixels / height) {
    fail("is " + std::to_string(width) + " x " + std::to_string(height) + ", more than " +
         base::counted(limits.pixels, "pixel"));
  }
}

Picture decode(std::string_view bytes, const PictureLimits& limits, const std::string& what) {
  if (static_cast<int64_t>(bytes.size()) > limits.bytes) {
    throw Error(ErrorCode::kInvalidArgument,
                what + ": the picture's file has " +
                    base::counted(static_cast<int64_t>(bytes.size()), "byte") + ", more than " +
                    base::counted(limits.bytes, "byte"));
  }
  for (const Format& format : kFormats) {
    if (!format.is(bytes)) continue;
    Decoded decoded = format.decode({bytes, limits, what, format.kind});
    return turned(std::move(decoded.picture), decoded.orientation);
  }
  throw Error(ErrorCode::kInvalidArgument,
              what + ": " + (bytes.empty() ? "an empty file" : "these bytes") +
                  " can't be read as a picture; JPEG, PNG, WebP, GIF and BMP can");
}

}  // namespace vecton::media
