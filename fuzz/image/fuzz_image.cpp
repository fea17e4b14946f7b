// Any bytes as a picture's file, of each kind that is read, or as a data: URI. Each is refused with
// an Error, or gives as many levels as its size says.
//
//   fuzz_image -max_len=4096 -dict=fuzz/image/dictionary fuzz/image/corpus
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "media/decode.h"
#include "media/resample.h"
#include "media/source.h"
#include "vecton/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vecton;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr media::PictureLimits kLimits{.bytes = 1 << 16, .pixels = 1 << 16};
  try {
    if (bytes.starts_with("data:")) {
      media::read_source(bytes, {.allowed_path = {}}, "it");
      return 0;
    }
    media::host_of(bytes);
    media::Picture picture = media::decode(bytes, kLimits, "it");
    const auto values = static_cast<size_t>(picture.width * picture.height * 3);
    if (picture.width * picture.height > kLimits.pixels || picture.rgb.size() != values)
      std::abort();
    const media::Picture small = media::resized(std::move(picture), 5, 7, media::Filter::kBicubic);
    if (small.rgb.size() != size_t{5} * 7 * 3) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
