// Canvas: a small picture of rectangles and text, written as PNG.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/terminal.h"

namespace vecton::cli {

class Canvas {
 public:
  Canvas(int width, int height, Rgb paper);

  // Parts outside the picture are left out.
  void fill(int x, int y, int width, int height, Rgb colour);
  // One line of text, its middle height at `y`; a glyph is 5 x 7 dots of `scale` pixels. Characters
  // outside ASCII are boxes.
  void text(int x, int y, const std::string& text, int scale, Rgb colour);
  void text_centred(int x, int y, const std::string& text, int scale, Rgb colour);
  static int text_width(const std::string& text, int scale);

  // Failure (kInput) when the file can't be written.
  void write_png(const std::filesystem::path& file) const;

 private:
  int width_, height_;
  std::vector<unsigned char> pixels_;  // r, g, b
};

}  // namespace vecton::cli
