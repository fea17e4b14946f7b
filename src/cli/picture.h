// Picture: rectangles and text, as PNG (canvas.h) or SVG (svg.h).
#pragma once

#include <filesystem>
#include <string>

#include "cli/terminal.h"

namespace vecton::cli {

inline constexpr Rgb kPaper{255, 255, 255}, kInk{40, 40, 40};

class Picture {
 public:
  enum class Align { kLeft, kCentre, kRight };

  virtual ~Picture() = default;
  // Parts outside the picture are left out.
  virtual void fill(int x, int y, int width, int height, Rgb colour) = 0;
  // One line of text, its middle height at `y`. A `scale` of 1 is small, 2 of a comfortable size.
  virtual void text(int x, int y, const std::string& text, int scale, Rgb colour, Align align) = 0;
  // Pixels, or about as many where the font is the viewer's.
  virtual int text_width(const std::string& text, int scale) const = 0;
  // Failure (kInput) when the file can't be written.
  virtual void write(const std::filesystem::path& file) const = 0;

  // The letters' size in pixels.
  static int font_size(int scale) { return 5 + 6 * scale; }
};

}  // namespace vecton::cli
