#include "cli/canvas.h"

#include <png.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/utf8.h"
#include "cli/display_width.h"
#include "cli/failure.h"
#include "cli/glyphs.h"
#include "cli/text_painter.h"

namespace vecton::cli {

namespace {

constexpr int kAdvance = kGlyphWidth + 1;

const unsigned char* glyph_of(const utf8::Character& c) {
  return c.valid && c.code >= ' ' && c.code <= '~' ? kGlyphs[c.code - ' '] : kUnknownGlyph;
}

}  // namespace

Canvas::Canvas(int width, int height, Rgb paper, const TextPainter* painter)
    : width_(width),
      height_(height),
      painter_(painter),
      pixels_(static_cast<size_t>(width) * static_cast<size_t>(height) * 3) {
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

int Canvas::text_width(const std::string& text, int scale) const {
  if (text.empty()) return 0;
  if (painter_) return painter_->paint(text, font_size(scale)).width;
  return (static_cast<int>(utf8::count(text)) * kAdvance - 1) * scale;
}

void Canvas::text(int x, int y, const std::string& text, int scale, Rgb colour, Align align) {
  if (painter_) return paint(x, y, text, scale, colour, align);
  const int width = text_width(text, scale);
  dot_text(x - (align == Align::kLeft     ? 0
                : align == Align::kCentre ? width / 2
                                          : width),
           y, text, scale, colour);
}

void Canvas::paint(int x, int y, const std::string& text, int scale, Rgb colour, Align align) {
  const PaintedText painted = painter_->paint(text, font_size(scale));
  const int left = x - (align == Align::kLeft     ? 0
                        : align == Align::kCentre ? painted.width / 2
                                                  : painted.width);
  const int top = y - painted.height / 2;
  for (int row = std::max(0, -top); row < painted.height && top + row < height_; ++row) {
    for (int column = std::max(0, -left); column < painted.width && left + column < width_;
         ++column) {
      const int share = painted.coverage[static_cast<size_t>(row) * painted.width + column];
      unsigned char* pixel =
          &pixels_[(static_cast<size_t>(top + row) * width_ + left + column) * 3];
      const unsigned char ink[] = {colour.r, colour.g, colour.b};
      for (int i = 0; i < 3; ++i)
        pixel[i] =
            static_cast<unsigned char>((pixel[i] * (255 - share) + ink[i] * share + 127) / 255);
    }
  }
}

void Canvas::dot_text(int x, int y, std::string text, int scale, Rgb colour) {
  if (text.ends_with("…")) text.replace(text.size() - 3, 3, "..");
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

bool has_letters_of(const TextPainter* painter, const std::string& text) {
  if (painter) return painter->paint(fit(text, 1 << 20), Picture::font_size(1)).unknown == 0;
  return utf8::is_ascii(text);
}

void Canvas::write(const std::filesystem::path& file) const {
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
