// PNG, through libpng: levels of 8 bits, of 16 bits the upper half, without a gamma.
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "media/formats.h"
#include "media/orientation.h"

namespace vecton::media {

namespace {

struct PngReader {
  std::string_view left;
  png_structp png = nullptr;
  png_infop info = nullptr;
  char message[128] = "";

  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto& reader = *static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(static_cast<char*>(reader.message), sizeof reader.message, "%s", text);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep to, size_t size) {
  auto& reader = *static_cast<PngReader*>(png_get_io_ptr(png));
  if (reader.left.size() < size) png_error(png, "the file ends too early");
  std::memcpy(to, reader.left.data(), size);
  reader.left.remove_prefix(size);
}

// The steps in which libpng may jump back here; no object with a destructor lives in them.
bool read_header(PngReader& reader) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_set_read_fn(reader.png, &reader, on_read);
  // The size is checked against limits of our own.
  png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
#if defined(PNG_IGNORE_ADLER32)
  // The chunks' own check sums are enough.
  png_set_option(reader.png, PNG_IGNORE_ADLER32, PNG_OPTION_ON);
#endif
  // Of the chunks, those alone that the pixels need: texts and profiles may unfold to any size.
  static const png_byte kTransparency[] = "tRNS";
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, kTransparency, 1);
  png_read_info(reader.png, reader.info);
  return true;
}

bool read_rows(PngReader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

bool convert(PngReader& reader, int type, int depth) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_structp png = reader.png;
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
  if (depth == 16 && type != PNG_COLOR_TYPE_GRAY) png_set_strip_16(png);
  if ((type & PNG_COLOR_MASK_ALPHA) != 0) png_set_strip_alpha(png);
  if ((type & PNG_COLOR_MASK_COLOR) == 0 && depth != 16) png_set_gray_to_rgb(png);
  if (type == PNG_COLOR_TYPE_GRAY_ALPHA && depth == 16) png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, reader.info);
  return true;
}

// The chunks that say how a camera was held.
int orientation_of(std::string_view bytes) {
  std::string_view exif, xmp;
  constexpr std::string_view kXmp("XML:com.adobe.xmp\0\0\0", 20);  // and not compressed
  size_t at = 8;
  while (at + 12 <= bytes.size()) {
    size_t size = 0;
    for (size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<uint8_t>(bytes[at + i]);
    if (size > bytes.size() - at - 12) break;
    const std::string_view type = bytes.substr(at + 4, 4), data = bytes.substr(at + 8, size);
    if (type == "eXIf") exif = data;
    if (type == "iTXt" && data.starts_with(kXmp)) xmp = data.substr(kXmp.size());
    at += size + 12;
  }
  return find_orientation(exif, xmp);
}

}  // namespace

Decoded decode_png(const Input& input) {
  PngReader reader{.left = input.bytes};
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
  reader.info = reader.png ? png_create_info_struct(reader.png) : nullptr;
  if (!reader.info) input.fail("can't be decoded: libpng can't be started");
  const auto broken = [&] {
    input.fail("can't be decoded: " + std::string(static_cast<char*>(reader.message)));
  };
  if (!read_header(reader)) broken();
  const auto width = png_get_image_width(reader.png, reader.info);
  const auto height = png_get_image_height(reader.png, reader.info);
  const int type = png_get_color_type(reader.png, reader.info);
  const int depth = png_get_bit_depth(reader.png, reader.info);
  input.check_size(width, height);
  if (!convert(reader, type, depth)) broken();

  Decoded decoded{Picture(width, height), orientation_of(input.bytes)};
  Picture& picture = decoded.picture;
  const bool deep_grey = type == PNG_COLOR_TYPE_GRAY && depth == 16;
  std::vector<uint8_t> levels(deep_grey ? size_t{width} * height * 2 : 0);
  std::vector<png_bytep> rows(height);
  for (size_t y = 0; y < height; ++y) {
    rows[y] = deep_grey ? levels.data() + y * width * 2 : picture.row(static_cast<int64_t>(y));
  }
  if (!read_rows(reader, rows.data())) broken();
  if (deep_grey) {
    // PIL keeps the 16 bits and cuts what is above 255.
    for (size_t i = 0; i < size_t{width} * height; ++i) {
      const uint8_t level = levels[i * 2] != 0 ? 255 : levels[i * 2 + 1];
      for (size_t c = 0; c < 3; ++c) picture.rgb[i * 3 + c] = level;
    }
  }
  return decoded;
}

}  // namespace vecton::media
