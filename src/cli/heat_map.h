// A square matrix of similarities as colours: in the terminal and as a picture, PNG or SVG.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/terminal.h"

namespace vecton::cli {

class HeatMap {
 public:
  // `values` is [n, n], row-major, each within [-1, 1]. The scale goes from 0, or the lowest value
  // below it, to 1.
  HeatMap(size_t n, std::vector<double> values);

  double value(size_t row, size_t column) const { return values_[row * n_ + column]; }
  // Dark for low values, bright for high ones.
  Rgb colour(double value) const;

  // Lines for a terminal of `width` columns: numbers where they fit, or without colours, and bare
  // colours where they don't. It has to fit (fits_terminal).
  std::string draw(Colour colour, int width) const;

  size_t size() const { return n_; }
  double low() const { return low_; }  // where the scale begins

 private:
  size_t n_;
  std::vector<double> values_;
  double low_ = 0;
};

// Whether something of a matrix of n rows can be drawn in `width` columns; without colours lines
// may be longer.
bool fits_terminal(size_t n, Colour colour, int width);

// Pictures with the texts beside their rows (heat_map_picture.cpp). Failure (kInput) when the file
// can't be written. False when the PNG lacks letters, for want of the system's fonts.
bool write_png(const HeatMap& map, const std::filesystem::path& file,
               const std::vector<std::string>& texts);
void write_svg(const HeatMap& map, const std::filesystem::path& file,
               const std::vector<std::string>& texts);

// A label in lines of at most `columns`, broken at blanks where there are any; what is more than
// `most` lines becomes "…".
std::vector<std::string> wrapped(const std::string& text, int columns, int most);

// printf's, of one number; what rounds to zero has no sign.
std::string formatted(const char* format, double value);

// The scale's colour for a share of [0, 1].
Rgb scale_colour(double share);

// Black or white, whichever reads better on `background`.
Rgb ink_on(Rgb background);

}  // namespace vecton::cli
