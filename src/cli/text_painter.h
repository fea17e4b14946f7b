// Text in pictures, of any script, by the fonts of the system. Pango and Cairo are loaded when a
// picture is drawn; without them there is no painter, and pictures fall back to glyphs of their
// own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vecton::cli {

// A line of text: how opaque each pixel is, row by row.
struct PaintedText {
  int width = 0, height = 0;
  int unknown = 0;  // letters that no font has
  std::vector<uint8_t> coverage;
};

class TextPainter {
 public:
  // Null where the libraries or a font are missing.
  static const TextPainter* get();

  // `text` on one line, in letters of `size` pixels.
  PaintedText paint(const std::string& text, int size) const;

 private:
  TextPainter() = default;
};

}  // namespace vecton::cli
