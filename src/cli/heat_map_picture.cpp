// Heat maps as pictures: where everything stands, the same in PNG and SVG.
#include <algorithm>

#include "base/utf8.h"
#include "cli/canvas.h"
#include "cli/display_width.h"
#include "cli/heat_map.h"
#include "cli/svg.h"
#include "cli/text_painter.h"

namespace vecton::cli {

namespace {

using Align = Picture::Align;
using Lines = std::vector<std::string>;

// Sizes in pixels of a picture of n x n cells.
struct Layout {
  // `widths` measures text.
  Layout(const std::vector<std::string>& texts, const Picture& widths)
      : cells(static_cast<int>(texts.size())),
        cell(std::clamp(900 / std::max(1, cells), 3, 84)),
        gap(cell >= 12 ? 2 : 0),
        scale(cell >= 18 ? 2 : 1),
        line_height(Picture::font_size(scale) * 4 / 3),
        has_labels(cell >= 9),
        side(std::max(cells * cell, 120)) {
    for (size_t i = 0; has_labels && i < texts.size(); ++i) {
      labels.push_back(wrapped(texts[i], kColumns, std::clamp(cell / line_height, 1, kMostLines)));
      for (const std::string& line : labels.back())
        label_width = std::max(label_width, widths.text_width(line, scale));
    }
    number_width = widths.text_width(std::to_string(cells), scale);
    if (has_labels) {
      left += label_width + number_width + 2 * kSpace;
      top += kSpace + 7 * scale;
    }
    width = left + side + kMargin + kBar + 62 + kMargin;
    height = top + side + kMargin;
  }

  static constexpr int kMargin = 28, kBar = 22, kSpace = 10, kColumns = 44, kMostLines = 3;
  int cells, cell, gap, scale, line_height;
  bool has_labels;
  int side, left = kMargin, top = kMargin, width = 0, height = 0;
  int label_width = 0, number_width = 0;
  std::vector<Lines> labels;  // of every row
};

void draw_cells(Picture& picture, const Layout& layout, const HeatMap& map) {
  for (int row = 0; row < layout.cells; ++row) {
    for (int column = 0; column < layout.cells; ++column) {
      const double value = map.value(static_cast<size_t>(row), static_cast<size_t>(column));
      const Rgb colour = map.colour(value);
      const int x = layout.left + column * layout.cell, y = layout.top + row * layout.cell;
      picture.fill(x, y, layout.cell - layout.gap, layout.cell - layout.gap, colour);
      if (layout.cell < 60) continue;
      const int middle = (layout.cell - layout.gap) / 2;
      picture.text(x + middle, y + middle, formatted("%.2f", value), 2, ink_on(colour),
                   Align::kCentre);
    }
  }
}

void draw_labels(Picture& picture, const Layout& layout) {
  if (!layout.has_labels) return;
  const int middle = (layout.cell - layout.gap) / 2;
  // Numbers of columns: all where cells are wide, every fifth or more where they would touch.
  const int wide = layout.number_width + 4;
  const int step = layout.cell >= wide ? 1 : std::max(5, wide / layout.cell + 1);
  for (int i = 0; i < layout.cells; ++i) {
    const Lines& lines = layout.labels[static_cast<size_t>(i)];
    const std::string number = std::to_string(i + 1);
    const int x = layout.left - Layout::kSpace;
    const int y = layout.top + i * layout.cell + middle;
    picture.text(x, y, number, layout.scale, kInk, Align::kRight);
    for (size_t n = 0; n < lines.size(); ++n) {
      const int above = static_cast<int>(2 * n + 1 - lines.size()) * layout.line_height / 2;
      picture.text(x - layout.number_width - Layout::kSpace, y + above, lines[n], layout.scale,
                   kInk, Align::kRight);
    }
    if (i % step != 0) continue;
    picture.text(layout.left + i * layout.cell + middle, layout.top - 8 - 4 * layout.scale, number,
                 layout.scale, kInk, Align::kCentre);
  }
}

void draw_scale(Picture& picture, const Layout& layout, const HeatMap& map) {
  const int x = layout.left + layout.side + Layout::kMargin;
  const double low = map.low();
  for (int y = 0; y < layout.side; ++y) {
    const double share = 1 - static_cast<double>(y) / (layout.side - 1);
    picture.fill(x, layout.top + y, Layout::kBar, 1, map.colour(low + (1 - low) * share));
  }
  constexpr int kTicks = 5;
  for (int i = 0; i < kTicks; ++i) {
    const double share = static_cast<double>(i) / (kTicks - 1);
    const int y = layout.top + static_cast<int>((1 - share) * (layout.side - 1));
    picture.fill(x + Layout::kBar, y, 5, 1, kInk);
    picture.text(x + Layout::kBar + 10, y, formatted("%.2f", low + (1 - low) * share), 2, kInk,
                 Align::kLeft);
  }
}

void draw(Picture& picture, const Layout& layout, const HeatMap& map) {
  draw_cells(picture, layout, map);
  draw_labels(picture, layout);
  draw_scale(picture, layout, map);
}

}  // namespace

std::vector<std::string> wrapped(const std::string& text, int columns, int most) {
  std::string rest = fit(text, 1 << 20);  // one line, of valid UTF-8
  Lines lines;
  while (!rest.empty()) {
    if (display_width(rest) <= columns || static_cast<int>(lines.size()) + 1 >= most) {
      lines.push_back(fit(rest, columns));
      break;
    }
    size_t end = 0, blank = 0;
    for (int used = 0; end < rest.size();) {
      const utf8::Character c = utf8::decode(rest, end);
      used += display_width(rest.substr(end, c.bytes));
      if (used > columns) break;
      if (rest[end] == ' ') blank = end;
      end += c.bytes;
    }
    if (blank > 0) end = blank;
    lines.push_back(rest.substr(0, end));
    rest.erase(0, std::min(rest.find_first_not_of(' ', end), rest.size()));
  }
  return lines;
}

bool write_png(const HeatMap& map, const std::filesystem::path& file,
               const std::vector<std::string>& texts) {
  const TextPainter* painter = TextPainter::get();
  const Layout layout(texts, Canvas(1, 1, kPaper, painter));
  Canvas canvas(layout.width, layout.height, kPaper, painter);
  draw(canvas, layout, map);
  canvas.write(file);
  return !layout.has_labels || std::ranges::all_of(texts, [&](const std::string& text) {
    return has_letters_of(painter, text);
  });
}

void write_svg(const HeatMap& map, const std::filesystem::path& file,
               const std::vector<std::string>& texts) {
  const Layout layout(texts, Svg(1, 1, kPaper));
  Svg svg(layout.width, layout.height, kPaper);
  draw(svg, layout, map);
  svg.write(file);
}

}  // namespace vecton::cli
