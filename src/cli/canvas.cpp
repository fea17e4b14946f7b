#include "cli/canvas.h"

#include <png.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cli/failure.h"

namespace vecton::cli {

namespace {

constexpr int kGlyphWidth = 5, kGlyphHeight = 7, kAdvance = 6;

// Rows from the top, the leftmost dot in the highest of five bits.
struct Glyph {
  char character;
  unsigned char rows[kGlyphHeight];
};
constexpr Glyph kGlyphs[] = {
    {'0', {0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110}},
    {'1', {0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110}},
    {'2', {0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111}},
    {'3', {0b01110, 0b10001, 0b00001, 0b00110, 0b00001, 0b10001, 0b01110}},
    {'4', {0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010}},
    {'5', {0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110}},
    {'6', {0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110}},
    {'7', {0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000}},
    {'8', {0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110}},
    {'9', {0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100}},
    {'.', {0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100}},
    {'-', {0b00000, 0b00000, 0b00000, 0b01110, 0b00000, 0b00000, 0b00000}},
};

const Glyph* glyph_of(char character) {
  const auto found = std::ranges::find(kGlyphs, character, &Glyph::character);
  return found == std::end(kGlyphs) ? nullptr : found;
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
  return text.empty() ? 0 : (static_cast<int>(text.size()) * kAdvance - 1) * scale;
}

void Canvas::text_centred(int x, int y, const std::string& text, int scale, Rgb colour) {
  x -= text_width(text, scale) / 2;
  y -= kGlyphHeight * scale / 2;
  for (char character : text) {
    const Glyph* glyph = glyph_of(character);
    for (int row = 0; glyph && row < kGlyphHeight; ++row) {
      for (int dot = 0; dot < kGlyphWidth; ++dot) {
        if ((glyph->rows[row] >> (kGlyphWidth - 1 - dot) & 1) == 0) continue;
        fill(x + dot * scale, y + row * scale, scale, scale, colour);
      }
    }
    x += kAdvance * scale;
  }
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
