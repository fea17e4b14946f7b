#include "cli/heat_map.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace vecton::cli {

namespace {

// From dark blue over teal to yellow, in steps that look even and survive printing in grey.
constexpr Rgb kScale[] = {{68, 1, 84},    {72, 40, 120},  {62, 74, 137},  {49, 104, 142},
                          {38, 130, 142}, {31, 158, 137}, {53, 183, 121}, {109, 205, 89},
                          {180, 222, 44}, {253, 231, 37}};
constexpr size_t kSteps = std::size(kScale) - 1;

unsigned char mix(unsigned char a, unsigned char b, double share) {
  return static_cast<unsigned char>(std::lround(a + (b - a) * share));
}

std::string right(const std::string& text, size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

// Whether cells of so many columns stand side by side behind the number of their row.
bool fit_cells(size_t n, size_t columns, int width) {
  return static_cast<size_t>(width) >= std::to_string(n).size() + 1 + columns * n;
}

}  // namespace

std::string formatted(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  const std::string_view number = text;
  const bool zero = number.find_first_not_of("-0.") == std::string_view::npos;
  return std::string(number.substr(zero && number.starts_with('-') ? 1 : 0));
}

Rgb ink_on(Rgb background) {
  const double light = 0.299 * background.r + 0.587 * background.g + 0.114 * background.b;
  return light > 130 ? Rgb{0, 0, 0} : Rgb{255, 255, 255};
}

Rgb scale_colour(double share) {
  const double at = std::clamp(share, 0.0, 1.0) * kSteps;
  const size_t step = std::min(static_cast<size_t>(at), kSteps - 1);
  const double part = at - static_cast<double>(step);
  const Rgb a = kScale[step], b = kScale[step + 1];
  return {mix(a.r, b.r, part), mix(a.g, b.g, part), mix(a.b, b.b, part)};
}

HeatMap::HeatMap(size_t n, std::vector<double> values) : n_(n), values_(std::move(values)) {
  for (double value : values_) low_ = std::min(low_, value);
}

Rgb HeatMap::colour(double value) const { return scale_colour((value - low_) / (1 - low_)); }

bool fits_terminal(size_t n, Colour colour, int width) {
  return colour == Colour::kNone || fit_cells(n, 2, width);
}

std::string HeatMap::draw(Colour colour, int width) const {
  const size_t label = std::to_string(n_).size();
  const bool numbers = colour == Colour::kNone || fit_cells(n_, 7, width);
  std::string text;
  if (numbers) {
    text += std::string(label + 1, ' ');
    for (size_t column = 1; column <= n_; ++column) text += right(std::to_string(column), 6) + " ";
    text += '\n';
  }
  for (size_t row = 0; row < n_; ++row) {
    text += right(std::to_string(row + 1), label) + " ";
    for (size_t column = 0; column < n_; ++column) {
      const Rgb rgb = this->colour(value(row, column));
      text += background(colour, rgb);
      if (colour != Colour::kNone) text += foreground(colour, ink_on(rgb));
      text += numbers ? right(formatted("%.3f", value(row, column)), 6) + " " : "  ";
    }
    text += plain(colour) + "\n";
  }
  return text;
}

}  // namespace vecton::cli
