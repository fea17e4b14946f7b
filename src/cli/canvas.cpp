#include "cli/canvas.h"

#include <png.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/utf8.h"
#include "cli/failure.h"
#include "cli/glyphs.h"

namespace vecton::cli {

namespace {

constexpr int kAdvance = kGlyphWidth + 1;

const unsigned char* glyph_of(const utf8::Character& c) {
  return c.valid && c.code >= ' ' && c.code <= '~' ? kGlyphs[c.code - ' '] : kUnknownGlyph;
}

int count_characters(const std::string& text) {
  int count = 0;
  for (size_t i = 0; i < text.size(); i += utf8::decode(text, i).bytes) ++count;
  return count;
}

}  // namespace

Canvas::Canvas(int width, int height, Rgb paper)
    : width_(width), height_(height), pixels_(static_cast<size_t>(width) * height * 3) {
  fill(0, 0, width, height, paper);
}

void Canvas::fill(int x, int y, int width, int height, Rgb colour) {
  const int right = std::min(width_, x + width), bottom = std::min(height_, y + height);
  for (int row = std::max(0, y); row < bottom; ++row) {
    for (int column = std::max(0, x); column < right; ++column) {
      unsigned char* pixel = &pixels_[(static_cast<size_t>(row) * width_ + column) * 3];
      pixel[0] = colour.r;
      pixel[1] = colour.g;
      pixel[2] = colour.b;
    }
  }
}

int Canvas::text_width(const std::string& text, int scale) {
  return text.empty() ? 0 : (count_characters(text) * kAdvance - 1) * scale;
}

void Canvas::text(int x, int y, const std::string& text, int scale, Rgb colour) {
  y -= kGlyphHeight * scale / 2;
  for (size_t i = 0; i < text.size();) {
    const utf8::Character c = utf8::decode(text, i);
    const unsigned char* rows = glyph_of(c);
    for (int row = 0; row < kGlyphHeight; ++row) {
      for (int dot = 0; dot < kGlyphWidth; ++dot) {
        if ((rows[row] >> (kGlyphWidth - 1 - dot) & 1) == 0) continue;
        fill(x + dot * scale, y + row * scale, scale, scale, colour);
      }
    }
    x += kAdvance * scale;
    i += c.bytes;
  }
}

void Canvas::text_centred(int x, int y, const std::string& text, int scale, Rgb colour) {
  this->text(x - text_width(text, scale) / 2, y, text, scale, colour);
}

void Canvas::write_png(const std::filesystem::path& file) const {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width_);
  image.height = static_cast<png_uint_32>(height_);
  image.format = PNG_FORMAT_RGB;
  errno = 0;
  if (png_image_write_to_file(&image, file.c_str(), 0, pixels_.data(), 0, nullptr) == 0) {
    throw Failure(ExitStatus::kInput, file.string() + ": can't be written: " +
                                          (errno != 0 ? std::strerror(errno) : image.message));
  }
}

}  // namespace vecton::cli
