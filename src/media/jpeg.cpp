// JPEG, through libjpeg-turbo with its defaults, which are PIL's.
#include <csetjmp>
#include <cstdio>
#include <string>
#include <vector>

#include "media/formats.h"
#include "media/orientation.h"

// After the above: it speaks of FILE and size_t without including them.
#include <jerror.h>
#include <jpeglib.h>

namespace vecton::media {

namespace {

// Of a progressive picture; each goes over all pixels, and a file of a few bytes may have
// thousands.
constexpr int kMaxScans = 128;

struct JpegReader {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

JpegReader& reader_of(j_common_ptr info) { return *static_cast<JpegReader*>(info->client_data); }

[[noreturn]] void on_error(j_common_ptr info) {
  JpegReader& reader = reader_of(info);
  info->err->format_message(info, static_cast<char*>(reader.message));
  std::longjmp(reader.back, 1);
}

void on_message(j_common_ptr info, int level) {
  // The decoder would fill what is missing with grey.
  if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF) on_error(info);
}

void on_progress(j_common_ptr info) {
  if (!info->is_decompressor) return;
  JpegReader& reader = reader_of(info);
  if (reader.info.input_scan_number > kMaxScans) {
    std::snprintf(static_cast<char*>(reader.message), sizeof reader.message, "more than %d scans",
                  kMaxScans);
    std::longjmp(reader.back, 1);
  }
}

// The steps in which libjpeg may jump back here; no object with a destructor lives in them.
bool start(JpegReader& reader, const Input& input) {
  if (setjmp(reader.back)) return false;
  jpeg_create_decompress(&reader.info);
  reader.info.client_data = &reader;
  jpeg_mem_src(&reader.info, input.data(), input.bytes.size());
  jpeg_save_markers(&reader.info, JPEG_APP0 + 1, 0xffff);  // EXIF, XMP
  jpeg_read_header(&reader.info, TRUE);
  return true;
}

bool read_rows(JpegReader& reader, uint8_t* rows, size_t row_bytes) {
  if (setjmp(reader.back)) return false;
  jpeg_decompress_struct& info = reader.info;
  jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = rows + static_cast<size_t>(info.output_scanline) * row_bytes;
    jpeg_read_scanlines(&info, &row, 1);
  }
  return true;
}

uint8_t product(uint32_t a, uint32_t b) {  // of two parts of 255, rounded
  const uint32_t sum = a * b + 128;
  return static_cast<uint8_t>(((sum >> 8) + sum) >> 8);
}

// Inks are stored inverted, as Adobe's programs do.
void cmyk_to_rgb(const uint8_t* from, uint8_t* to, size_t pixels) {
  for (size_t i = 0; i < pixels; ++i, from += 4, to += 3) {
    const uint32_t light = from[3];
    for (size_t c = 0; c < 3; ++c) {
      const int left = static_cast<int>(light) - product(255u - from[c], light);
      to[c] = static_cast<uint8_t>(left < 0 ? 0 : left);
    }
  }
}

struct Closed {
  jpeg_decompress_struct& info;
  ~Closed() { jpeg_destroy_decompress(&info); }
};

int orientation_of(const jpeg_decompress_struct& info) {
  constexpr std::string_view kExif("Exif\0\0", 6), kXmp("http://ns.adobe.com/xap/1.0/\0", 29);
  std::string exif;
  std::string_view xmp;
  for (const jpeg_marker_struct* marker = info.marker_list; marker; marker = marker->next) {
    std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (data.starts_with(kExif)) {
      exif += data.substr(exif.empty() ? 0 : kExif.size());
    } else if (data.starts_with(kXmp)) {
      xmp = data.substr(kXmp.size());
    }
  }
  return find_orientation(exif, xmp);
}

}  // namespace

Decoded decode_jpeg(const Input& input) {
  JpegReader reader{};
  reader.info.err = jpeg_std_error(&reader.errors);
  reader.info.client_data = &reader;
  reader.errors.error_exit = on_error;
  reader.errors.emit_message = on_message;
  reader.progress.progress_monitor = on_progress;
  const Closed closed{reader.info};
  const auto broken = [&] {
    input.fail("can't be decoded: " + std::string(static_cast<char*>(reader.message)));
  };
  if (!start(reader, input)) broken();
  jpeg_decompress_struct& info = reader.info;
  input.check_size(info.image_width, info.image_height);
  info.progress = &reader.progress;
  Decoded decoded{Picture(info.image_width, info.image_height), orientation_of(info)};
  Picture& picture = decoded.picture;
  const size_t width = info.image_width, pixels = width * info.image_height;
  switch (info.num_components) {
    case 1: {
      info.out_color_space = JCS_GRAYSCALE;
      std::vector<uint8_t> levels(pixels);
      if (!read_rows(reader, levels.data(), width)) broken();
      for (size_t i = 0; i < pixels; ++i)
        for (size_t c = 0; c < 3; ++c) picture.rgb[i * 3 + c] = levels[i];
      break;
    }
    case 3:
      info.out_color_space = JCS_RGB;
      if (!read_rows(reader, picture.rgb.data(), width * 3)) broken();
      break;
    case 4: {
      info.out_color_space = JCS_CMYK;
      std::vector<uint8_t> inks(pixels * 4);
      if (!read_rows(reader, inks.data(), width * 4)) broken();
      cmyk_to_rgb(inks.data(), picture.rgb.data(), pixels);
      break;
    }
    default:
      input.fail("has " + std::to_string(info.num_components) +
                 " components; 1 (grey), 3 (colour) and 4 (CMYK) can be read");
  }
  return decoded;
}

}  // namespace vecton::media
