#include "cli/heat_map.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/canvas.h"

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

std::string formatted(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string right(const std::string& text, size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

constexpr Rgb kPaper{255, 255, 255}, kInk{40, 40, 40};

// Sizes in pixels of a picture of n x n cells.
struct Layout {
  explicit Layout(size_t n)
      : cells(static_cast<int>(n)),
        cell(std::clamp(900 / std::max(1, cells), 3, 84)),
        gap(cell >= 12 ? 2 : 0),
        label_scale(cell >= 30 ? 2 : 1),
        labels(cell >= 9),
        left(labels ? margin + 8 + 6 * label_scale * static_cast<int>(std::to_string(n).size())
                    : margin),
        top(labels ? margin + 8 + 7 * label_scale : margin),
        side(std::max(cells * cell, 120)),
        width(left + side + margin + kBar + 58 + margin),
        height(top + side + margin) {}

  static constexpr int margin = 28, kBar = 22;
  int cells, cell, gap, label_scale;
  bool labels;
  int left, top, side, width, height;
};

void draw_cells(Canvas& canvas, const Layout& layout, const HeatMap& map) {
  for (int row = 0; row < layout.cells; ++row) {
    for (int column = 0; column < layout.cells; ++column) {
      const double value = map.value(static_cast<size_t>(row), static_cast<size_t>(column));
      const Rgb colour = map.colour(value);
      const int x = layout.left + column * layout.cell, y = layout.top + row * layout.cell;
      canvas.fill(x, y, layout.cell - layout.gap, layout.cell - layout.gap, colour);
      if (layout.cell < 60) continue;
      const int middle = (layout.cell - layout.gap) / 2;
      canvas.text_centred(x + middle, y + middle, formatted("%.2f", value), 2, ink_on(colour));
    }
  }
}

void draw_labels(Canvas& canvas, const Layout& layout) {
  if (!layout.labels) return;
  const int middle = (layout.cell - layout.gap) / 2;
  // Every number where cells are large, every fifth or more where they would touch.
  const int needed =
      6 * layout.label_scale * static_cast<int>(std::to_string(layout.cells).size()) + 4;
  const int step = layout.cell >= needed ? 1 : std::max(5, (needed / layout.cell + 1));
  for (int i = 0; i < layout.cells; i += step) {
    const std::string number = std::to_string(i + 1);
    const int width = Canvas::text_width(number, layout.label_scale);
    canvas.text_centred(layout.left + i * layout.cell + middle,
                        layout.top - 8 - 4 * layout.label_scale, number, layout.label_scale, kInk);
    canvas.text_centred(layout.left - 8 - width / 2, layout.top + i * layout.cell + middle, number,
                        layout.label_scale, kInk);
  }
}

void draw_scale(Canvas& canvas, const Layout& layout, const HeatMap& map, double low) {
  const int x = layout.left + layout.side + layout.margin;
  for (int y = 0; y < layout.side; ++y) {
    const double share = 1 - static_cast<double>(y) / (layout.side - 1);
    canvas.fill(x, layout.top + y, Layout::kBar, 1, map.colour(low + (1 - low) * share));
  }
  constexpr int kTicks = 5;
  for (int i = 0; i < kTicks; ++i) {
    const double share = static_cast<double>(i) / (kTicks - 1);
    const int y = layout.top + static_cast<int>((1 - share) * (layout.side - 1));
    canvas.fill(x + Layout::kBar, y, 5, 1, kInk);
    const std::string number = formatted("%.2f", low + (1 - low) * share);
    canvas.text_centred(x + Layout::kBar + 10 + Canvas::text_width(number, 2) / 2, y, number, 2,
                        kInk);
  }
}

}  // namespace

Rgb ink_on(Rgb background) {
  const double light = 0.299 * background.r + 0.587 * background.g + 0.114 * background.b;
  return light > 130 ? Rgb{0, 0, 0} : Rgb{255, 255, 255};
}

HeatMap::HeatMap(size_t n, std::vector<double> values) : n_(n), values_(std::move(values)) {
  for (double value : values_) low_ = std::min(low_, value);
}

Rgb HeatMap::colour(double value) const {
  const double at = std::clamp((value - low_) / (1 - low_), 0.0, 1.0) * kSteps;
  const size_t step = std::min(static_cast<size_t>(at), kSteps - 1);
  const double share = at - static_cast<double>(step);
  const Rgb a = kScale[step], b = kScale[step + 1];
  return {mix(a.r, b.r, share), mix(a.g, b.g, share), mix(a.b, b.b, share)};
}

std::string HeatMap::draw(Colour colour, int width) const {
  const size_t label = std::to_string(n_).size();
  const bool numbers = colour == Colour::kNone || static_cast<size_t>(width) >= label + 1 + 7 * n_;
  if (!numbers && static_cast<size_t>(width) < label + 1 + 2 * n_) {
    return "The matrix is too wide for this terminal; --png FILE draws it as a picture.\n";
  }
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

void HeatMap::write_png(const std::filesystem::path& file) const {
  const Layout layout(n_);
  Canvas canvas(layout.width, layout.height, kPaper);
  draw_cells(canvas, layout, *this);
  draw_labels(canvas, layout);
  draw_scale(canvas, layout, *this, low_);
  canvas.write_png(file);
}

}  // namespace vecton::cli
