// WebP, through libwebp; of an animation the first frame, on an empty canvas.
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>

#include "media/formats.h"
#include "media/orientation.h"

namespace vecton::media {

namespace {

std::string_view chunk(const WebPDemuxer* file, const char* name) {
  WebPChunkIterator found;
  if (!WebPDemuxGetChunk(file, name, 1, &found)) return {};
  // It lies in the input's bytes.
  const std::string_view bytes(reinterpret_cast<const char*>(found.chunk.bytes), found.chunk.size);
  WebPDemuxReleaseChunkIterator(&found);
  return bytes;
}

}  // namespace

Decoded decode_webp(const Input& input) {
  const WebPData data{input.data(), input.bytes.size()};
  WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> file(
      WebPDemuxPartial(&data, &state), WebPDemuxDelete);
  if (!file || state != WEBP_DEMUX_DONE) input.fail("is damaged or cut off");
  const int64_t width = WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_WIDTH);
  const int64_t height = WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_HEIGHT);
  input.check_size(width, height);
  WebPIterator frame;
  if (!WebPDemuxGetFrame(file.get(), 1, &frame)) input.fail("has no frame");
  const std::unique_ptr<WebPIterator, decltype(&WebPDemuxReleaseIterator)> released(
      &frame, WebPDemuxReleaseIterator);
  if (frame.width <= 0 || frame.height <= 0 || frame.x_offset < 0 || frame.y_offset < 0 ||
      frame.x_offset > width - frame.width || frame.y_offset > height - frame.height) {
    input.fail("has a frame outside of it");
  }
  Decoded decoded{Picture(width, height),
                  find_orientation(chunk(file.get(), "EXIF"), chunk(file.get(), "XMP "))};
  const int64_t stride = width * 3;
  const int64_t start = frame.y_offset * stride + int64_t{frame.x_offset} * 3;
  if (!WebPDecodeRGBInto(
          frame.fragment.bytes, frame.fragment.size, decoded.picture.rgb.data() + start,
          decoded.picture.rgb.size() - static_cast<size_t>(start), static_cast<int>(stride))) {
    input.fail("is damaged");
  }
  return decoded;
}

}  // namespace vecton::media
