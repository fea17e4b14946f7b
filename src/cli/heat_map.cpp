#include "cli/heat_map.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "cli/canvas.h"
#include "cli/display_width.h"

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

// What rounds to zero has no sign.
std::string formatted(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  const std::string_view number = text;
  const bool zero = number.find_first_not_of("-0.") == std::string_view::npos;
  return std::string(number.substr(zero && number.starts_with('-') ? 1 : 0));
}

std::string right(const std::string& text, size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

constexpr Rgb kPaper{255, 255, 255}, kInk{40, 40, 40};

// What stands beside row i.
std::string row_label(size_t i, const std::string& text) {
  constexpr int kWidest = 40;  // columns
  std::string label = fit(text, kWidest);
  if (label.ends_with("…")) label.replace(label.size() - 3, 3, "..");
  return label + "  " + std::to_string(i + 1);
}

// Sizes in pixels of a picture of n x n cells.
struct Layout {
  explicit Layout(const std::vector<std::string>& labels)
      : cells(static_cast<int>(labels.size())),
        cell(std::clamp(900 / std::max(1, cells), 3, 84)),
        gap(cell >= 12 ? 2 : 0),
        label_scale(cell >= 18 ? 2 : 1),
        has_labels(cell >= 9),
        side(std::max(cells * cell, 120)) {
    for (size_t i = 0; has_labels && i < labels.size(); ++i) {
      left = std::max(left, kMargin + 10 + Canvas::text_width(labels[i], label_scale));
    }
    if (has_labels) top += 10 + 7 * label_scale;
    width = left + side + kMargin + kBar + 62 + kMargin;
    height = top + side + kMargin;
  }

  static constexpr int kMargin = 28, kBar = 22;
  int cells, cell, gap, label_scale;
  bool has_labels;
  int side, left = kMargin, top = kMargin, width = 0, height = 0;
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

void draw_labels(Canvas& canvas, const Layout& layout, const std::vector<std::string>& labels) {
  if (!layout.has_labels) return;
  const int middle = (layout.cell - layout.gap) / 2;
  // Numbers of columns: all where cells are wide, every fifth or more where they would touch.
  const int wide = Canvas::text_width(std::to_string(layout.cells), layout.label_scale) + 4;
  const int step = layout.cell >= wide ? 1 : std::max(5, wide / layout.cell + 1);
  for (int i = 0; i < layout.cells; ++i) {
    const std::string& label = labels[static_cast<size_t>(i)];
    const int width = Canvas::text_width(label, layout.label_scale);
    canvas.text(layout.left - 10 - width, layout.top + i * layout.cell + middle, label,
                layout.label_scale, kInk);
    if (i % step != 0) continue;
    canvas.text_centred(layout.left + i * layout.cell + middle,
                        layout.top - 8 - 4 * layout.label_scale, std::to_string(i + 1),
                        layout.label_scale, kInk);
  }
}

void draw_scale(Canvas& canvas, const Layout& layout, const HeatMap& map, double low) {
  const int x = layout.left + layout.side + Layout::kMargin;
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
    canvas.text(x + Layout::kBar + 10, y, number, 2, kInk);
  }
}

}  // namespace

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

void HeatMap::write_png(const std::filesystem::path& file,
                        const std::vector<std::string>& texts) const {
  std::vector<std::string> labels;
  for (size_t i = 0; i < n_; ++i) labels.push_back(row_label(i, texts[i]));
  const Layout layout(labels);
  Canvas canvas(layout.width, layout.height, kPaper);
  draw_cells(canvas, layout, *this);
  draw_labels(canvas, layout, labels);
  draw_scale(canvas, layout, *this, low_);
  canvas.write_png(file);
}

}  // namespace vecton::cli
