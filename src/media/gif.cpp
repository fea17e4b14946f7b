// GIF, through giflib: the first frame, on a canvas of its transparent colour or of colour 0.
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "media/formats.h"

namespace vecton::media {

namespace {

int on_read(GifFileType* file, GifByteType* to, int size) {
  auto& left = *static_cast<std::string_view*>(file->UserData);
  const size_t taken = std::min(left.size(), static_cast<size_t>(size));
  std::memcpy(to, left.data(), taken);
  left.remove_prefix(taken);
  return static_cast<int>(taken);
}

struct Close {
  void operator()(GifFileType* file) const { DGifCloseFile(file, nullptr); }
};

}  // namespace

Decoded decode_gif(const Input& input) {
  std::string_view left = input.bytes;
  int error = 0;
  const std::unique_ptr<GifFileType, Close> opened(DGifOpen(&left, on_read, &error));
  GifFileType* file = opened.get();
  if (!file) input.fail("can't be read: its header is damaged");
  const auto check = [&](int status) {
    if (status != GIF_OK) input.fail("is damaged or cut off");
  };
  std::optional<int> transparent;
  for (;;) {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    check(DGifGetRecordType(file, &type));
    if (type == IMAGE_DESC_RECORD_TYPE) break;
    if (type != EXTENSION_RECORD_TYPE) input.fail("has no frame");
    int code = 0;
    GifByteType* block = nullptr;
    check(DGifGetExtension(file, &code, &block));
    while (block) {
      if (code == GRAPHICS_EXT_FUNC_CODE && block[0] >= 4 && (block[1] & 1) != 0)
        transparent = block[4];
      check(DGifGetExtensionNext(file, &block));
    }
  }
  // The size of the frame comes next: nothing of its size is taken before it is checked.
  check(DGifGetImageDesc(file));
  const GifImageDesc& frame = file->Image;
  const int64_t width = std::max<int64_t>(file->SWidth, int64_t{frame.Left} + frame.Width);
  const int64_t height = std::max<int64_t>(file->SHeight, int64_t{frame.Top} + frame.Height);
  input.check_size(width, height);
  input.check_size(frame.Width, frame.Height);
  const ColorMapObject* colours = frame.ColorMap ? frame.ColorMap : file->SColorMap;
  const auto paint = [&](int index, uint8_t* to) {
    if (!colours) {
      std::fill_n(to, 3, static_cast<uint8_t>(index));  // levels of grey
    } else if (index < colours->ColorCount) {
      const GifColorType& colour = colours->Colors[index];
      to[0] = colour.Red, to[1] = colour.Green, to[2] = colour.Blue;
    } else {
      std::fill_n(to, 3, uint8_t{0});
    }
  };

  Decoded decoded{Picture(width, height)};
  Picture& picture = decoded.picture;
  if (frame.Width != width || frame.Height != height) {
    uint8_t empty[3];
    paint(transparent.value_or(0), static_cast<uint8_t*>(empty));
    for (size_t i = 0; i < picture.rgb.size(); i += 3)
      std::copy_n(static_cast<const uint8_t*>(empty), 3, picture.rgb.data() + i);
  }
  std::vector<GifPixelType> line(static_cast<size_t>(frame.Width));
  const auto read_line = [&](int64_t y) {
    check(DGifGetLine(file, line.data(), frame.Width));
    uint8_t* to = picture.row(frame.Top + y) + int64_t{frame.Left} * 3;
    for (size_t x = 0; x < line.size(); ++x) paint(line[x], to + x * 3);
  };
  if (!frame.Interlace) {
    for (int64_t y = 0; y < frame.Height; ++y) read_line(y);
  } else {
    constexpr int64_t kPasses[][2] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
    for (const auto& [first, step] : kPasses)
      for (int64_t y = first; y < frame.Height; y += step) read_line(y);
  }
  return decoded;
}

}  // namespace vecton::media
