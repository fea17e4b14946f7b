#include "media/orientation.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace vecton::media {

namespace {

constexpr uint32_t kOrientationTag = 0x0112;

// Numbers of a TIFF file, in its own byte order; 0 beyond its end.
struct Tiff {
  std::string_view bytes;
  bool big_endian;

  uint32_t number(size_t at, size_t size) const {
    if (at > bytes.size() || bytes.size() - at < size) return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t place = big_endian ? at + i : at + size - 1 - i;
      value = value << 8 | static_cast<uint8_t>(bytes[place]);
    }
    return value;
  }
};

std::optional<int> exif_orientation(std::string_view exif) {
  if (exif.starts_with(std::string_view("Exif\0\0", 6))) exif.remove_prefix(6);
  const bool big_endian = exif.starts_with("MM");
  if (!big_endian && !exif.starts_with("II")) return std::nullopt;
  const Tiff tiff{exif, big_endian};
  if (tiff.number(2, 2) != 42) return std::nullopt;
  const size_t directory = tiff.number(4, 4);
  const uint32_t entries = tiff.number(directory, 2);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + size_t{12} * i;
    if (entry >= exif.size()) break;
    if (tiff.number(entry, 2) != kOrientationTag) continue;
    const uint32_t type = tiff.number(entry + 2, 2);  // 1 = byte, 3 = short, 4 = long
    const size_t size = type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0;
    return size == 0 ? 0 : static_cast<int>(tiff.number(entry + 8, size));
  }
  return std::nullopt;
}

// tiff:Orientation="6", or as an element of its own.
int xmp_orientation(std::string_view xmp) {
  constexpr std::string_view kName = "tiff:Orientation";
  const size_t name = xmp.find(kName);
  if (name == xmp.npos) return 1;
  xmp.remove_prefix(name + kName.size());
  if (xmp.starts_with("=\""))
    xmp.remove_prefix(2);
  else if (xmp.starts_with(">"))
    xmp.remove_prefix(1);
  else
    return 1;
  return !xmp.empty() && xmp[0] >= '0' && xmp[0] <= '9' ? xmp[0] - '0' : 1;
}

}  // namespace

int find_orientation(std::string_view exif, std::string_view xmp) {
  const std::optional<int> found = exif_orientation(exif);
  const int orientation = found ? *found : xmp_orientation(xmp);
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

Picture turned(Picture picture, int orientation) {
  if (orientation <= 1 || orientation > 8) return picture;
  const int64_t width = picture.width, height = picture.height;
  const bool swapped = orientation >= 5;
  Picture out(swapped ? height : width, swapped ? width : height);
  // Where output (0, 0) is read from, and the steps of a column and of a row of the output.
  const bool right = orientation == 2 || orientation == 3 || orientation >= 7;
  const bool bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const int64_t across = right ? -3 : 3, down = (bottom ? -3 : 3) * width;
  const int64_t start = ((bottom ? height - 1 : 0) * width + (right ? width - 1 : 0)) * 3;
  const int64_t by_column = swapped ? down : across, by_row = swapped ? across : down;
  for (int64_t y = 0; y < out.height; ++y) {
    const uint8_t* from = picture.rgb.data() + start + y * by_row;
    uint8_t* to = out.row(y);
    for (int64_t x = 0; x < out.width; ++x, to += 3) std::copy_n(from + x * by_column, 3, to);
  }
  return out;
}

}  // namespace vecton::media
