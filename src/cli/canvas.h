// A picture of pixels, written as PNG. Text is in the system's fonts where they can be had
// (text_painter.h), else in glyphs of 5 x 7 dots, which have no letters outside ASCII.
#pragma once

#include <vector>

#include "cli/picture.h"

namespace vecton::cli {

class TextPainter;

class Canvas final : public Picture {
 public:
  // With a null `painter` text is in the glyphs.
  Canvas(int width, int height, Rgb paper, const TextPainter* painter);

  void fill(int x, int y, int width, int height, Rgb colour) override;
  void text(int x, int y, const std::string& text, int scale, Rgb colour, Align align) override;
  int text_width(const std::string& text, int scale) const override;
  void write(const std::filesystem::path& file) const override;

 private:
  void paint(int x, int y, const std::string& text, int scale, Rgb colour, Align align);
  void dot_text(int x, int y, std::string text, int scale, Rgb colour);

  int width_, height_;
  const TextPainter* painter_;
  std::vector<unsigned char> pixels_;  // r, g, b
};

// Whether pictures by `painter` (null: by the glyphs) have all letters of `text`.
bool has_letters_of(const TextPainter* painter, const std::string& text);

}  // namespace vecton::cli
