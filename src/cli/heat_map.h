// A square matrix of similarities as colours: in the terminal and as a PNG picture.
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

  // Lines for a terminal of `width` columns: numbers where they fit, bare colours where they don't,
  // an explanation where nothing does.
  std::string draw(Colour colour, int width) const;

  // A picture with the texts beside their rows. Failure (kInput) when the file can't be written.
  void write_png(const std::filesystem::path& file, const std::vector<std::string>& texts) const;

 private:
  size_t n_;
  std::vector<double> values_;
  double low_ = 0;
};

// The scale's colour for a share of [0, 1].
Rgb scale_colour(double share);

// Black or white, whichever reads better on `background`.
Rgb ink_on(Rgb background);

}  // namespace vecton::cli
